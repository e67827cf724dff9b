"""What a calendar says is read as its writer meant it, and answered as the standard has it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from gateway.mail.meetings import ANSWERS, Person, answer, meeting
from gateway.mail.recurrence import Rule
from tests.mail.calendars import ADA, AT_TEN, OUTLOOK_ZONE, PAT, calendar

EUROPE = "W. Europe Standard Time"


def utc(*at: int) -> datetime:
    return datetime(*at, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "zone", "start", "end"),
    [
        (AT_TEN, OUTLOOK_ZONE, utc(2026, 7, 3, 8), utc(2026, 7, 3, 8, 30)),
        (AT_TEN.replace("0703", "1203"), OUTLOOK_ZONE, utc(2026, 12, 3, 9), utc(2026, 12, 3, 9, 30)),
        (AT_TEN, "", utc(2026, 7, 3, 8), utc(2026, 7, 3, 8, 30)),
        (
            AT_TEN.replace(EUROPE, "America/New_York"),
            "",
            utc(2026, 7, 3, 14),
            utc(2026, 7, 3, 14, 30),
        ),
        (
            AT_TEN.replace(EUROPE, "Practice"),
            OUTLOOK_ZONE.replace(EUROPE, "Practice"),
            utc(2026, 7, 3, 8),
            utc(2026, 7, 3, 8, 30),
        ),
        ("DTSTART:20261025T003000Z\nDURATION:PT2H\n", "", utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 2, 30)),
        ("DTSTART:20260703T100000\nDTEND:20260703T110000\n", "", datetime(2026, 7, 3, 10), datetime(2026, 7, 3, 11)),
        ("DTSTART;VALUE=DATE:20260703\nDTEND;VALUE=DATE:20260704\n", "", date(2026, 7, 3), None),
        ("DTSTART;VALUE=DATE:20260703\nDTEND;VALUE=DATE:20260706\n", "", date(2026, 7, 3), date(2026, 7, 5)),
        ("DTSTART;VALUE=DATE:20260703\n", "", date(2026, 7, 3), None),
        ("DTSTART:20260703T100000Z\nDTEND:20260703T090000Z\n", "", utc(2026, 7, 3, 10), None),
    ],
)
def test_when_it_is(times, zone, start, end):
    found = meeting(calendar(times, zone=zone))
    assert found is not None
    for said, meant in ((found.start, start), (found.end, end)):
        assert said == meant
        assert getattr(said, "tzinfo", None) is None or said.utcoffset() is not None


def test_what_where_and_who():
    found = meeting(calendar(more="DESCRIPTION:Long\nRRULE:FREQ=WEEKLY;UNTIL=20260901T000000Z\n"))
    assert found is not None
    assert (found.method, found.uid, found.sequence) == ("REQUEST", "meeting-1", 2)
    assert (found.summary, found.location) == ("Blood test", "Room 2, first floor")
    assert found.organiser == Person("Dr Ada", "ada@riverside.example")
    assert found.asked == (Person("Pat", "pat@home.example"),)
    assert found.rule == Rule("WEEKLY", days=(4,), until=date(2026, 9, 1))


@pytest.mark.parametrize("method", ["PUBLISH", "CANCEL", "REPLY", ""])
def test_what_it_is_for(method):
    found = meeting(calendar(method=method))
    assert found is not None
    assert found.method == (method or "PUBLISH")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"BEGIN:VCALENDAR\r\n",
        calendar(""),
        calendar("DTSTART:nonsense\n"),
        calendar("DTSTART:99991231T235959Z\n"),
        calendar("DTSTART:00010101T000000Z\n"),
        calendar(more="RECURRENCE-ID:99991231T235959Z\n"),
        calendar().replace(b"VEVENT", b"VTODO"),
        calendar() * 1000,
        b"\xff\xfe" * 50,
    ],
)
def test_what_is_none(octets):
    assert meeting(octets) is None


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;BYMONTH=3", "FREQ=YEARLY;BYSECOND=1", "FREQ=DAILY"])
def test_a_zone_that_changes_every_second_is_not_asked(rule):
    """Whether it did would take years to find out; the name of the zone says it as well."""
    zone = OUTLOOK_ZONE.replace("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", rule)
    found = meeting(calendar(zone=zone))
    assert found is not None
    assert found.start == utc(2026, 7, 3, 8)
    unknown = calendar(AT_TEN.replace(EUROPE, "X"), zone=zone.replace(EUROPE, "X"))
    found = meeting(unknown)
    assert found is not None
    assert found.start == datetime(2026, 7, 3, 10)


def test_people_are_bounded_and_those_without_an_address_named():
    found = meeting(calendar(who=ADA + PAT * 1000 + "ATTENDEE;CN=Room 2:urn:uuid:1\n"))
    assert found is not None
    assert len(found.asked) == 200
    found = meeting(calendar(who="ORGANIZER;CN=Room 2:urn:uuid:1\n"))
    assert found is not None
    assert found.organiser == Person("Room 2", "")


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("more", ["", "RECURRENCE-ID:20260703T080000Z\n"])
def test_an_answer_is_what_the_standard_has(said, more):
    found = meeting(calendar(more=more))
    assert found is not None
    made = Calendar.from_ical(answer(found, Person("Pat", "pat@home.example"), said, utc(2026, 3, 1)))
    [event] = made.walk("VEVENT")
    assert (str(made["METHOD"]), str(event["UID"]), int(event["SEQUENCE"])) == ("REPLY", "meeting-1", 2)
    assert str(event["ORGANIZER"]) == "mailto:ada@riverside.example"
    assert str(event["ATTENDEE"]) == "mailto:pat@home.example"
    assert str(event["ATTENDEE"].params["PARTSTAT"]) == ANSWERS[said]
    assert event["DTSTART"].dt == found.start
    assert ("RECURRENCE-ID" in event) == bool(more)


def test_an_answer_about_one_of_a_series_needs_no_zone():
    found = meeting(calendar(more='RECURRENCE-ID;TZID="W. Europe Standard Time":20260703T100000\n'))
    assert found is not None
    assert b"RECURRENCE-ID:20260703T080000Z" in answer(found, Person("", "pat@home.example"), "accept", utc(2026, 3, 1))


@pytest.mark.parametrize("said", [*ANSWERS.values(), "DELEGATED", "X"])
def test_what_an_answer_says(said):
    who = PAT.replace("NEEDS-ACTION", said)
    for method, several, told in (("REPLY", 1, said), ("REQUEST", 1, ""), ("REPLY", 2, "")):
        found = meeting(calendar(method=method, who=ADA + who * several))
        assert found is not None
        assert found.answered == (told if told in ANSWERS.values() else "")


@given(st.binary(max_size=200), st.integers(0, 900), st.binary(max_size=6))
def test_whatever_comes_is_answered(octets, at, noise):
    whole = calendar()
    meeting(octets)
    found = meeting(whole[:at] + noise + whole[at + len(noise) :])
    if found and isinstance(found.start, datetime) and found.start.tzinfo:
        assert found.start.utcoffset() < timedelta(days=1)
