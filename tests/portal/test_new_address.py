"""An account at another address: confirmed at both ends, called back from the old one, and raced for."""

import asyncio

import pytest

from gateway.domain.address import address
from gateway.domain.model import Account, AddressChange, Audit, Codes, Copy, Delivery, Passkey, RecoveryCode
from gateway.domain.vocabulary import Notice, Purpose
from gateway.errors import WrongKey
from gateway.flow import copies, notices
from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import new_address
from gateway.flow.stored_facts import for_template
from tests.browser import PASSWORD
from tests.portal.sure import say_yes
from tests.practice import PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
NEW = "patricia@work.example"
OTHER_PASSWORD = "violets in a teapot"


async def told(world, notice):
    """Who was told, and what."""
    rows = await world.rows(Delivery, notice=notice)
    return [(row.recipient, notices.unseal(world.keys, row)) for row in rows]


async def confirm_link(world, at=-1):
    letter = (await told(world, Notice.NEW_ADDRESS))[at][1]
    return f"/profile/address/{for_template(world.keys, letter.facts.confirm)}"


async def keep_link(world, at=0):
    letter = (await told(world, Notice.ADDRESS_CHANGED))[at][1]
    return f"/address/{for_template(world.keys, letter.facts.keep)}"


async def ask(browser, to=NEW, password=PASSWORD):
    await browser.go("/profile/address")
    return await browser.press("Send the link", email=to, password=password)


async def moved(world, browser, to=NEW):
    """The address is asked for, and confirmed."""
    await ask(browser, to)
    await browser.go(await confirm_link(world))
    return await say_yes(browser)


async def signed_in(world, browser):
    account = await world.registered()
    await browser.sign_in()
    return account


@both_stores
async def test_an_address_changes_when_it_is_confirmed(world, browser):
    copy = await world.written(await signed_in(world, browser))
    elsewhere = await world.browser().sign_in()
    await ask(browser)
    assert NEW in browser.text
    assert NEW in (await browser.go("/profile")).text
    assert (await world.rows(Account))[0].typed == "pat@home.example"
    await browser.go(await confirm_link(world))
    assert (await world.rows(Account))[0].typed == "pat@home.example"  # looking at it changes nothing
    await say_yes(browser)
    assert "Your address is changed" in browser.text
    assert (await elsewhere.go("/inbox")).path == "/sign-in"
    fresh = await world.browser().sign_in(NEW)
    assert "All is well." in (await fresh.go(f"/messages/{copy.id}")).text
    assert (await world.browser().sign_in()).status == 422
    assert [row.action for row in await world.rows(Audit) if "address" in row.action] == [
        "asked for another address",
        "changed the address",
    ]


async def test_both_ends_are_told_and_the_old_one_not_where_to(world, browser):
    await signed_in(world, browser)
    await moved(world, browser)
    [(to, letter)] = await told(world, Notice.NEW_ADDRESS)
    assert (to, letter.to_name) == (NEW, "")
    old = await told(world, Notice.ADDRESS_CHANGED)
    assert [(to, letter.facts.what) for to, letter in old] == [
        ("pat@home.example", "asked"),
        ("pat@home.example", "done"),
    ]
    assert not any("patricia" in str(letter.facts) for _, letter in old)


@pytest.mark.parametrize("to", ["no address", "PAT@home.example", "bot@secure.riverside.example", ""])
async def test_an_address_that_cannot_be_is_sent_back(world, browser, to):
    await signed_in(world, browser)
    await ask(browser, to)
    assert browser.status == 422
    assert not await world.rows(AddressChange)


async def test_it_takes_the_password(world, browser):
    await signed_in(world, browser)
    await ask(browser, password="wrong")
    assert "This is not your password" in browser.text
    assert not await world.rows(AddressChange)


async def test_nobody_learns_whether_the_new_address_has_an_account(world, browser):
    await world.registered("uma@home.example", "Uma")
    await signed_in(world, browser)
    await ask(browser, "uma@home.example")
    known, rows = (browser.status, browser.text), len(await world.rows(Delivery))
    await ask(browser, "ulf@home.example")
    assert (browser.status, browser.text.replace("ulf@", "uma@")) == known
    assert len(await world.rows(Delivery)) == 2 * rows
    assert [letter.facts.taken for _, letter in await told(world, Notice.NEW_ADDRESS)] == [True, False]


async def test_a_stranger_cannot_be_made_to_give_their_address_away(world, browser):
    """Uma gets the mail, and follows its link: it opens nothing but in the account that asked."""
    await world.registered("uma@home.example", "Uma")
    await signed_in(world, browser)
    await ask(browser)
    uma = await world.browser().sign_in("uma@home.example")
    assert (await uma.go(await confirm_link(world))).status == 404
    stranger = await world.browser().go(await confirm_link(world))
    assert stranger.path == "/sign-in"
    await stranger.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert stranger.heading == "Use your new address?"


