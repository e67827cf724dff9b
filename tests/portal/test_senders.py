"""A sender's own page."""

from dataclasses import replace
from datetime import date

import pytest

from gateway.domain.model import Delivery, Invitation, Sender, WaitingSender
from gateway.domain.vocabulary import Notice, Purpose, State
from gateway.flow import notices
from gateway.flow.stored_facts import for_template
from tests.portal.sure import say_yes, surely
from tests.practice import COLLEAGUE_HERE, PATIENT

both_stores = pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
BIRTHDATE = {"day": "3", "month": "2", "year": "1980"}


def page_link(world, purpose=Purpose.SENDER_PAGE, row=1, made_on=None):
    made_on = made_on or world.clock.now().date()
    return f"/sender/{world.keys.token(purpose, row, made_on.toordinal())}"


async def page_for(world, invitation):
    (waiting_sender,) = await world.rows(WaitingSender, invitation_id=invitation.id)
    return page_link(world, Purpose.INVITATION_PAGE, waiting_sender.id)


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
    await surely(browser, "Remind")
    assert "gets a reminder now" in browser.text
    assert len(await world.rows(Delivery, notice=Notice.REMINDER)) == 1
    assert "So far: A patient" in browser.text
    await browser.press("Save", relationship="patient", day="4", month="2", year="1980")
    assert "Corrected." in browser.text
    corrected = await world.invitation(invitation)
    assert await world.desk.ask(_is_birthdate, corrected, date(1980, 2, 4))
    await surely(browser, "Cancel my message")
    assert "was never delivered" in browser.text
    assert (await world.invitation(invitation)).state is State.CANCELLED
    assert not browser.page.css("main button")


@both_stores
async def test_the_list_has_everybody_with_their_own_buttons(world, browser):
    pat = await world.invited(PATIENT)
    omar = await world.invited(None, to="omar@hillside.example")
    await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    path = page_link(world)
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
    await surely(browser, "Cancel my message to pat@home.example")
    assert (await world.invitation(pat)).state is State.CANCELLED
    assert (await world.invitation(omar)).state is State.INVITED


async def test_a_sender_cannot_reach_who_is_not_theirs(world, browser):
    await world.invited(PATIENT)
    other = await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    await browser.go(page_link(world))
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
    await browser.go(page_link(world))
    assert browser.status == 200
    assert await world.everything() == before


async def test_another_purposes_token_is_dead(world, browser):
    invitation = await world.invited(PATIENT)
    for purpose in set(Purpose) - {Purpose.INVITATION_PAGE, Purpose.SENDER_PAGE}:
        await browser.go(f"/sender/{world.keys.token(purpose, invitation.id)}")
        assert browser.status == 404
    for purpose in set(Purpose) - {Purpose.INVITE}:
        await browser.go(f"/invite/{world.keys.token(purpose, invitation.id)}")
        assert browser.status == 404


async def test_a_long_list_comes_in_pages_that_all_can_be_reached(world, browser, monkeypatch):
    monkeypatch.setattr("gateway.flow.commands.sender_page.PAGE", 2)
    everybody = [f"pat{number}@home.example" for number in range(5)]
    for to in everybody:
        await world.invited(PATIENT, to=to)
    path = page_link(world)
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
    monkeypatch.setattr("gateway.flow.commands.sender_page.PAGE", 2)
    invitations = [await world.invited(PATIENT, to=f"pat{number}@home.example") for number in range(4)]
    await browser.go(page_link(world) + "?page=2")
    other = world.browser()
    await other.go(await page_for(world, invitations[0]))
    await surely(other, "Cancel my message")
    await surely(browser, "Remind")
    assert "gets a reminder now" in browser.text
    assert "pat2@home.example" in browser.text


# ----------------------------------------------------------------------------------------------- links that are too old


@pytest.mark.parametrize("purpose", [Purpose.SENDER_PAGE, Purpose.INVITATION_PAGE])
async def test_an_old_link_shows_nothing_and_sends_a_new_one(world, browser, purpose):
    await world.invited(PATIENT)
    old = page_link(world, purpose)
    world.clock.advance(days=7)
    await browser.go(old)
    assert "pat@home.example" in browser.text
    world.clock.advance(days=1)
    await browser.go(old)
    assert browser.heading == "This link is too old"
    assert "pat@" not in browser.response.text
    await say_yes(browser)
    assert "ada@" not in browser.response.text
    [sent] = await world.rows(Delivery, notice=Notice.SENDER_LINK)
    assert sent.recipient == "ada@riverside.example"
    facts = for_template(world.keys, notices.unseal(world.keys, sent).facts)
    await browser.go(f"/sender/{facts['sender_page']}")
    assert "pat@home.example" in browser.text


