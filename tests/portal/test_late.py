"""Small forms that come after their session has ended: nothing is done, and one press after signing in ends them."""

import re

import pytest

from gateway.domain.model import Account
from gateway.domain.model_drafts import Draft
from gateway.flow.accounts import account as accounts
from gateway.portal.app import PAGES
from gateway.portal.door import Who
from gateway.portal.late import Keeps
from tests.browser import PASSWORD
from tests.practice import PATIENT

FORMS = {
    "/profile/name": ({"name": "Patricia"}, "Save"),
    "/profile/practice": ({"practice_name": "Hill", "practice_phone": "1", "practice_address": "2"}, "Save"),
    "/profile/address": ({"email": "patricia@home.example", "password": PASSWORD}, "Send the link"),
    "/questions/1": ({"day": "3", "month": "2", "year": "1980"}, "Continue"),
}
SECRETS = {"password", "old", "factor", "code", "proof", "passkey", "state", "csrf_token"}
ACCOUNT_FORMS = [page for page in PAGES if page.who is Who.ACCOUNT and "POST" in page.methods]


async def come_late(world, browser, path):
    """Everything, as it was before the form came."""
    await world.registered()
    await world.invited(PATIENT)
    await browser.sign_in()
    await browser.go(path)
    world.clock.advance(minutes=31)
    before = await world.everything()
    typed, button = FORMS[path]
    await browser.press(button, **typed)
    return before


@pytest.mark.parametrize("path", FORMS)
async def test_a_small_form_is_finished_with_one_press_after_signing_in(world, browser, path):
    before = await come_late(world, browser, path)
    assert browser.path == "/sign-in"
    assert "What you typed is kept" in browser.text
    assert await world.everything() == before
    shown = [value for name, value in FORMS[path][0].items() if name not in SECRETS]
    sealed = browser.client.cookies["__Host-late"]
    assert not any(value in sealed for value in shown if len(value) > 3)
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.heading == "Go on where you were"
    assert all(value in browser.text for value in shown)
    assert PASSWORD not in browser.response.text
    await browser.press("Continue")
    if path == "/profile/address":  # the password is asked again
        assert browser.page.css_first("#email").attributes["value"] == "patricia@home.example"
    else:
        assert browser.path in {"/profile", "/inbox"}
        assert await world.everything() != before
    assert (await browser.go("/late")).path == "/inbox"


async def test_any_script_is_kept_and_what_is_far_too_long_is_not_said_to_be(world, browser):
    await world.registered()
    await browser.sign_in()
    page = (await browser.go("/profile/practice")).response
    world.clock.advance(minutes=31)
    address = "\u039f\u03b4\u03cc\u03c2 \u0395\u03c1\u03bc\u03bf\u03cd 12 " * 20
    await browser.press(
        "Save", practice_name="\u0399\u03b1\u03c4\u03c1\u03b5\u03af\u03bf " * 14, practice_address=address
    )
    assert "What you typed is kept" in browser.text
    browser.response = page
    await browser.press("Save", practice_address=address * 9)
    assert "kept" not in browser.text
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.path == "/profile/practice"


async def test_of_an_erased_account_nothing_is_kept_nor_said_to_be(world, browser):
    account = await world.registered()
    await world.written(account)
    await browser.sign_in()
    await browser.go("/messages/1/reply")
    await world.desk.do(accounts.erase, account)
    await browser.press("Send", body="Thank you.")
    assert (browser.path, await world.rows(Draft)) == ("/sign-in", [])
    assert "kept" not in browser.text


@pytest.mark.parametrize("path", FORMS)
async def test_it_is_shown_to_nobody_else(world, browser, path):
    await world.registered("uma@home.example", "Uma")
    await come_late(world, browser, path)
    await browser.press("Sign in", email="uma@home.example", password=PASSWORD)
    for shown in (browser, await browser.go("/late")):
        assert shown.heading != "Go on where you were"
        assert "Patricia" not in shown.response.text


async def test_nor_does_a_page_of_one_person_change_another(world, browser):
    await world.registered()
    await world.registered("uma@home.example", "Uma")
    await browser.sign_in()
    page = (await browser.go("/profile/name")).response
    await browser.press("Sign out")
    await browser.sign_in("uma@home.example")
    browser.response = page
    await browser.press("Save", name="Patricia")
    assert "open for somebody else" in browser.text
    assert {one.name for one in await world.rows(Account)} == {"Pat", "Uma"}
    await browser.press("Sign out")
    await browser.sign_in()
    await browser.press("Continue")
    assert {one.name for one in await world.rows(Account)} == {"Patricia", "Uma"}


async def test_a_passkey_leads_on_where_a_password_does(browser):
    await browser.go("/sign-in?next=/profile/name")
    form = browser.page.css_first("form[action='/sign-in/passkey']")
    assert form.css_first("input[name=next]").attributes["value"] == "/profile/name"


def test_no_secret_is_among_what_is_kept():
    """In a browser that may be anybody's by now."""
    kept = [page.late for page in PAGES if isinstance(page.late, Keeps)]
    assert not {name for one in kept for name in (*one.typed, *one.hidden)} & SECRETS


@pytest.mark.parametrize("page", ACCOUNT_FORMS, ids=lambda page: page.path)
async def test_a_late_form_does_nothing_but_keep(world, browser, page):
    copy = await world.written(await world.registered())
    await browser.sign_in()
    token = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    world.clock.advance(minutes=31)
    before = await world.everything()
    path = re.sub(r"\{\w+:int\}", str(copy.id), page.path).replace("{token}", "x")
    fields = {"csrf_token": token, "name": "x", "body": "y"}
    answer = await browser.client.post(path, data=fields, follow_redirects=False)
    to = "/sign-in?done=kept&next=" if page.late else "/sign-in?next="  # nothing is said to be kept that is not
    assert (answer.status_code, answer.headers["location"].startswith(to)) == (303, True)
    after = await world.everything()
    assert {table for table in after if after[table] != before[table]} <= ({Draft} if page.uploads else set())


async def test_who_does_not_want_it_any_more_is_not_asked_again(world, browser):
    before = await come_late(world, browser, "/profile/name")
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    await browser.press("Not now")
    assert browser.path == "/inbox"
    await browser.press("Sign out")
    await browser.go("/sign-in")
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.path == "/inbox"
    assert (await world.everything())[Account] == before[Account]
