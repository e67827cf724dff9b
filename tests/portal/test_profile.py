"""A person's own account: a forgotten password, changes, sessions, and its end."""

import base64
import io
import json
import os
import zipfile
from types import SimpleNamespace

import pytest
from selectolax.lexbor import LexborHTMLParser

from gateway.domain.model import Account, Audit, Content, Copy, Delivery, Session
from gateway.domain.vocabulary import CopyState, DeliverTo, Notice, Purpose
from gateway.flow import notices
from gateway.flow.accounts import account as accounts
from gateway.flow.stored_facts import for_template
from gateway.portal.account.leaving import archive
from gateway.portal.passwords import Passwords
from gateway.portal.turns import Asker
from tests.browser import PASSWORD, Browser
from tests.practice import ADA, PATIENT, RESULTS

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
NEW = "violets in a teapot"


async def account_of(world):
    return (await world.rows(Account))[0]


async def told(world, notice):
    return [notices.unseal(world.keys, row) for row in await world.rows(Delivery, notice=notice)]


async def reset_link(world):
    letter = (await told(world, Notice.PASSWORD_RESET))[-1]
    return f"/reset/{for_template(world.keys, letter.facts.reset)}"


async def ask(world, email="pat@home.example"):
    browser = await Browser(world.app).go("/reset")
    return await browser.press("Send me the link", email=email)


@both_stores
async def test_a_forgotten_password_is_replaced_by_mail(world, browser):
    await world.registered()
    elsewhere = await Browser(world.app).sign_in()
    await ask(world, "PAT@home.example")
    await browser.go(await reset_link(world))
    await browser.press("Save", password=NEW)
    assert "Your new password is set" in browser.text
    await browser.press("Sign in", email="pat@home.example", password=NEW)
    assert browser.heading == "Inbox"
    assert (await elsewhere.go("/inbox")).path == "/sign-in"
    assert [letter.facts.change for letter in await told(world, Notice.ACCOUNT_CHANGED)] == ["password"]


async def test_nobody_learns_from_it_who_has_an_account(world):
    await world.registered()
    known, unknown = await ask(world), await ask(world, "pit@home.example")
    assert known.status == unknown.status == 200
    assert known.text.replace("pat@", "pit@") == unknown.text
    assert len(await told(world, Notice.PASSWORD_RESET)) == 1


async def test_a_link_works_once_and_for_an_hour_and_asking_again_sends_the_same(world, browser):
    """Whichever of two mails is opened first, its link works; once it was used, both are dead."""
    await world.registered()
    await ask(world)
    first = await reset_link(world)
    world.clock.advance(minutes=6)
    await ask(world)
    second = await reset_link(world)
    assert first == second
    await browser.go(first)
    await browser.press("Save", password=NEW)
    assert (await browser.go(second)).status == 404
    dead = browser.text
    world.clock.advance(minutes=6)
    await ask(world)
    world.clock.advance(hours=1)
    assert ((await browser.go(await reset_link(world))).status, browser.text) == (404, dead)
    assert ((await browser.go("/reset/x")).status, browser.text) == (404, dead)


async def test_who_can_read_their_mail_gets_in_however_many_guess(world, browser):
    await world.registered()
    guesser = world.browser(host="192.0.2.2")
    for _ in range(12):
        await guesser.sign_in(password="wrong password")
    await ask(world)
    await browser.go(await reset_link(world))
    await browser.press("Save", password="three odd little words")
    await browser.sign_in(password="three odd little words")
    assert browser.path == "/inbox"


async def test_many_who_ask_send_one_mail(world):
    await world.registered()
    for _ in range(5):
        await ask(world)
    assert len(await told(world, Notice.PASSWORD_RESET)) == 1