async def test_a_link_works_once_for_a_day_and_only_the_newest(world, browser):
    await signed_in(world, browser)
    await ask(browser, "first@work.example")
    await ask(browser)
    first, second = await confirm_link(world, 0), await confirm_link(world, 1)
    assert (await browser.go(first)).status == 404
    dead = browser.text
    await browser.go(second)
    await say_yes(browser)
    assert ((await browser.go(second)).status, browser.text) == (404, dead)
    await ask(browser, "third@work.example")
    for _ in range(49):
        world.clock.advance(minutes=30)
    await browser.sign_in(NEW)
    assert ((await browser.go(await confirm_link(world))).status, browser.text) == (404, dead)
    assert ((await browser.go("/profile/address/x")).status, browser.text) == (404, dead)


async def test_tokens_of_the_two_ends_are_not_each_others(world, browser):
    await signed_in(world, browser)
    await ask(browser)
    confirm, keep = await confirm_link(world), await keep_link(world)
    assert (await browser.go(keep.replace("/address", "/profile/address"))).status == 404
    assert (await browser.go(confirm.removeprefix("/profile"))).status == 404
    made_up = world.keys.token(Purpose.OLD_ADDRESS, 7)
    assert (await browser.go(f"/address/{made_up}")).status == 404


async def test_few_changes_a_day_may_be_asked_for(world, browser):
    await signed_in(world, browser)
    answers = [(await ask(browser, f"{number}@work.example")).status for number in range(4)]
    assert answers == [200] * 3 + [422]
    assert len(await told(world, Notice.NEW_ADDRESS)) == 3


@both_stores
async def test_of_two_who_take_one_address_one_gets_it(world):
    browsers = []
    for email in ("pat@home.example", "uma@home.example"):
        await world.registered(email, email)
        browsers.append(await world.browser().sign_in(email))
        await ask(browsers[-1])
        await browsers[-1].go(await confirm_link(world))
    await asyncio.gather(*(say_yes(browser) for browser in browsers))
    assert sorted(browser.status for browser in browsers) == [200, 409]
    assert [row.address for row in await world.rows(Account)].count(NEW) == 1


async def test_what_waits_for_the_new_address_becomes_a_question(world, browser):
    await signed_in(world, browser)
    invitation = await world.invited(PATIENT, to=NEW)
    await moved(world, browser)
    await browser.go(f"/questions/{invitation.id}")
    await browser.press("Continue", day="3", month="2", year="1980")
    assert browser.path == "/inbox"
    assert "Dr Ada" in browser.text


@both_stores
async def test_a_question_that_was_open_at_the_old_address_is_still_asked(world, browser):
    await signed_in(world, browser)
    invitation = await world.invited(PATIENT)
    await moved(world, browser)
    await browser.go("/inbox")
    assert "Answer the question from Riverside Family Practice" in browser.text
    assert (await world.invitation(invitation)).address == "pat@home.example"  # the practice learns of no other
    await browser.go(f"/questions/{invitation.id}")
    await browser.press("Continue", day="3", month="2", year="1980")
    assert browser.path == "/inbox"
    [copy] = await world.rows(Copy)
    assert "All is well." in (await browser.go(f"/messages/{copy.id}")).text


async def test_what_comes_to_the_old_address_later_is_not_theirs(world, browser):
    await signed_in(world, browser)
    await moved(world, browser)
    world.clock.advance(minutes=1)
    invitation = await world.invited(PATIENT)
    assert (await browser.go(f"/questions/{invitation.id}")).status == 404
    assert "question" not in (await browser.go("/inbox")).text


async def test_an_old_address_with_an_account_of_its_own_answers_for_itself(world, browser):
    await signed_in(world, browser)
    invitation = await world.invited(PATIENT)
    await moved(world, browser)
    await world.registered()
    assert (await browser.go(f"/questions/{invitation.id}")).status == 404
    assert (await (await world.browser().sign_in()).go(f"/questions/{invitation.id}")).status == 200


async def test_a_link_to_a_new_password_dies_with_the_old_address(world, browser):
    await signed_in(world, browser)
    other = await world.browser().go("/reset")
    await other.press("Send me the link", email="pat@home.example")
    letter = (await told(world, Notice.PASSWORD_RESET))[0][1]
    await moved(world, browser)
    assert (await other.go(f"/reset/{for_template(world.keys, letter.facts.reset)}")).status == 404


# ------------------------------------------------------------------------------------------------------- the old end


