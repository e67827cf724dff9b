"""What somebody can do who has another's session, and what it takes besides to take the account over."""

import pyotp
import pytest

from gateway.domain.model import Account, AddressChange, Audit, Codes, Delivery, Passkey, RecoveryCode
from gateway.domain.vocabulary import Notice
from gateway.flow import notices
from gateway.flow.accounts import second_factor
from gateway.flow.stored_facts import for_template
from tests.browser import PASSWORD, Browser
from tests.portal.sure import say_yes

SECRET, THEIRS = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NEW_PASSWORD = "violets in a teapot"
THEIRS_TO_SET_UP = "Turn codes on"
ACTIONS = {
    "/profile/codes": (THEIRS_TO_SET_UP, {}),
    "/profile/codes/off": ("Stop asking for codes", {}),
    "/profile/recovery": ("Make recovery codes", {}),
    "/profile/passkeys/add": ("Make the passkey", {"name": "Mine", "passkey": "{}"}),
    "/profile/passkeys/1/remove": ("Remove the passkey", {}),
    "/profile/password": ("Save the new password", {"password": NEW_PASSWORD}),
    "/profile/address": ("Send the link", {"email": "thief@bad.example"}),
    "/profile/erase": ("Erase my account", {}),
    "/profile/download": ("Download my data", {}),
}
"""Every page that takes an account over, empties it or takes all of it along: its button, and what is typed."""


def code(world, secret=SECRET, later=0):
    return pyotp.TOTP(secret).at(world.clock.now().timestamp() + later)


@pytest.fixture
async def thief(world):
    """A browser with the session of somebody who has codes, recovery codes and a passkey."""
    account = await world.registered()
    browser = await Browser(world.app).sign_in()
    now = world.clock.now()
    await world.desk.do(second_factor.start_codes, account, SECRET, code(world))
    await world.desk.do(second_factor.new_recovery_codes, account, ["abcd-efgh-ijkl-mnop"])
    row = Passkey(account_id=account.id, credential=b"c", public_key=b"k", sign_count=0, name="Hers", created_at=now)
    await world.desk.do(second_factor.add_passkey, account, row)
    world.clock.advance(seconds=60)
    return browser


async def press(browser, path, **typed):
    button, fields = ACTIONS[path]
    await browser.go(path)
    if path == "/profile/codes":
        secret = browser.page.css_first(".key").text().replace(" ", "")
        fields = {"code": pyotp.TOTP(secret).at(typed.pop("now"))}
    typed.pop("now", None)
    if path == "/profile/password" and "password" in typed:
        typed["old"] = typed.pop("password")
    return await browser.press(button, **{**fields, **typed})


async def precious(world):
    """What a thief is after, and what the owner is told."""
    tables = (Account, AddressChange, Codes, RecoveryCode, Passkey, Delivery)
    return {table: await world.rows(table) for table in tables}


WRONG = {
    "nothing": {},
    "the password alone": {"password": PASSWORD},
    "a factor alone": {"factor": "code"},
    "a wrong password with a factor": {"password": "wrong password", "factor": "code"},
    "a wrong factor": {"password": PASSWORD, "factor": "000000"},
    "a code from before": {"password": PASSWORD, "factor": "old"},
    "a code of another secret": {"password": PASSWORD, "factor": "theirs"},
    "a passkey that is none": {"password": PASSWORD, "proof": "{}"},
}


