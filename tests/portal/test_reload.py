"""What a form has done is not done once more by a reload: the page that says it has an address of its own."""

import pytest

from gateway.domain.vocabulary import State
from tests.browser import PASSWORD
from tests.portal.sure import say_yes, surely
from tests.portal.test_again import put
from tests.portal.test_second_factor import recovery_codes, set_up
from tests.portal.test_senders import page_for, page_link
from tests.practice import PATIENT


async def forgotten(_, browser):
    await browser.go("/reset")
    await browser.press("Send me the link", email="pat@home.example")


async def new_address(world, browser):
    await world.registered()
    await browser.sign_in()
    await browser.go("/profile/address")
    await browser.press("Send the link", email="patricia@home.example", password=PASSWORD)


async def recovery(world, browser):
    await recovery_codes(world, browser, await set_up(world, browser))


async def asked_again(world, browser):
    invitation = await world.invited(PATIENT)
    await put(world, invitation, state=State.LOCKED)
    await browser.go(f"{world.link(invitation)}?again")
    await say_yes(browser)


async def outworn(world, browser):
    await world.invited(PATIENT)
    link = page_link(world)
    world.clock.advance(days=30)
    await browser.go(link)
    await say_yes(browser)


async def reminded(world, browser):
    await browser.go(await page_for(world, await world.invited(PATIENT)))
    await surely(browser, "Remind")


async def corrected(world, browser):
    await browser.go(await page_for(world, await world.invited(PATIENT)))
    await browser.press("Save", relationship="patient", day="4", month="2", year="1980")


DONE = [forgotten, new_address, recovery, asked_again, outworn, reminded, corrected]


@pytest.mark.parametrize("do", DONE, ids=lambda do: do.__name__)
async def test_a_reload_says_the_same_and_does_nothing(world, browser, do):
    await do(world, browser)
    assert [answer.status_code for answer in browser.response.history] == [303]
    said, before = browser.text, await world.everything()
    for _ in range(2):
        await browser.go(str(browser.response.url))
        assert (browser.status, browser.text) == (200, said)
    assert await world.everything() == before
    browser.client.cookies.delete("__Host-said")  # as it is after some minutes
    await browser.go(str(browser.response.url))
    assert browser.text != said


async def test_recovery_codes_are_shown_to_nobody_else_of_the_same_browser(world, browser):
    await recovery(world, browser)
    shown = str(browser.response.url)
    codes = [one.text() for one in browser.page.css("code")]
    assert codes
    assert not any(one in browser.client.cookies["__Host-said"] for one in codes)
    await world.registered("uma@home.example", "Uma")
    await browser.go("/inbox")
    await browser.press("Sign out")
    await browser.go(shown)
    assert not any(one in browser.response.text for one in codes)
    await browser.sign_in("uma@home.example")
    await browser.go(shown)
    assert not any(one in browser.response.text for one in codes)


async def test_the_page_of_what_was_done_cannot_be_had_by_a_link(world, browser):
    for path in ("/reset?said", "/invite/x?again&said"):
        await browser.go(path)
        assert browser.page.css("main form")
