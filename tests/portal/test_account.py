"""Signing in and out."""

import asyncio

import pytest

from gateway.domain.model import Session
from gateway.errors import TryAgain
from gateway.portal.passwords import Passwords
from gateway.portal.throttle import network
from gateway.portal.turns import Asker, Places
from tests.browser import PASSWORD

PAT = Asker("192.0.2.1")
both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


@both_stores
async def test_one_signs_in_and_out(world, browser):
    await world.registered("Pat@Home.example")
    await browser.sign_in("pat@HOME.example")
    assert browser.path == "/inbox"
    await browser.go("/profile")
    assert "Pat@Home.example" in browser.text
    cookie = browser.client.cookies["__Host-session"]
    await browser.press("Sign out")
    assert "You are signed out." in browser.text
    browser.client.cookies.set("__Host-session", cookie, domain="secure.riverside.example")
    await browser.go("/inbox")
    assert browser.path == "/sign-in"


async def test_known_and_unknown_addresses_get_the_same_answer(world, browser, monkeypatch):
    await world.registered()
    hashed = []
    verify = Passwords._verify
    monkeypatch.setattr(Passwords, "_verify", lambda *a: hashed.append(a[1].split("$")[:4]) or verify(*a))
    texts = []
    for email in ("pat@home.example", "nobody@home.example", "no address"):
        await browser.sign_in(email, "not the password")
        texts.append((browser.status, browser.response.text.replace(email, "…")))
    assert len(set(texts)) == 1
    assert texts[0][0] == 422
    assert hashed[0] == hashed[1] == hashed[2]  # the same work: variant, version and parameters


async def test_guessing_is_slowed_down_alike_for_known_and_unknown(world):
    await world.registered()
    for email in ("pat@home.example", "nobody@home.example"):
        browser = world.browser()
        for _ in range(10):
            await browser.sign_in(email, "wrong password")
            assert browser.status == 422
        await browser.sign_in(email)
        assert browser.status == 429
        assert "too many tries" in browser.text
    world.clock.advance(minutes=15)
    await browser.sign_in("pat@home.example")
    assert browser.path == "/inbox"


async def test_a_client_that_guesses_at_many_accounts_is_slowed_down(world):
    await world.registered()
    guesser = world.browser(host="2001:db8::1")
    for number in range(50):
        await guesser.sign_in(f"{number}@home.example", "wrong password")
        assert guesser.status == 422
    neighbour = await world.browser(host="2001:db8::2").sign_in()
    assert neighbour.status == 429
    stranger = await world.browser(host="2001:db8:1::1").sign_in()
    assert stranger.path == "/inbox"


@pytest.mark.parametrize("how", ["from elsewhere", "from behind the same proxy"])
async def test_nobody_is_kept_out_who_signs_in_where_they_did_before(world, browser, how):
    await world.registered()
    await browser.sign_in()
    await browser.press("Sign out")
    guesser = world.browser(host="192.0.2.2" if how == "from elsewhere" else browser.host)
    for _ in range(51):
        await guesser.sign_in(password="wrong password")
    assert guesser.status == 429
    stranger = await world.browser(host="192.0.2.3").sign_in()
    assert stranger.status == 429
    await browser.sign_in()
    assert browser.path == "/inbox"
    for _ in range(12):
        await guesser.sign_in(password="wrong password")
    await browser.go("/profile/password")
    await browser.press("Save", old=PASSWORD, password="three odd little words")
    assert browser.path == "/profile"


async def test_a_known_browser_has_few_tries_and_only_at_its_own_account(world, browser):
    await world.registered()
    await world.registered("quinn@home.example")
    await browser.sign_in()
    await browser.press("Sign out")
    for _ in range(10):
        await browser.sign_in(password="wrong password")
        assert browser.status == 422
    await browser.sign_in()
    assert browser.status == 429
    for _ in range(10):
        await browser.sign_in("quinn@home.example", "wrong password")
    await world.browser(host="192.0.2.2").sign_in("quinn@home.example")
    assert (await world.browser(host="192.0.2.2").sign_in("quinn@home.example")).status == 429