@both_stores
async def test_a_change_is_stopped_before_it_is_made(world, browser):
    await signed_in(world, browser)
    await ask(browser)
    owner = await world.browser().go(await keep_link(world))
    before = await world.everything()
    await owner.go(await keep_link(world))
    assert await world.everything() == before  # looking at it changes nothing
    await say_yes(owner)
    assert owner.heading == "Choose a new password"
    assert (await browser.go("/inbox")).path == "/sign-in"
    assert (await world.browser().sign_in()).status == 422
    assert (await world.browser().sign_in(password="nobody's")).status == 422
    await owner.press("Save", password=OTHER_PASSWORD)
    await owner.press("Sign in", email="pat@home.example", password=OTHER_PASSWORD)
    assert owner.heading == "Inbox"
    assert (await owner.go(await confirm_link(world))).status == 404
    assert (await owner.go(await keep_link(world))).status == 404


@both_stores
async def test_an_account_that_was_taken_over_comes_back(world, browser):
    """The thief moves it twice, and sets up a second step that the owner cannot take."""
    copy = await world.written(await signed_in(world, browser))
    await moved(world, browser, "thief@bad.example")
    world.clock.advance(hours=1)
    await browser.sign_in("thief@bad.example")
    await moved(world, browser, "thief@worse.example")
    account = (await world.rows(Account))[0]
    await world.store.write(lambda tx: _second_factors(tx, account, world.clock.now()))
    world.clock.advance(days=5)
    owner = await world.browser().go(await keep_link(world))
    await say_yes(owner)
    await owner.press("Save", password=OTHER_PASSWORD)
    await owner.press("Sign in", email="pat@home.example", password=OTHER_PASSWORD)
    assert "All is well." in (await owner.go(f"/messages/{copy.id}")).text
    for link in [await keep_link(world, number) for number in range(5)]:
        assert (await world.browser().go(link)).status == 404
    assert not any([await world.rows(table) for table in (Passkey, Codes, RecoveryCode)])


def _second_factors(tx, account, now):
    tx.add(Codes(account_id=account.id, secret=b"sealed", last_step=0, created_at=now))
    tx.add(RecoveryCode(account_id=account.id, digest=b"digest"))
    tx.add(Passkey(account_id=account.id, credential=b"c", public_key=b"k", sign_count=0, name="", created_at=now))


async def test_a_second_factor_from_before_stays(world, browser):
    account = await signed_in(world, browser)
    await world.store.write(lambda tx: _second_factors(tx, account, world.clock.now()))
    world.clock.advance(minutes=1)
    await world.desk.do(new_address.ask, account, address(NEW))
    owner = await world.browser().go(await keep_link(world))
    await say_yes(owner)
    assert (len(await world.rows(Passkey)), len(await world.rows(Codes))) == (1, 1)


async def test_it_is_called_back_within_a_week(world, browser):
    await signed_in(world, browser)
    await moved(world, browser)
    world.clock.advance(days=6, hours=23)
    late = await world.browser().go(await keep_link(world))
    assert late.status == 200
    world.clock.advance(hours=1)
    await say_yes(late)
    assert late.status == 404
    assert (await world.rows(Account))[0].typed == NEW


async def test_it_is_not_called_back_to_an_address_that_has_another_account(world, browser):
    await signed_in(world, browser)
    await moved(world, browser)
    await world.registered()
    assert (await world.browser().go(await keep_link(world))).status == 404


@both_stores
async def test_links_of_an_erased_account_never_open_the_change_of_another(world):
    """Whoever erases an account keeps its mails, and so its links: the number in them is nobody else's, ever."""
    mallory, pat = await world.registered("mallory@home.example", "Mallory"), await world.registered()
    for _ in range(2):
        await world.desk.do(new_address.ask, mallory, address("m2@home.example"))
    numbers = [one.id for one in await world.rows(AddressChange)]
    await world.desk.do(accounts.erase, mallory)
    await world.desk.do(new_address.ask, pat, address(NEW))
    [change] = await world.rows(AddressChange, account_id=pat.id)
    assert change.id not in numbers
    for number in numbers:
        old = world.keys.token(Purpose.OLD_ADDRESS, number)
        assert await world.desk.do(new_address.stop, old) is None
        fresh = world.keys.token(Purpose.NEW_ADDRESS, number)
        assert await world.desk.ask(new_address.confirmable, pat, fresh) is None
    left = await world.rows(AddressChange, account_id=mallory.id)
    assert not any(one.old_address + one.old_typed + one.new_address + one.new_typed for one in left)


async def test_erasing_the_account_ends_it_all(world, browser):
    copy = await world.written(await signed_in(world, browser))
    await moved(world, browser)
    await browser.go("/profile/erase")
    await browser.press("Erase my account", password=PASSWORD)
    [change] = await world.rows(AddressChange)
    assert change.old_address + change.old_typed + change.new_address + change.new_typed == ""
    assert (await world.browser().go(await keep_link(world))).status == 404
    [destroyed] = await world.rows(type(copy), id=copy.id)
    with pytest.raises(WrongKey):
        await world.desk.ask(copies.data_key, destroyed)
