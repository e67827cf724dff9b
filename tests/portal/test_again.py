"""A link that has died: whoever holds it asks for a new one, and learns nothing by it."""

from dataclasses import replace

import pytest

from gateway.domain.model import Delivery, Invitation
from gateway.domain.vocabulary import Audience, Notice, State
from gateway.flow import notices
from gateway.flow.accounts import registration
from gateway.flow.invitations import invite
from tests.browser import Browser
from tests.portal.sure import say_yes
from tests.practice import COLLEAGUE_ELSEWHERE, PATIENT


async def put(world, invitation, **changes):
    await world.desk.do(lambda ctx: ctx.tx.put(replace(ctx.tx.get(Invitation, invitation.id), **changes)))


async def ask(world, link):
    """With a browser that has never been here."""
    browser = await Browser(world.app).go(link)
    assert browser.status == 404
    href = next(a.attributes["href"] for a in browser.page.css("main a") if "new invitation" in a.text())
    await browser.go(browser.response.url.join(href))
    assert browser.status == 200
    await say_yes(browser)
    return browser


async def told(world, notice):
    return [row.recipient for row in await world.rows(Delivery, notice=notice)]


@pytest.mark.parametrize("state", [State.LOCKED, State.EXPIRED, State.UNDELIVERABLE])
async def test_the_sender_is_told_once_a_day(world, state):
    invitation = await world.invited(PATIENT)
    await put(world, invitation, state=state)
    await ask(world, world.link(invitation))
    await ask(world, world.link(invitation))
    assert await told(world, Notice.ASKED_AGAIN) == ["ada@riverside.example"]
    world.clock.advance(days=1)
    await ask(world, world.link(invitation))
    assert len(await told(world, Notice.ASKED_AGAIN)) == 2


async def test_who_had_withdrawn_is_told_when_it_is_over(world):
    invitation = await world.invited(PATIENT)
    await world.desk.do(lambda ctx: invite.transition(ctx, ctx.tx.get(Invitation, invitation.id), invite.Event.CANCEL))
    await ask(world, world.link(invitation))
    assert await told(world, Notice.ASKED_AGAIN) == ["ada@riverside.example"]


async def test_the_newest_link_goes_to_the_invitees_own_address(world):
    invitation = await world.invited(PATIENT)
    old = world.link(invitation)
    await put(world, invitation, generation=2)
    await ask(world, old)
    [sent] = await world.rows(Delivery, notice=Notice.REMINDER)
    letter = notices.unseal(world.keys, sent)
    assert (sent.recipient, letter.audience) == ("pat@home.example", Audience.INVITEE)
    assert letter.facts.invite.generation == 2


async def test_the_page_says_the_same_whatever_the_link_was(world):
    locked = await world.invited(PATIENT)
    await put(world, locked, state=State.LOCKED)
    used = await world.invited(COLLEAGUE_ELSEWHERE, to="omar@hillside.example")
    await world.desk.do(registration.register, world.link(used)[8:], registration.Proof(practice_name="H"), "Omar", "x")
    before = await told(world, Notice.ASKED_AGAIN)
    pages = {(await ask(world, link)).text for link in (world.link(locked), world.link(used), "/invite/x")}
    assert len(pages) == 1
    assert len(await told(world, Notice.ASKED_AGAIN)) == len(before) + 1
    assert not await told(world, Notice.REMINDER)


async def test_looking_changes_nothing_and_a_forged_form_neither(world, browser):
    invitation = await world.invited(PATIENT)
    await put(world, invitation, state=State.LOCKED)
    before = await world.everything()
    await browser.go(world.link(invitation) + "?again")
    assert (await browser.client.post(world.link(invitation) + "?again", data={})).status_code == 403
    assert await world.everything() == before


async def test_whoever_asks_for_very_many_is_slowed_down(world, browser):
    answers = []
    for _ in range(60):
        await browser.go("/invite/x?again")
        await say_yes(browser)
        answers.append(browser.status)
    assert answers[:50] == [200] * 50
    assert answers[50:] == [429] * 10


async def test_a_link_that_works_still_leads_to_its_invitation(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation) + "?again")
    assert browser.heading == "Dr Ada has a private message for you"


# ------------------------------------------------------------------------------------------------- going on later


async def test_who_comes_back_goes_on_where_they_stopped(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", day="3", month="2", year="1980")
    await browser.go(world.link(invitation))
    assert "You began already" in browser.text
    await browser.press("Continue")
    assert browser.heading == "Your name and a password"


async def test_what_was_given_is_worth_nothing_with_another_link(world, browser):
    invitation = await world.invited(PATIENT)
    other = await world.invited(PATIENT, to="uma@home.example")
    await browser.go(world.link(invitation))
    await browser.press("Start")
    await browser.press("Continue", day="3", month="2", year="1980")
    await browser.go(world.link(other))
    assert "You began already" not in browser.text
    await browser.press("Start")
    assert browser.heading == "Show that it is you"


async def test_what_the_page_promises_is_true_whatever_became_of_the_link(world):
    """Nothing is said to have been passed on where nothing was: a broken link, and one that was asked with today."""
    invitation = await world.invited(PATIENT)
    await put(world, invitation, state=State.LOCKED)
    for link in (world.link(invitation), world.link(invitation), "/invite/x"):
        said = (await ask(world, link)).text
        assert "we have passed it on" not in said
        assert "once a day" in said
        assert "cut off or mistyped" in said


async def test_the_page_of_a_forgotten_password_says_how_long_the_next_mail_is_withheld(world, browser):
    await world.registered()
    for _ in range(2):
        await browser.go("/reset")
        await browser.press("Send me the link", email="pat@home.example")
        assert "We send one email in 5 minutes." in browser.text
    assert len(await told(world, Notice.PASSWORD_RESET)) == 1
