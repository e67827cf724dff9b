"""Codes from a phone, recovery codes, and what they do not let through."""

import asyncio
import re

import pyotp
import pytest

from gateway.domain.model import Codes, Delivery, RecoveryCode, Session
from gateway.domain.vocabulary import Notice
from gateway.flow import notices
from gateway.flow.stored_facts import for_template
from tests.browser import PASSWORD, Browser

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)


def code(world, secret, later=0):
    return pyotp.TOTP(secret).at(world.clock.now().timestamp() + later)


async def set_up(world, browser):
    """Codes are turned on; their secret."""
    await world.registered()
    await browser.sign_in()
    await browser.go("/profile/codes")
    secret = browser.page.css_first(".key").text().replace(" ", "")
    await browser.press("Turn codes on", code=code(world, secret), password=PASSWORD)
    assert browser.path == "/profile/security"
    world.clock.advance(seconds=60)
    return secret


async def recovery_codes(world, browser, secret):
    world.clock.advance(seconds=60)
    await browser.go("/profile/recovery")
    await browser.press("Make recovery codes", password=PASSWORD, factor=code(world, secret))
    return [one.text() for one in browser.page.css(".recovery .key")]


async def second_step(world):
    browser = await Browser(world.app).sign_in()
    assert browser.heading == "One more step"
    return browser


@both_stores
async def test_a_code_is_asked_for_and_is_good_once(world, browser):
    secret = await set_up(world, browser)
    stored = (await world.rows(Codes))[0].secret
    assert secret.encode() not in stored
    first = await second_step(world)
    assert len(await world.rows(Session)) == 1
    typed = code(world, secret)
    await first.press("Continue", code=f"{typed[:3]} {typed[3:]}")
    assert first.path == "/inbox"
    again = await second_step(world)
    await again.press("Continue", code=typed)
    assert "was used before" in again.text
    await again.press("Continue", code=code(world, secret, 30))
    assert again.path == "/inbox"


async def test_what_a_stranger_types_for_an_address_takes_no_tries_of_a_second_step(world, browser):
    secret = await set_up(world, browser)
    stranger = world.browser(host="192.0.2.9")
    for _ in range(10):
        await stranger.sign_in("second pat@home.example", "wrong password")
    other = await second_step(world)
    await other.press("Continue", code=code(world, secret))
    assert other.path == "/inbox"


async def test_the_page_one_wanted_comes_after_the_second_step(world, browser):
    secret = await set_up(world, browser)
    other = await Browser(world.app).go("/profile/sessions")
    await other.press("Sign in", email="pat@home.example", password=PASSWORD)
    await other.press("Continue", code=code(world, secret))
    assert other.path == "/profile/sessions"


@pytest.mark.parametrize("later", [-3600, -61, 61, 3600])
async def test_a_code_of_another_time_is_not_good(world, browser, later):
    secret = await set_up(world, browser)
    world.clock.advance(hours=2)
    other = await second_step(world)
    await other.press("Continue", code=code(world, secret, later))
    assert other.status == 422


async def test_the_second_step_says_nothing_without_the_password(world, browser):
    await set_up(world, browser)
    other = await Browser(world.app).sign_in(password="wrong password")
    assert other.heading == "Sign in"
    for state in ("", "x", "é"):
        await other.go("/sign-in")
        token = other.page.css_first("input[name=csrf_token]").attributes["value"]
        answer = await other.client.post("/sign-in/second", data={"csrf_token": token, "state": state, "code": "1"})
        assert answer.url.path == "/sign-in"


async def test_the_second_step_belongs_to_the_browser_and_does_not_last(world, browser):
    secret = await set_up(world, browser)
    mine, other = await second_step(world), await Browser(world.app).go("/sign-in")
    state = mine.page.css_first("input[name=state]").attributes["value"]
    token = other.page.css_first("input[name=csrf_token]").attributes["value"]
    fields = {"csrf_token": token, "state": state, "code": code(world, secret)}
    assert (await other.client.post("/sign-in/second", data=fields)).url.path == "/sign-in"
    world.clock.advance(minutes=6)
    await mine.press("Continue", code=code(world, secret))
    assert "That took too long" in mine.text