async def test_whoever_asks_very_often_is_slowed_down(world):
    answers = [(await ask(world)).status for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2


async def test_an_invitations_link_resets_nothing_and_the_other_way_round(world, browser):
    account = await world.registered()
    invitation = await world.invited(PATIENT, to="uma@home.example")
    await ask(world)
    reset = (await reset_link(world)).removeprefix("/reset/")
    assert (await browser.go(f"/invite/{reset}")).status == 404
    assert (await browser.go(world.link(invitation).replace("invite", "reset"))).status == 404
    made_up = world.keys.token(Purpose.RESET, account.id, 7)
    assert (await browser.go(f"/reset/{made_up}")).status == 404


@pytest.mark.parametrize("weak", ["short", "password", "pat@home.example"])
async def test_a_weak_password_is_sent_back(world, browser, weak):
    await world.registered()
    await ask(world)
    await browser.go(await reset_link(world))
    before = await account_of(world)
    await browser.press("Save", password=weak)
    assert browser.status == 422
    assert await account_of(world) == before


# -------------------------------------------------------------------------------------------------------------- changes


@both_stores
async def test_a_password_is_changed_with_the_old_one_and_ends_other_sessions(world, browser):
    await world.registered()
    elsewhere = await Browser(world.app).sign_in()
    await browser.sign_in()
    await browser.go("/profile/password")
    await browser.press("Save", old="wrong", password=NEW)
    assert "This is not your password" in browser.text
    await browser.press("Save", old=PASSWORD, password=NEW)
    assert (browser.path, "Your password is changed" in browser.text) == ("/profile", True)
    assert (await elsewhere.go("/inbox")).path == "/sign-in"
    await Browser(world.app).sign_in(password=NEW)
    assert len(await told(world, Notice.ACCOUNT_CHANGED)) == 1


async def test_guessing_the_old_password_is_slowed_down(world, browser):
    await world.registered()
    await browser.sign_in()
    said = []
    for _ in range(12):
        await browser.go("/profile/password")
        await browser.press("Save", old="wrong", password=NEW)
        said.append("too many tries" in browser.text)
    assert said == [False] * 10 + [True] * 2


async def test_a_name_and_a_practice_are_changed(world, browser):
    await world.registered()
    await browser.sign_in()
    await browser.go("/profile/name")
    await browser.press("Save", name="Patricia")
    await browser.go("/profile/practice")
    await browser.press("Save", practice_name="Hillside", practice_phone="1", practice_address="2 Hill Street")
    assert "Patricia" in browser.text
    assert "Hillside" in browser.text


async def test_a_language_is_chosen_before_and_after_signing_in(world, browser):
    await world.registered()
    await browser.go("/sign-in")
    await browser.client.post("/language", data=_form(browser, "/language") | {"language": "de"})
    assert (await browser.go("/sign-in")).heading == "Anmelden"
    await browser.press("Anmelden", email="pat@home.example", password=PASSWORD)
    await browser.go("/profile")
    await browser.client.post("/language", data=_form(browser, "/language") | {"language": "fr"})
    assert 'lang="fr"' in (await browser.go("/profile")).response.text
    assert (await account_of(world)).language == "fr"


async def test_another_language_leads_back_to_what_was_shown(world, browser):
    await world.registered()
    await browser.sign_in()
    await browser.go("/inbox?show=unread&q=results")
    answer = await browser.client.post("/language", data=_form(browser, "/language") | {"language": "fr"})
    assert str(answer.url).endswith("/inbox?show=unread&q=results")


def _form(browser, action):
    form = browser.page.css_first(f"form[action='{action}']")
    return {field.attributes["name"]: field.attributes["value"] for field in form.css("input")}


# ------------------------------------------------------------------------------------------------------------- sessions


async def test_sessions_are_listed_and_ended(world, browser):
    await world.registered()
    phone, library = Browser(world.app), Browser(world.app)
    phone.client.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1"
    for one in (phone, library, browser):
        await one.sign_in()
    await browser.go("/profile/sessions")
    assert "Safari, iPhone" in browser.text
    assert browser.text.count("this one") == 1
    form = next(f for f in browser.page.css(".sessions form") if "iPhone" in f.text())
    ended = form.css_first("button").attributes["value"]
    await browser.client.post("/profile/sessions", data={**_form(browser, "/profile/sessions"), "session": ended})
    assert (await phone.go("/inbox")).path == "/sign-in"
    assert (await library.go("/inbox")).path == "/inbox"
    await browser.go("/profile/sessions")
    await browser.press("Sign out everywhere else")
    assert (await library.go("/inbox")).path == "/sign-in"
    assert (await browser.go("/inbox")).path == "/inbox"


async def test_nobody_ends_anothers_session(world, browser):
    await world.registered()
    await world.registered("uma@home.example", "Uma")
    uma = await Browser(world.app).sign_in("uma@home.example")
    hers = (await world.rows(Session))[0].id
    await browser.sign_in()
    await browser.go("/profile/sessions")
    fields = _form(browser, "/sign-out")
    await browser.client.post("/profile/sessions", data={**fields, "session": str(hers)})
    await browser.client.post("/profile/sessions", data={**fields, "all": "yes"})
    assert (await uma.go("/inbox")).path == "/inbox"


async def test_a_sign_of_life_keeps_the_session(world, browser):
    await world.registered()
    await browser.sign_in()
    for _ in range(3):
        world.clock.advance(minutes=20)
        answer = await browser.client.post("/stay", data=_form(browser, "/stay"))
        assert answer.status_code == 204
    assert (await browser.go("/inbox")).path == "/inbox"


# -------------------------------------------------------------------------------------------------------------- the end


async def test_ones_data_is_taken_along(world, browser):
    account = await world.registered()
    await world.written(account)
    await browser.sign_in()
    await browser.go("/profile/download")
    await browser.press("Download my data", password=PASSWORD)
    with zipfile.ZipFile(io.BytesIO(browser.response.content)) as file:
        facts = json.loads(file.read("account.json"))
        [mail] = [name for name in file.namelist() if name.endswith(".eml")]
        assert b"All is well." in file.read(mail)
    assert facts["typed"] == "pat@home.example"
    assert "argon2" not in json.dumps(facts)


async def test_what_one_sent_is_taken_along_too_and_a_list_of_all(world, browser):
    copy = await world.written(await world.registered(), subject="Results <b>& more</b>")
    await browser.sign_in()
    await browser.go(f"/messages/{copy.id}/reply")
    await browser.press("Send", subject="My <i>answer</i>", body="Thank you, doctor.")
    await browser.go("/profile/download")
    await browser.press("Download my data", password=PASSWORD)
    with zipfile.ZipFile(io.BytesIO(browser.response.content)) as file:
        listed = LexborHTMLParser(file.read("index.html"))
        links = {one.text(): one.attributes["href"] for one in listed.css("a")}
        assert list(links) == ["Results <b>& more</b>", "My <i>answer</i>"]
        assert b"Thank you, doctor." in file.read(links["My <i>answer</i>"])
        assert b"All is well." in file.read(links["Results <b>& more</b>"])
    assert not listed.css("script, img, link, b, i")


async def test_what_is_taken_along_is_sent_while_it_is_made(world, browser):
    account = await world.registered()
    raw = base64.b64encode(os.urandom(50_000))
    for _ in range(4):
        await world.written(account, RESULTS + raw)
    pages = SimpleNamespace(page=lambda *_: "the list")
    visit = SimpleNamespace(
        portal=SimpleNamespace(content=world.content, pages=pages), desk=world.desk, language=lambda: "en"
    )
    pieces = [piece async for piece in archive(visit, account)]
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as file:
        assert file.testzip() is None
        assert len(file.namelist()) == 3 + 4
    assert max(map(len, pieces)) < 2 * len(raw)


@both_stores
async def test_an_account_is_erased_with_all_in_it(world, browser):
    account = await world.registered()
    copy = await world.written(account)
    await browser.sign_in()
    await browser.go("/profile/erase")
    await browser.press("Erase my account", password="wrong")
    assert browser.status == 422
    await browser.press("Erase my account", password=PASSWORD)
    assert "Your account is erased" in browser.text
    [destroyed] = await world.rows(Copy, id=copy.id)
    assert (destroyed.state, destroyed.wrapped_key) == (CopyState.DESTROYED, None)
    assert not await world.rows(Content)
    assert not await world.rows(Session)
    left = await account_of(world)
    assert (left.typed, left.name, left.password_hash, left.is_erased) == ("", "", "", True)
    assert [row.recipient for row in await world.rows(Delivery, notice=Notice.ACCOUNT_CHANGED)] == ["pat@home.example"]
    assert await world.rows(Audit, action="erased")
    await browser.sign_in()
    assert browser.status == 422


async def test_who_erased_their_account_is_invited_like_anyone(world, browser):
    await world.registered()
    await browser.sign_in()
    await browser.go("/profile/erase")
    await browser.press("Erase my account", password=PASSWORD)
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    assert "You have an account already" not in browser.text
    await browser.press("Start")
    await browser.press("Continue", day="3", month="2", year="1980")
    await browser.press("Continue", name="Pat", password=NEW)
    await browser.press("Finish")
    assert browser.heading == "Inbox"
    assert len(await world.rows(Account)) == 2


async def test_what_is_left_of_an_erased_account_can_neither_be_entered_nor_written_to(world, browser):
    account = await world.registered()
    await browser.sign_in()
    await browser.go("/profile/erase")
    await browser.press("Erase my account", password=PASSWORD)
    left = f"erased|{account.id}"
    written = await world.rows(Delivery)
    await ask(world, left)
    assert await world.rows(Delivery) == written
    await browser.sign_in(left, "nobody's")
    assert browser.status == 422


async def test_an_account_without_a_password_has_none_that_fits():
    assert not await Passwords().matches("nobody's", "", Asker("pat"))
    assert not await Passwords().matches("", "", Asker("pat"))


# ------------------------------------------------------------------------------------------------------------ delivery


@pytest.fixture
async def relayed(world, browser):
    """Somebody whose own domain has secure mail, signed in."""
    await world.registered("omar@hospital.example", "Omar")
    await browser.go("/sign-in")
    return await browser.press("Sign in", email="omar@hospital.example", password=PASSWORD)


async def goes(world) -> list[CopyState]:
    await world.write(ADA, "omar@hospital.example")
    return [copy.state for copy in await world.rows(Copy)]


@both_stores
async def test_who_has_secure_mail_of_their_own_chooses_where_to_read(world, relayed):
    assert await goes(world) == [CopyState.INBOX]
    await relayed.go("/profile/delivery")
    await relayed.press("Save", delivery="relay")
    assert "They go to your own mailbox" in relayed.text
    assert await goes(world) == [CopyState.INBOX, CopyState.RELAYED]
    await relayed.go("/profile/delivery")
    await relayed.press("Save", delivery="portal")
    assert await goes(world) == [CopyState.INBOX, CopyState.RELAYED, CopyState.INBOX]
    changes = await world.rows(Audit, action="changed the delivery")
    assert [one.detail for one in changes] == ["relay", "portal"]


async def test_a_choice_of_delivery_is_one_of_two(world, relayed):
    await relayed.go("/profile/delivery")
    await relayed.press("Save", delivery="elsewhere")
    assert relayed.status == 422
    assert "Choose where new messages go." in relayed.text


@both_stores
async def test_whose_domain_has_none_has_no_choice(world, browser):
    account = await world.registered()
    await browser.sign_in()
    await browser.go("/profile")
    assert "New messages" not in browser.text
    await browser.go("/profile/delivery")
    assert browser.status == 404
    await world.desk.do(accounts.choose_delivery, account, DeliverTo.RELAY)
    assert (await account_of(world)).delivery is DeliverTo.PORTAL
