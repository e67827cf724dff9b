"""A link that was broken on its way opens what it was meant for; and nobody learns from it which links are good."""

import pytest

from gateway.domain.model import Account
from gateway.domain.vocabulary import Purpose
from gateway.flow.accounts.account import ask_reset
from gateway.portal.mended import mended
from tests.practice import PATIENT

TOKEN = "iaaeshr2q2dk7fjlpjd4jcaxlgdezq"
BREAKS = [
    *(f"{{}}{mark}" for mark in (".", ",", ";", ":", ")", ">", "]", "!", "'", "”", "»", "。", "\u200b", "=", "/")),
    *("{}%2E", "{}%3E", "{}%22", "{}%20", "{}%E2%80%9D", "{}).", "<{}>", "%3C{}%3E", "{}%0A"),
]


@pytest.mark.parametrize("way", BREAKS)
async def test_signs_around_a_link_are_passed_over(world, browser, way):
    invitation = await world.invited(PATIENT)
    place, _, token = world.link(invitation).rpartition("/")
    await browser.go(f"{place}/{way.format(token)}")
    assert (browser.status, browser.response.url.path) == (200, world.link(invitation))


@pytest.mark.parametrize("typed", [str.upper, str.title, lambda link: link[:8] + link[8:].upper()])
async def test_capitals_are_small_letters(world, browser, typed):
    invitation = await world.invited(PATIENT)
    await browser.go(typed(world.link(invitation)))
    assert (browser.status, browser.response.url.path) == (200, world.link(invitation))


async def test_every_kind_of_link_is_mended(world, browser):
    account = await world.registered()
    await world.desk.do(ask_reset, account.address)
    account = await world.one(Account)
    token = world.keys.token(Purpose.RESET, account.id, account.reset_generation)
    await browser.go(f"/RESET/{token.upper()}.")
    assert (browser.status, browser.response.url.path) == (200, f"/reset/{token}")


async def test_what_was_asked_beside_it_stays(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(f"{world.link(invitation)}.?again")
    assert str(browser.response.url).endswith(f"{world.link(invitation)}?again")


@pytest.mark.parametrize("path", [f"/invite/{TOKEN}.", f"/invite/{TOKEN.upper()}", "/invite/x.", "/INVITE/x"])
async def test_a_dead_link_is_mended_like_a_good_one(world, browser, path):
    """Else whoever tries links would learn something."""
    response = await browser.client.get(path, follow_redirects=False)
    assert response.status_code == 303
    await browser.go(path)
    assert browser.status == 404
    assert browser.heading == "This link does not work any more"


@pytest.mark.parametrize(
    "path",
    [
        *(f"/invite/{TOKEN}", "/invite/x", "/profile/address", "/invite/.", "/invite/", "/inbox.", "/messages/3."),
        *("/static/a.css", "//evil.example/x.", "/invite/" + "A" * 400, "/sender/x/people.csv"),
    ],
)
def test_nothing_else_is_touched(path):
    assert mended(path) is None


@pytest.mark.parametrize("way", [*BREAKS, "/{}", "{}//"])
def test_what_was_mended_is_whole(way):
    once = mended(f"/invite/{way.format(TOKEN)}")
    assert once is None or mended(once) is None


async def test_a_form_is_never_sent_on(world, browser):
    invitation = await world.invited(PATIENT)
    response = await browser.client.post(f"{world.link(invitation)}.", follow_redirects=False)
    assert response.status_code != 303