@pytest.mark.parametrize("cookie", ["", ".", "x.y", "é.é", "." * 3000])
async def test_a_browser_is_not_known_by_what_it_makes_up(world, browser, cookie):
    await world.registered()
    guesser = world.browser(host="192.0.2.2")
    for _ in range(10):
        await guesser.sign_in(password="wrong password")
    await browser.go("/sign-in")
    browser.client.headers["cookie"] = (
        f"__Host-visitor={browser.client.cookies['__Host-visitor']}; __Host-known={cookie}"
    )
    await browser.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert browser.status == 429


async def test_a_signed_in_person_guesses_no_more_at_others(world, browser):
    await world.registered()
    await world.registered("quinn@home.example")
    await browser.sign_in("quinn@home.example")
    token = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    answers = []
    for number in range(51):
        data = {"csrf_token": token, "email": f"{number}@home.example", "password": "wrong password"}
        answers.append((await browser.client.post("/sign-in", data=data)).status_code)
    assert answers == [422] * 50 + [429]


def test_an_ipv6_client_is_its_network():
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("::ffff:192.0.2.1") == "192.0.2.1"
    assert network("192.0.2.1") == "192.0.2.1"
    assert network("") == ""


@both_stores
async def test_a_session_ends_after_half_an_hour_without_a_click(world, browser):
    await world.registered()
    await browser.sign_in()
    world.clock.advance(minutes=29)
    await browser.go("/profile")
    world.clock.advance(minutes=29)
    await browser.go("/profile")
    assert browser.path == "/profile"
    world.clock.advance(minutes=30)
    await browser.go("/profile")
    assert browser.path == "/sign-in"


async def test_a_session_ends_after_twelve_hours_of_clicking(world, browser):
    await world.registered()
    await browser.sign_in()
    for _ in range(12 * 3 - 1):
        world.clock.advance(minutes=20)
        await browser.go("/profile")
        assert browser.path == "/profile"
    world.clock.advance(minutes=20)
    await browser.go("/profile")
    assert browser.path == "/sign-in"


async def test_signing_in_makes_a_fresh_session(world, browser):
    await world.registered()
    await browser.sign_in()
    before = browser.client.cookies["__Host-session"]
    await browser.go("/sign-in")
    assert browser.path == "/inbox"
    other = world.browser()
    await other.go("/sign-in")
    other.client.cookies.set("__Host-session", before, domain="secure.riverside.example")
    await other.press("Sign in", email="pat@home.example", password=PASSWORD)
    assert other.client.cookies["__Host-session"] != before
    assert len(await world.rows(Session)) == 1
    assert before.encode() not in (await world.rows(Session))[0].digest


async def test_a_password_typed_on_another_keyboard_is_the_same(world):
    passwords = Passwords()
    stored = await passwords.hash("crème brûlée", PAT)
    assert await passwords.matches("cre\u0300me bru\u0302le\u0301e", stored, PAT)
    assert not await passwords.matches("creme brulee", stored, PAT)
    assert not await passwords.matches("anything", None, PAT)
    assert not await passwords.matches("nobody's", None, PAT)


async def test_a_hash_costs_what_the_standard_asks(monkeypatch):
    monkeypatch.undo()
    stored = await Passwords().hash("any", PAT)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106 §4, second choice


async def test_a_storm_of_passwords_is_told_to_come_back():
    passwords = Passwords(Places(at_once=2, waiting=3, of_a_client=2))
    asked = [passwords.hash("a password", Asker(f"192.0.2.{number}")) for number in range(10)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(one, TryAgain) for one in done] == [False] * 5 + [True] * 5
    assert (await passwords.hash("one more", PAT)).startswith("$argon2id$")


def _nobody_enters(*_):
    raise TryAgain


async def test_a_try_that_was_not_looked_at_does_not_count(world, browser, monkeypatch):
    await world.registered()
    monkeypatch.setattr("gateway.portal.turns.Turns._enter", _nobody_enters)
    for _ in range(15):
        await browser.sign_in()
        assert browser.status == 503
        assert browser.response.headers["retry-after"] == "30"
    monkeypatch.undo()
    await browser.sign_in()
    assert browser.path == "/inbox"
