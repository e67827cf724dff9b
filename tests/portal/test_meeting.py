"""A message that is about a meeting shows it, and its reader can say whether they come."""

import pytest
from icalendar import Calendar

from gateway.domain.model import Account, Copy, Message
from gateway.mail.mime import tree
from tests.mail import outlook
from tests.mail.calendars import ADA, PAT, calendar, mail
from tests.mail.tnef import UTF_16, value


async def opened(world, raw):
    copy = await world.written(await world.registered(), raw)
    browser = await world.browser().sign_in()
    return await browser.go(f"/messages/{copy.id}")


async def answers(world) -> list[bytes]:
    own = [one.id for one in await world.rows(Message) if one.account_id]
    return [await world.kept(await world.one(Copy, message_id=number)) for number in own]


def said(raw: bytes):
    [part] = [one for one in tree(raw).parts if one.content_type == "text/calendar"]
    assert part.parameters["method"] == "REPLY"
    return Calendar.from_ical(part.content()).walk("VEVENT")[0]


async def test_it_says_when_where_and_who(world):
    browser = await opened(world, mail(calendar()))
    for words in (
        "You are asked to a meeting",
        "3 July 2026, 09:00 to 3 July 2026, 09:30",
        "10:00 by the sender’s calendar",
        "W. Europe Standard Time",
        "Room 2, first floor",
        "ada@riverside.example",
        "Please come without breakfast.",
        "meeting-1.ics",
    ):
        assert words in browser.text


@pytest.mark.parametrize(
    ("button", "status", "words"),
    [
        ("Accept", "ACCEPTED", "Pat comes to this meeting."),
        ("Tentative", "TENTATIVE", "Pat may come to this meeting."),
        ("Decline", "DECLINED", "Pat does not come to this meeting."),
    ],
)
async def test_the_answer_goes_to_who_asked_once(world, button, status, words):
    browser = await opened(world, mail(calendar()))
    page = browser.response
    for _ in range(2):
        browser.response = page
        await browser.press(button)
        assert "Your answer is on its way to Dr Ada" in browser.text
    [raw] = await answers(world)
    assert words.encode() in raw
    event = said(raw)
    assert str(event["ATTENDEE"].params["PARTSTAT"]) == status
    assert str(event["ATTENDEE"]) == "mailto:pat@home.example"


async def test_an_answer_can_be_changed_and_changed_back(world):
    browser = await opened(world, mail(calendar()))
    for button in ("Accept", "Decline", "Accept"):
        await browser.press(button)
    told = [str(said(raw)["ATTENDEE"].params["PARTSTAT"]) for raw in await answers(world)]
    assert told == ["ACCEPTED", "DECLINED", "ACCEPTED"]


@pytest.mark.parametrize(
    "octets",
    [
        calendar(who="ORGANIZER;CN=Mallory:mailto:mallory@elsewhere.example\n" + PAT),
        calendar(method="CANCEL"),
        calendar(method="PUBLISH"),
        calendar(method="REPLY"),
        calendar(who=PAT),
    ],
    ids=["another's", "cancelled", "published", "a reply", "nobody's"],
)
async def test_nobody_else_gets_mail_on_a_strangers_word(world, octets):
    browser = await opened(world, mail(octets))
    page = browser.response
    assert not browser.page.css("form[action$='/meeting']")
    there = f"{page.url.path}/meeting"
    token = browser.page.css_first("input[name=csrf_token]").attributes["value"]
    fields = {"csrf_token": token, "answer": "accept", "writing": "x", "subject": "x", "body": "x"}
    assert (await browser.client.post(there, data=fields)).status_code == 404
    assert await answers(world) == []


async def test_a_meeting_of_days_or_without_a_zone(world):
    browser = await opened(world, mail(calendar("DTSTART;VALUE=DATE:20260703\nDTEND;VALUE=DATE:20260705\n", zone="")))
    assert "Friday 3 July 2026 to Saturday 4 July 2026" in browser.text
    account = await world.one(Account)
    copy = await world.written(account, mail(calendar("DTSTART:20260703T100000\n", who=ADA, zone="")))
    await browser.go(f"/messages/{copy.id}")
    assert "Friday 3 July 2026, 10:00" in browser.text


async def test_markup_in_a_calendar_is_words(world):
    octets = calendar().replace(b"Blood test", b"<b>Blood</b><script>")
    browser = await opened(world, mail(octets))
    assert "<b>Blood</b><script>" in browser.text
    await browser.press("Accept")
    assert len(await answers(world)) == 1


async def test_outlooks_own_is_shown_and_answered_as_a_calendar_is(world):
    every = outlook.series(outlook.pattern(outlook.MONTHLY, 3, 1, 32, 5))
    browser = await opened(world, outlook.mail(outlook.meeting(*outlook.ORDINARY, every)))
    for words in (
        "You are asked to a meeting",
        "3 July 2026, 09:00 to 3 July 2026, 09:30",
        "10:00 by the sender’s calendar",
        "It repeats on the last Friday of every month.",
        "Salle 2, 北",
        "ada@riverside.example",
        "Please come without breakfast.",
    ):
        assert words in browser.text
    await browser.press("Tentative")
    assert "Your answer is on its way to Dr Ada" in browser.text
    event = said((await answers(world))[0])
    assert str(event["UID"]) == outlook.identifier().hex().upper()
    assert str(event["ORGANIZER"]) == "mailto:ada@riverside.example"
    assert str(event["ATTENDEE"].params["PARTSTAT"]) == "TENTATIVE"


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        (outlook.ORDINARY, outlook.CANCELLED, "This meeting is cancelled"),
        ((outlook.START,), outlook.REQUEST, "does not say which meeting of their calendar it is"),
        (outlook.ORDINARY, "IPM.Schedule.Meeting.Resp.Pos", "Dr Ada comes to this meeting."),
        (outlook.ORDINARY, "IPM.Microsoft Schedule.MtgRespA", "Dr Ada may come to this meeting."),
        (outlook.ORDINARY, "IPM.Schedule.Meeting.Resp.Neg", "Dr Ada does not come to this meeting."),
    ],
)
async def test_outlooks_own_that_asks_for_no_answer(world, values, kind, words):
    browser = await opened(world, outlook.mail(outlook.meeting(*values, kind=kind)))
    assert words in browser.text
    assert not browser.page.css("form[action$='/meeting']")


async def test_outlooks_own_from_somebody_else_is_not_answered(world):
    other = value(UTF_16, 0x65, "mallory@elsewhere.example")
    browser = await opened(world, outlook.mail(outlook.meeting(*outlook.ORDINARY, other)))
    assert "the meeting is not the sender’s own" in browser.text
    assert not browser.page.css("form[action$='/meeting']")


async def test_a_calendars_answer_says_what_it_is(world):
    octets = calendar(method="REPLY", who=ADA + PAT.replace("NEEDS-ACTION", "DECLINED"))
    browser = await opened(world, mail(octets))
    assert "An answer about a meeting" in browser.text
    assert "Pat does not come to this meeting." in browser.text
