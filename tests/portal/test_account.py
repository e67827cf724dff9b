"""Signing in and out."""

import asyncio
import threading
from datetime import timedelta

import pytest

from gateway.domain.model import Session
from gateway.errors import TryAgain
from gateway.portal.passwords import AT_ONCE, Passwords
from gateway.portal.throttle import Throttle, network
from gateway.testing import DAWN
from tests.browser import PASSWORD

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


def test_a_throttle_counts_before_and_forgets_after():
    throttle = Throttle(2, timedelta(minutes=1), capacity=2)
    assert [throttle.take("a", DAWN) for _ in range(3)] == [True, True, False]
    assert throttle.take("a", DAWN + timedelta(minutes=1))
    throttle.give_back("a")
    assert [throttle.take("a", DAWN + timedelta(minutes=1)) for _ in range(3)] == [True, True, False]
    throttle.take("b", DAWN)
    throttle.take("c", DAWN)
    assert throttle.take("a", DAWN)


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
    stored = await passwords.hash("crème brûlée")
    assert await passwords.matches("cre\u0300me bru\u0302le\u0301e", stored)
    assert not await passwords.matches("creme brulee", stored)
    assert not await passwords.matches("anything", None)
    assert not await passwords.matches("nobody's", None)


async def test_a_hash_costs_what_the_standard_asks(monkeypatch):
    monkeypatch.undo()
    stored = await Passwords().hash("any")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106 §4, second choice


async def test_a_storm_of_passwords_is_told_to_come_back(world, browser, monkeypatch):
    monkeypatch.setattr("gateway.portal.passwords.MOST_WAITING", 3)
    held = threading.Event()
    passwords = Passwords()
    asked = [asyncio.create_task(passwords._in_turn(held.wait)) for _ in range(AT_ONCE + 3)]
    await asyncio.sleep(0)
    one_more = asyncio.create_task(passwords.hash("one more"))
    await asyncio.sleep(0)
    refused = one_more.done()
    held.set()
    assert await asyncio.gather(*asked) == [True] * len(asked)
    assert refused
    assert isinstance(one_more.exception(), TryAgain)
    assert (await passwords.hash("one more")).startswith("$argon2id$")


async def test_a_try_that_was_not_looked_at_does_not_count(world, browser, monkeypatch):
    await world.registered()
    monkeypatch.setattr("gateway.portal.passwords.MOST_WAITING", -AT_ONCE)
    for _ in range(15):
        await browser.sign_in()
        assert browser.status == 503
        assert browser.response.headers["retry-after"] == "30"
    monkeypatch.undo()
    await browser.sign_in()
    assert browser.path == "/inbox"