@pytest.mark.parametrize("typed", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("path", ACTIONS)
async def test_a_session_takes_nothing_over(world, thief, path, typed):
    known = {"code": code(world), "old": code(world, later=-60), "theirs": code(world, THEIRS)}
    typed = {**typed, **({"factor": known.get(typed["factor"], typed["factor"])} if "factor" in typed else {})}
    before = await precious(world)
    await press(thief, path, now=world.clock.now().timestamp(), **typed)
    assert thief.status == 422
    assert await precious(world) == before


@pytest.mark.parametrize("path", [path for path in ACTIONS if path != "/profile/passkeys/add"])
@pytest.mark.parametrize("factor", ["a code", "a recovery code"])
async def test_the_owner_does_it_is_told_and_it_is_in_the_audit(world, thief, path, factor):
    typed = code(world) if factor == "a code" else "abcd-efgh-ijkl-mnop"
    audited, told = len(await world.rows(Audit)), len(await world.rows(Delivery))
    await press(thief, path, now=world.clock.now().timestamp(), password=PASSWORD, factor=typed)
    assert thief.status == 200
    done = [row for row in (await world.rows(Audit))[audited:] if row.action != "used a recovery code"]
    assert done
    assert done[0].actor == "pat@home.example"
    letters = (await world.rows(Delivery))[told:]
    assert {row.notice for row in letters} & {Notice.ACCOUNT_CHANGED, Notice.ADDRESS_CHANGED}
    assert "pat@home.example" in {row.recipient for row in letters}


async def test_a_code_that_was_shown_once_shows_nothing_more(world, thief):
    now = world.clock.now().timestamp()
    await press(thief, "/profile/recovery", now=now, password=PASSWORD, factor=code(world))
    assert thief.status == 200
    before = await precious(world)
    await press(thief, "/profile/recovery", now=now, password=PASSWORD, factor=code(world))
    assert thief.status == 422
    assert await precious(world) == before


async def test_a_slip_elsewhere_in_the_form_uses_no_code_up(world, thief):
    typed = code(world)
    await thief.go("/profile/address")
    await thief.press("Send the link", email="no address", password=PASSWORD, factor=typed)
    assert thief.status == 422
    await thief.press("Send the link", email="pat@work.example", password=PASSWORD, factor=typed)
    assert thief.status == 200


async def test_codes_are_not_replaced_with_the_new_ones_code(world, thief):
    """The secret that is being set up is no factor yet."""
    await thief.go("/profile/codes")
    shown = thief.page.css_first(".key").text().replace(" ", "")
    before = await precious(world)
    await thief.press("Turn codes on", code=code(world, shown), password=PASSWORD, factor=code(world, shown))
    assert thief.status == 422
    assert await precious(world) == before


async def test_the_first_codes_take_the_password(world, browser):
    await world.registered()
    await browser.sign_in()
    await browser.go("/profile/codes")
    shown = browser.page.css_first(".key").text().replace(" ", "")
    assert not browser.page.css("[name=factor]")
    for password in ("", "wrong password"):
        await browser.press("Turn codes on", code=code(world, shown), password=password)
        assert browser.status == 422
    assert not await world.rows(Codes)
    await browser.press("Turn codes on", code=code(world, shown), password=PASSWORD)
    assert await world.rows(Codes)


async def test_what_was_sealed_within_an_account_is_no_half_of_a_sign_in(world, thief):
    """The state of a page within is not taken for a right password at the door."""
    sealed = []
    for path in ("/profile/codes", "/profile/passkeys/add", "/profile/recovery"):
        await thief.go(path)
        fields = thief.page.css("main input[name=state], main input[name=proof_state]")
        sealed += [field.attributes["value"] for field in fields]
    assert len(sealed) >= 5
    token = thief.page.css_first("main input[name=csrf_token]").attributes["value"]
    await thief.press("Sign out")
    for state in sealed:
        fields = {"csrf_token": token, "state": state, "code": code(world)}
        answer = await thief.client.post("/sign-in/second", data=fields)
        assert (answer.url.path, answer.url.query) == ("/sign-in", b"done=late")


async def test_guessing_codes_within_an_account_is_slowed_down(world, thief):
    for number in range(12):
        await press(thief, "/profile/recovery", now=0, password=PASSWORD, factor=f"{number:06}")
    assert "too many tries" in thief.text
    await press(thief, "/profile/recovery", now=0, password=PASSWORD, factor=code(world))
    assert thief.status == 422


async def test_a_factor_that_goes_with_an_address_called_back_is_in_the_audit(world, thief):
    now = world.clock.now().timestamp()
    await press(thief, "/profile/address", now=now, password=PASSWORD, factor=code(world))
    [sent] = await world.rows(Delivery, notice=Notice.ADDRESS_CHANGED)
    link = for_template(world.keys, notices.unseal(world.keys, sent).facts.keep)
    owner = await world.browser().go(f"/address/{link}")
    await say_yes(owner)
    said = [row.action for row in await world.rows(Audit)]
    assert "recovery codes removed" in said