async def test_a_passkey_that_is_none_is_told_of_on_the_sign_in_page_and_tries_are_counted(world, browser):
    said = []
    for _ in range(11):
        await browser.go("/sign-in")
        await browser.press("Sign in with a passkey", passkey="{}")
        assert browser.heading == "Sign in"
        said.append((browser.status, "not known here" in browser.text, "too many tries" in browser.text))
    assert said == [(422, True, False)] * 10 + [(429, False, True)]


async def test_guessing_codes_is_slowed_down_though_many_guess_at_once(world, browser):
    secret = await set_up(world, browser)
    guessers = [await second_step(world) for _ in range(3)]

    async def guess(guesser, number):
        fields = {f.attributes["name"]: f.attributes.get("value", "") for f in guesser.page.css("main form input")}
        return await guesser.client.post("/sign-in/second", data={**fields, "code": f"{number:06}"})

    answers = await asyncio.gather(*(guess(guessers[n % 3], n) for n in range(60)))
    evaluated = [answer for answer in answers if "too many tries" not in answer.text]
    assert len(evaluated) <= 10
    await guessers[0].press("Continue", code=code(world, secret))
    assert "too many tries" in guessers[0].text


@both_stores
async def test_a_recovery_code_is_good_once_and_new_ones_replace_the_old(world, browser):
    secret = await set_up(world, browser)
    old = await recovery_codes(world, browser, secret)
    codes = await recovery_codes(world, browser, secret)
    assert len(set(codes)) == 10
    assert all(one.encode() not in row.digest for row in await world.rows(RecoveryCode) for one in codes)
    for typed, lets_in in ((old[0], False), (codes[0].upper().replace("-", " "), True), (codes[0], False)):
        other = await second_step(world)
        await other.press("Continue", code=typed)
        assert (other.path == "/inbox") == lets_in
    assert len(await world.rows(RecoveryCode)) == 9


async def test_a_new_password_by_mail_takes_no_second_step_away(world, browser):
    secret = await set_up(world, browser)
    other = await Browser(world.app).go("/reset")
    await other.press("Send me the link", email="pat@home.example")
    [sent] = await world.rows(Delivery, notice=Notice.PASSWORD_RESET)
    link = for_template(world.keys, notices.unseal(world.keys, sent).facts)["reset"]
    await other.go(f"/reset/{link}")
    await other.press("Save", password="violets in a teapot")
    await other.press("Sign in", email="pat@home.example", password="violets in a teapot")
    assert other.heading == "One more step"
    await other.press("Continue", code=code(world, secret))
    assert other.path == "/inbox"


async def test_turning_it_off_takes_the_password_and_is_told(world, browser):
    secret = await set_up(world, browser)
    await browser.go("/profile/codes/off")
    await browser.press("Stop asking", password="wrong password", factor=code(world, secret))
    assert await world.rows(Codes)
    await browser.press("Stop asking", password=PASSWORD, factor=code(world, secret))
    assert not await world.rows(Codes)
    told = [notices.unseal(world.keys, row).facts.change for row in await world.rows(Delivery)]
    assert told == ["codes_on", "codes_off"]
    assert (await Browser(world.app).sign_in()).path == "/inbox"


async def test_a_wrong_code_turns_nothing_on(world, browser):
    await world.registered()
    await browser.sign_in()
    await browser.go("/profile/codes")
    shown = browser.page.css_first(".key").text()
    await browser.press("Turn codes on", code="000000", password=PASSWORD)
    assert "This code is not right" in browser.text
    assert browser.page.css_first(".key").text() == shown
    assert not await world.rows(Codes)
    assert re.search(r"<svg", browser.response.text)