async def test_with_an_old_link_nothing_is_done(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(page_link(world))
    form = browser.response
    world.clock.advance(days=8)
    browser.response = form
    await browser.press("Cancel my message")
    assert browser.heading == "This link is too old"
    assert (await world.invitation(invitation)).state is State.INVITED


async def test_new_links_are_sent_a_few_times_a_day(world, browser):
    await world.invited(PATIENT)
    old = page_link(world)
    world.clock.advance(days=8)
    for _ in range(8):
        await browser.go(old)
        await say_yes(browser)
    assert len(await world.rows(Delivery, notice=Notice.SENDER_LINK)) == 5


async def test_a_link_of_very_long_ago_is_dead(world, browser):
    await world.invited(PATIENT)
    old = page_link(world)
    world.clock.advance(days=500)
    await browser.go(old)
    assert browser.status == 404


# -------------------------------------------------------------------------------------- the practice's people, and more


async def test_the_practices_people_with_those_first_who_have_the_least_time(world, browser):
    late = await world.invited(PATIENT, to="late@home.example", name="Dr Ada")
    await world.desk.do(lambda ctx: ctx.tx.put(replace(ctx.tx.get(Invitation, late.id), state=State.ACCEPTED)))
    await world.invited(PATIENT, to="anna@home.example")
    world.clock.advance(days=3)
    await world.invited(PATIENT, to="zoe@home.example")
    await world.invited(COLLEAGUE_HERE, to="cleo@riverside.example", sender="bob@riverside.example", name="Bob")
    await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    await browser.go(page_link(world) + "?show=patients")
    lines = [" ".join(line.text().split()) for line in browser.page.css(".contacts li")]
    assert [line.split()[0] for line in lines] == ["anna@home.example", "zoe@home.example", "late@home.example"]
    assert "not accepted yet 27 days left" in lines[0]
    assert "accepted" in lines[2]
    assert len(browser.page.css(".contacts .triangle")) == 2
    await browser.go(page_link(world) + "?show=directory")
    assert "cleo@riverside.example" in browser.text
    assert not browser.page.css(".contacts a")
    await browser.go(page_link(world) + "?show=patients&q=ZOE")
    assert [line.text().split()[0] for line in browser.page.css(".contacts li")] == ["zoe@home.example"]


async def test_one_of_them_is_opened_and_moved(world, browser):
    invitation = await world.invited(PATIENT)
    await browser.go(page_link(world) + "?show=patients")
    await browser.go(browser.response.url.join(browser.page.css_first(".contacts a").attributes["href"]))
    assert browser.heading == "pat@home.example"
    await browser.press("Move my message", place="not an address")
    assert "Type an email address" in browser.text
    await surely(browser, "Move my message", place="pat@work.example")
    assert "Your message is for pat@work.example now." in browser.text
    assert (await world.invitation(invitation)).address == "pat@work.example"


async def test_a_page_shows_nobody_else(world, browser):
    await world.invited(PATIENT)
    await world.invited(PATIENT, to="else@home.example", sender="omar@hillside.example", name="Dr Omar")
    await world.invited(PATIENT, to="bobs@home.example", sender="bob@riverside.example", name="Bob")
    for person in ("else@home.example", "bobs@home.example", "nobody@home.example", "<script>"):
        await browser.go(page_link(world), params={"person": person})
        assert browser.status == 404


async def registered_by_invitation(world):
    browser = world.browser()
    await browser.go(world.link(await world.invited(PATIENT)))
    await browser.press("Start")
    await browser.press("Continue", **BIRTHDATE)
    await browser.press("Continue", name="Pat", password="a teapot full of violets")
    return await browser.press("Finish")


async def test_a_sender_sees_what_was_read_and_takes_it_back(world, browser):
    world.desk = replace(world.desk, site=replace(world.desk.site, read_receipts=True))
    world.remake()
    reader = await registered_by_invitation(world)
    browser = world.browser()
    await browser.go(page_link(world) + "?show=patients")
    await browser.go(browser.page.css_first(".contacts a").attributes["href"])
    assert "not read yet" in browser.text
    message = reader.page.css_first(".lines a").attributes["href"]
    await reader.go(message)
    await browser.go(str(browser.response.url))
    assert "read on 2 March 2026" in browser.text
    await surely(browser, "Take back")
    assert "has read it already" in browser.text
    assert (await reader.go(message)).status == 200
    await surely(browser, "Take back", reason="It was meant\r\nfor somebody else")
    assert "is taken back and destroyed" in browser.text
    assert "taken back" in browser.page.css_first(".lines").text()
    assert not browser.page.css("button[value=recall]")
    assert (await reader.go(message)).status == 404
    assert "It was meant for somebody else" in (await reader.go("/inbox")).text


async def test_without_receipts_nobody_is_told_what_was_read(world, browser):
    reader = await registered_by_invitation(world)
    await reader.go(reader.page.css_first(".lines a").attributes["href"])
    await browser.go(page_link(world) + "?person=pat@home.example")
    assert "delivered" in browser.text
    assert "read on" not in browser.text


async def test_a_colleague_of_the_sender_sees_nothing_of_their_messages(world, browser):
    await registered_by_invitation(world)
    await world.invited(PATIENT, to="other@home.example", sender="cleo@riverside.example", name="Cleo")
    cleo = page_link(world, row=(await world.one(Sender, address="cleo@riverside.example")).id)
    assert (await browser.go(f"{cleo}?person=pat@home.example")).status == 404
    await browser.go(f"{cleo}?show=patients")
    assert "pat@home.example" in browser.text or "Pat" in browser.text
    assert [link.attributes["href"] for link in browser.page.css(".contacts a")] == [
        f"{cleo}?person=other%40home.example"
    ]


def _is_birthdate(ctx, invitation, born):
    return ctx.is_birthdate(invitation.id, invitation.birthdate_digest, born)
