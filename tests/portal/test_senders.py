"""A sender's own page."""

import pytest

from gateway.domain.model import Delivery, Waiter
from gateway.domain.vocabulary import Notice, Purpose, State
from tests.portal.conftest import PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
BIRTHDATE = {"day": "3", "month": "2", "year": "1980"}


async def page_for(world, invitation):
    (waiter,) = await world.rows(Waiter, invitation_id=invitation.id)
    return f"/sender/{world.keys.token(Purpose.WAITER, waiter.id)}"


@both_stores
async def test_a_sender_says_who_the_person_is(world, browser):
    invitation = await world.invited(None)
    await browser.go(await page_for(world, invitation))
    assert browser.heading == "pat@home.example"
    assert "not accepted yet" in browser.text
    assert (await world.invitation(invitation)).state is State.AWAITING
    await browser.press("Invite")
    assert "Choose who this person is." in browser.text
    await browser.press("Invite", relationship="patient", day="30", month="2", year="1980")
    assert "There is no such date." in browser.text
    await browser.press("Invite", relationship="patient", **BIRTHDATE)
    assert "pat@home.example is invited now." in browser.text
    after = await world.invitation(invitation)
    assert after.state is State.INVITED
    await browser.go(world.link(after))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    assert browser.heading == "Your name and a password"


async def test_a_colleague_at_a_foreign_address_is_asked_about_by_mail(world, browser):
    invitation = await world.invited(None, to="omar@hillside.example")
    await browser.go(await page_for(world, invitation))
    await browser.press("Invite", relationship="staff")
    assert "is not one of your practice’s" in browser.text
    assert (await world.invitation(invitation)).state is State.AWAITING


async def test_a_sender_reminds_corrects_and_cancels(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(await page_for(world, invitation))
    await browser.press("Remind")
    assert "gets a reminder now" in browser.text
    assert len(await world.rows(Delivery, notice=Notice.REMINDER)) == 1
    assert browser.page.css_first("details input[checked]").attributes["value"] == "patient"
    await browser.press("Save", day="4", month="2", year="1980")
    assert "Corrected." in browser.text
    assert (await world.invitation(invitation)).birthdate_digest != invitation.birthdate_digest
    await browser.press("Cancel my message")
    assert "was never delivered" in browser.text
    assert (await world.invitation(invitation)).state is State.CANCELLED
    assert not browser.page.css("main button")


@both_stores
async def test_the_list_has_everybody_with_their_own_buttons(world, browser):
    pat = await world.invited(PATIENT)
    omar = await world.invited(None, to="omar@hillside.example")
    await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    path = f"/sender/{world.keys.token(Purpose.SENDER, 1)}"
    await browser.go(path)
    assert browser.heading == "Whom you wait for"
    assert [card.css_first("h2").text() for card in browser.page.css(".card")] == [
        "pat@home.example",
        "omar@hillside.example",
    ]
    assert len(browser.page.css(".triangle")) == 2
    ids = [node.attributes["id"] for node in browser.page.css("[id]")]
    assert len(ids) == len(set(ids))
    await browser.press("Invite", person="omar@hillside.example", relationship="colleague")
    assert (await world.invitation(omar)).state is State.INVITED
    await browser.press("Cancel my message to pat@home.example")
    assert (await world.invitation(pat)).state is State.CANCELLED
    assert (await world.invitation(omar)).state is State.INVITED


async def test_a_sender_cannot_reach_who_is_not_theirs(world, browser):
    await world.invited(PATIENT)
    other = await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    await browser.go(f"/sender/{world.keys.token(Purpose.SENDER, 1)}")
    form = browser.response
    for person in ("else@home.example", "", "pat@home.example CANCEL\nelse@home.example"):
        browser.response = form
        await browser.press("Cancel", person=person)
        assert browser.status == 404
    assert (await world.invitation(other)).state is State.INVITED


async def test_an_unknown_button_does_nothing(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(await page_for(world, invitation))
    before = await world.everything()
    await browser.press("Remind", action="LIST")
    assert browser.status == 422
    assert await world.everything() == before


async def test_looking_changes_nothing(world, browser):
    invitation = await world.invited(PATIENT)
    before = await world.everything()
    await browser.go(await page_for(world, invitation))
    await browser.go(f"/sender/{world.keys.token(Purpose.SENDER, 1)}")
    assert browser.status == 200
    assert await world.everything() == before


async def test_another_purposes_token_is_dead(world, browser):
    invitation = await world.invited(PATIENT)
    for purpose in set(Purpose) - {Purpose.WAITER, Purpose.SENDER}:
        await browser.go(f"/sender/{world.keys.token(purpose, invitation.id)}")
        assert browser.status == 404
    for purpose in set(Purpose) - {Purpose.INVITE}:
        await browser.go(f"/invite/{world.keys.token(purpose, invitation.id)}")
        assert browser.status == 404


async def test_a_long_list_comes_in_pages_that_all_can_be_reached(world, browser, monkeypatch):
    monkeypatch.setattr("gateway.flow.answer.PAGE", 2)
    everybody = [f"pat{number}@home.example" for number in range(5)]
    for to in everybody:
        await world.invited(PATIENT, to=to)
    path = f"/sender/{world.keys.token(Purpose.SENDER, 1)}"
    seen = []
    for page in ("1", "2", "3"):
        await browser.go(f"{path}?page={page}")
        assert f"Page {page} of 3" in browser.text
        shown = [card.css_first("h2").text() for card in browser.page.css(".card")]
        assert len(shown) <= 2
        seen += shown
    assert seen == everybody
    for odd in ("99", "-1", "x", "9999999999"):
        await browser.go(f"{path}?page={odd}")
        assert browser.status == 200


async def test_a_form_finds_its_person_though_the_list_has_moved_on(world, browser, monkeypatch):
    monkeypatch.setattr("gateway.flow.answer.PAGE", 2)
    invitations = [await world.invited(PATIENT, to=f"pat{number}@home.example") for number in range(4)]
    await browser.go(f"/sender/{world.keys.token(Purpose.SENDER, 1)}?page=2")
    other = world.browser()
    await other.go(await page_for(world, invitations[0]))
    await other.press("Cancel my message")
    await browser.press("Remind")
    assert "gets a reminder now" in browser.text
    assert "pat2@home.example" in browser.text
