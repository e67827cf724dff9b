"""Who is let in, and what every answer bears."""

import re
from dataclasses import replace

import pytest

from gateway.domain.model import Session
from gateway.domain.vocabulary import Purpose
from gateway.errors import StoreBusy
from gateway.portal.account.signing_in import own_path
from gateway.portal.app import PAGES
from gateway.portal.door import Who
from tests.browser import PASSWORD
from tests.practice import HILLSIDE, PATIENT, RIVERSIDE

CALLS = [(page, method) for page in PAGES for method in page.methods]


def address_of(page):
    return re.sub(r"\{[^}]*\}", "1", page.path)


def named(value):
    return value if isinstance(value, str) else value.path


def test_every_route_comes_from_the_table(world):
    assert [route.path for route in world.app.routes] == [page.path for page in PAGES]


@pytest.mark.parametrize(("page", "method"), CALLS, ids=named)
async def test_a_stranger_is_turned_away_everywhere(world, browser, page, method):
    await world.written(await world.registered())
    answer = await browser.client.request(method, address_of(page), follow_redirects=False)
    match page.who:
        case Who.ACCOUNT:
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in?next=/")
        case Who.INVITEE | Who.SENDER:
            assert answer.status_code == 404
        case Who.ANYONE:
            assert answer.status_code in ({403} if method == "POST" else {200, 303, 404})
    assert not await world.rows(Session)


POLICY = {"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"}
"""What holds on every page: nothing from elsewhere, and nobody else's page around ours."""


@pytest.mark.parametrize(("page", "method"), CALLS, ids=named)
async def test_every_answer_bears_the_security_headers(world, browser, page, method):
    headers = (await browser.client.request(method, address_of(page), follow_redirects=False)).headers
    assert set(headers["content-security-policy"].split("; ")) >= POLICY
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"] == "max-age=31536000"


POSTED = [page for page in PAGES if "POST" in page.methods]


@pytest.mark.parametrize("token", [None, "", "x", "é"])
@pytest.mark.parametrize("page", POSTED, ids=named)
async def test_a_form_of_anothers_is_refused(world, browser, page, token):
    invitation = await world.invited(PATIENT, to="new@home.example")
    copy = await world.written(await world.registered())
    await browser.sign_in()
    sender = world.keys.token(Purpose.SENDER_PAGE, 1, world.clock.now().date().toordinal())
    path = page.path.replace("{copy_id:int}", str(copy.id)).replace("{invitation_id:int}", str(invitation.id))
    path = re.sub(r"\{\w+:int\}", "1", path)
    path = path.replace("/invite/{token}", world.link(invitation)).replace("{token}", sender)
    before = await world.everything()
    fields = {"step": "verify", "day": "1", "month": "1", "year": "1980", "action": "cancel", "body": "x"}
    answer = await browser.client.post(path, data=fields | ({} if token is None else {"csrf_token": token}))
    assert answer.status_code == 403
    assert await world.everything() == before


FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "http://secure.riverside.example"},
    {"origin": "https://secure.riverside.example:8443"},
    {"origin": "https://secure.riverside.example.evil.example"},
    {"origin": "https://["},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "null"},
    {"sec-fetch-site": "cross-site", "origin": "https://secure.riverside.example"},
]
OWN = [
    {"origin": "https://secure.riverside.example", "sec-fetch-site": "same-origin"},
    {"origin": "https://SECURE.riverside.example:443"},
    {
        "origin": "null",
        "sec-fetch-site": "same-origin",
    },  # what browsers say for a page with Referrer-Policy: no-referrer
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_what_another_sites_page_sends_is_refused_even_with_the_right_token(world, browser, headers):
    await world.registered()
    await browser.go("/sign-in")
    browser.client.headers.update(headers)
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.status == 403
    assert "Nothing has changed" in browser.text
    assert not await world.rows(Session)


@pytest.mark.parametrize("page", POSTED, ids=named)
async def test_another_sites_form_is_refused_on_every_page(world, browser, page):
    await world.registered()
    await browser.sign_in()
    before = await world.everything()
    token = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    answer = await browser.client.post(
        address_of(page), data={"csrf_token": token}, headers={"origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert await world.everything() == before


@pytest.mark.parametrize("headers", OWN, ids=str)
async def test_what_our_own_page_sends_is_taken(world, browser, headers):
    await world.registered()
    await browser.go("/sign-in")
    browser.client.headers.update(headers)
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.path == "/inbox"


async def test_a_form_shown_to_another_browser_is_refused(world, browser):
    other = world.browser()
    await other.go("/sign-in")
    await browser.go("/sign-in")
    browser.response = other.response
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.status == 403


async def test_cookies_are_bound_to_this_host(world, browser):
    await world.registered()
    await browser.go("/sign-in")
    given = browser.response.headers.get_list("set-cookie")
    answer = await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    given += answer.response.history[0].headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in given] == ["__Host-visitor", "__Host-session", "__Host-known"]
    for cookie in given:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


async def test_a_page_that_fails_tells_nothing_of_the_inside(world, browser, monkeypatch, capsys):
    await world.registered()
    await browser.sign_in()

    async def fail(*_, **__):
        raise ValueError("secret detail of /home/somebody")

    monkeypatch.setattr(type(world.store), "read", fail)
    await browser.go("/inbox")
    assert (browser.status, browser.heading) == (500, "Something went wrong")
    for told in (browser.response.text, *capsys.readouterr()):
        assert "secret detail" not in told
        assert "Traceback" not in told


async def test_a_busy_store_is_said_to_people(world, browser, monkeypatch):
    async def busy(*_, **__):
        raise StoreBusy

    monkeypatch.setattr(type(world.store), "read", busy)
    await browser.go("/invite/x")
    assert (browser.status, browser.heading) == (503, "We are very busy")
    assert (await browser.go("/healthz")).response.text == "ok"


@pytest.mark.parametrize("path", ["/nothing", "/static/../app.py", "/static/nothing.css", "/messages/x", "/sign-in/"])
async def test_what_is_not_there_is_said_plainly(browser, path):
    await browser.go(path)
    assert (browser.status, browser.heading) == (404, "We cannot find this page")


async def test_a_forms_answer_that_is_come_back_to_leads_to_the_start(browser):
    answer = await browser.client.get("/sign-in/second", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await browser.go("/sign-in/second")).path == "/sign-in"


async def test_an_apology_is_in_the_language_that_was_chosen(world, browser):
    await browser.go("/sign-in")
    token = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    await browser.client.post("/language", data={"csrf_token": token, "language": "de", "next": "/sign-in"})
    for path in ("/nothing", "/invite/x"):
        assert (await browser.go(path)).status == 404
        assert browser.page.css_first("html").attributes["lang"] == "de"


async def test_who_says_nothing_is_spoken_to_in_the_first_practices_language(world):
    french = replace(RIVERSIDE, language="fr")
    world.desk = replace(world.desk, site=replace(world.desk.site, practices=(french, HILLSIDE)))
    world.remake()
    for path in ("/sign-in", "/nothing"):
        browser = await world.browser().go(path)
        assert browser.page.css_first("html").attributes["lang"] == "fr"
        await browser.go(path, headers={"accept-language": "es-AR,es;q=0.9"})
        assert browser.page.css_first("html").attributes["lang"] == "es"


async def test_the_style_sheet_may_be_kept(browser):
    await browser.go("/static/portal.css")
    assert browser.response.headers["cache-control"].startswith("public")
    assert browser.response.headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "javascript:x",
        "/a?b=//c",
        "/a?b#c",
        "/a?b\n",
    ],
)
def test_one_is_led_to_our_own_pages_only(wanted):
    assert own_path(wanted) == "/inbox"


def test_one_is_led_to_where_one_was_going():
    assert own_path("/questions/3") == "/questions/3"
    assert own_path("/sender/a2?show=patients&q=pat%40home") == "/sender/a2?show=patients&q=pat%40home"


async def test_a_wanted_page_is_reached_after_signing_in(world, browser):
    copy = await world.written(await world.registered())
    await browser.go(f"/messages/{copy.id}")
    assert browser.path == "/sign-in"
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.heading == "Your results"
