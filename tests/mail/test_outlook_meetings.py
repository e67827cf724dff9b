"""A meeting within winmail.dat says what a calendar would say."""

import struct
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from gateway.mail import parse
from gateway.mail.meetings import Meeting, Person, answer
from gateway.mail.outlook_meetings import outlook_meeting
from gateway.mail.recurrence import Nth, Rule
from gateway.mail.winmail import winmail
from tests.mail import outlook, tnef
from tests.mail.outlook import APPOINTMENT, ASSISTANT, COMMON, MEETING, ORDINARY, START, UID, mail, pattern, ticks
from tests.mail.tnef import named, value

ADA, PAT = Person("Dr Ada", "ada@riverside.example"), Person("Pat", "pat@home.example")


def read(packed: bytes, **who: str) -> Meeting | None:
    found = winmail(packed)
    assert found is not None
    return outlook_meeting(found, parse.head(mail(packed, **who)))


def of(*values: bytes, kind: str = outlook.REQUEST, **who: str) -> Meeting:
    found = read(outlook.meeting(*values, kind=kind), **who)
    assert found is not None
    return found


def utc(*at: int) -> datetime:
    return datetime(*at, tzinfo=UTC)


def test_what_when_where_and_who():
    found = of(*ORDINARY)
    assert (found.method, found.sequence, found.summary, found.location) == ("REQUEST", 3, "Blood test", "Salle 2, 北")
    assert (found.start, found.end) == (utc(2026, 7, 3, 8), utc(2026, 7, 3, 8, 30))
    assert (found.start.strftime("%H:%M"), found.zone) == ("10:00", "W. Europe Standard Time")
    assert (found.organiser, found.asked, found.rule) == (ADA, (PAT,), None)
    assert found.uid == outlook.identifier().hex().upper()


@pytest.mark.parametrize(
    ("kind", "method", "answered"),
    [
        ("IPM.Microsoft Schedule.MtgReq", "REQUEST", ""),
        ("Microsoft Mail v3.0 IPM.Microsoft Schedule.MtgReq", "REQUEST", ""),
        ("ipm.schedule.meeting.request.clinic", "REQUEST", ""),
        ("IPM.Schedule.Meeting.Canceled", "CANCEL", ""),
        ("IPM.Microsoft Schedule.MtgCncl", "CANCEL", ""),
        ("IPM.Schedule.Meeting.Resp.Pos", "REPLY", "ACCEPTED"),
        ("IPM.Schedule.Meeting.Resp.Tent", "REPLY", "TENTATIVE"),
        ("IPM.Microsoft Schedule.MtgRespN", "REPLY", "DECLINED"),
        ("IPM.Schedule.Meeting.Resp.Own", "REPLY", "ACCEPTED"),
        ("IPM.Appointment", "PUBLISH", ""),
    ],
)
def test_what_it_is_for(kind, method, answered):
    found = of(*ORDINARY, named(tnef.LONG, 0x15, 0x20, ASSISTANT), kind=kind)
    assert (found.method, found.answered) == (method, answered)


@pytest.mark.parametrize("kind", ["IPM.Note", "", "IPM.Task", "IPM.Schedule.Meeting", "IPM." * 500])
def test_what_is_no_meeting(kind):
    assert read(outlook.meeting(*ORDINARY, kind=kind)) is None


def test_the_class_may_stand_among_the_values():
    found = read(tnef.tnef(tnef.message(*ORDINARY, value(tnef.STRING, 0x1A, outlook.REQUEST))))
    assert found is not None
    assert found.method == "REQUEST"


def test_an_answer_comes_from_who_was_asked():
    found = of(
        *ORDINARY, kind="IPM.Schedule.Meeting.Resp.Pos", sender="Pat <pat@home.example>", to="ada@riverside.example"
    )
    assert (found.organiser.address, found.asked) == ("ada@riverside.example", (PAT,))


@pytest.mark.parametrize(
    ("values", "organiser"),
    [
        ((value(tnef.UTF_16, 0x42, "Dr Bo"), value(tnef.UTF_16, 0x65, "bo@riverside.example")), "bo@riverside.example"),
        (
            (value(tnef.UTF_16, 0x65, "/O=HOSPITAL/OU=X/CN=BO"), value(tnef.STRING, 0x5D02, "bo@x.example")),
            "bo@x.example",
        ),
        ((value(tnef.UTF_16, 0x65, "/O=HOSPITAL/OU=X/CN=BO"),), "ada@riverside.example"),
    ],
)
def test_who_asks(values, organiser):
    assert of(*ORDINARY, *values).organiser.address == organiser


@pytest.mark.parametrize(
    ("values", "uid"),
    [
        ((outlook.FROM_CALENDAR,), "visit-7@riverside.example"),
        (
            (named(tnef.BINARY, 3, outlook.identifier(which=b"\x07\xea\x07\x03"), MEETING),),
            outlook.identifier().hex().upper(),
        ),
        ((named(tnef.BINARY, 3, b"short", MEETING),), ""),
        ((named(tnef.BINARY, 3, outlook.identifier(), APPOINTMENT),), ""),
        ((), ""),
    ],
)
def test_its_uid_is_that_of_the_calendar(values, uid):
    assert of(START, *values).uid == uid


@pytest.mark.parametrize(
    ("values", "which"),
    [
        ((), date(2026, 7, 3)),
        ((named(tnef.TIME, 0x8228, ticks(2026, 7, 3, 9), APPOINTMENT),), utc(2026, 7, 3, 9)),
    ],
)
def test_one_of_a_series(values, which):
    one = named(tnef.BINARY, 3, outlook.identifier(which=b"\x07\xea\x07\x03"), MEETING)
    assert of(START, UID, one, *values).recurrence == which
    wrong = named(tnef.BINARY, 3, outlook.identifier(which=b"\xff\xff\x63\x63"), MEETING)
    assert of(START, UID, wrong).recurrence is None


@pytest.mark.parametrize(
    "other", [named(tnef.TIME, 0x8516, ticks(2026, 7, 3, 8), COMMON), value(tnef.TIME, 0x60, ticks(2026, 7, 3, 8))]
)
def test_its_start_may_stand_elsewhere(other):
    assert of(other, named(tnef.UTF_16, 2, "Room 2", MEETING)).start == utc(2026, 7, 3, 8)
    assert of(other, named(tnef.UTF_16, 2, "Room 2", MEETING)).location == "Room 2"


def test_whole_days():
    days = named(tnef.BOOLEAN, 0x8215, 1, APPOINTMENT)
    times = [named(tnef.TIME, name, ticks(2026, 7, day, 22), APPOINTMENT) for name, day in ((0x820D, 2), (0x820E, 4))]
    for found in (of(days, *times, outlook.ZONE), of(days, *times)):
        assert (found.start, found.end) == (date(2026, 7, 3), date(2026, 7, 4))


@pytest.mark.parametrize("time", [0, 1 << 63, ticks(9999, 12, 31)])
def test_times_that_nobody_means(time):
    assert read(outlook.meeting(named(tnef.TIME, 0x820D, time, APPOINTMENT))) is None


FRIDAY = date(2026, 7, 3)


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (pattern(outlook.DAILY, 0, 2 * 1440), Rule("DAILY", 2)),
        (pattern(outlook.DAILY, 1, 1, 0b0111110), Rule("WEEKLY", 1, (0, 1, 2, 3, 4))),
        (pattern(outlook.WEEKLY, 1, 2, 0b0010011), Rule("WEEKLY", 2, (0, 3, 6))),
        (pattern(outlook.WEEKLY, 1, 1, 0b1111111), Rule("DAILY")),
        (pattern(outlook.MONTHLY, 2, 3, 15), Rule("MONTHLY", 3, nth=(Nth(15),))),
        (pattern(outlook.MONTHLY, 2, 1, 31), Rule("MONTHLY", nth=(Nth(-1),))),
        (pattern(outlook.MONTHLY, 4, 1, 31), Rule("MONTHLY", nth=(Nth(-1),))),
        (pattern(outlook.MONTHLY, 3, 1, 0b0100000, 5), Rule("MONTHLY", nth=(Nth(-1, (4,)),))),
        (pattern(outlook.MONTHLY, 3, 1, 0b1000001, 2), Rule("MONTHLY", nth=(Nth(2, (5, 6)),))),
        (pattern(outlook.YEARLY, 2, 12, 4), Rule("YEARLY", dates=(date(2024, 7, 4),))),
        (pattern(outlook.YEARLY, 3, 24, 0b0000010, 1), Rule("YEARLY", 2, nth=(Nth(1, (0,)),), months=(7,))),
        (
            pattern(outlook.DAILY, 0, 1440, ends=(outlook.BY_COUNT, 10, date(2026, 7, 12))),
            Rule("DAILY", count=10),
        ),
        (
            pattern(outlook.DAILY, 0, 1440, ends=(outlook.BY_DATE, 10, date(2026, 7, 12))),
            Rule("DAILY", until=date(2026, 7, 12)),
        ),
        (pattern(outlook.DAILY, 0, 1440, ends=(0xFFFFFFFF, 10, date(4500, 8, 31))), Rule("DAILY")),
    ],
)
def test_how_it_repeats(octets, rule):
    found = of(*ORDINARY, outlook.series(octets))
    assert (found.rule, found.left_out, found.added) == (rule, (), ())


def test_dates_that_are_left_out_or_moved():
    moved = (date(2026, 7, 10), date(2026, 7, 18))
    octets = pattern(
        outlook.WEEKLY, 1, 1, 32, left_out=(date(2026, 7, 10), date(2026, 7, 17), date(2026, 7, 24)), changed=moved
    )
    found = of(*ORDINARY, outlook.series(octets))
    assert found.left_out == (date(2026, 7, 17), date(2026, 7, 24))
    assert found.added == (date(2026, 7, 18),)


WHOLE = pattern(outlook.WEEKLY, 1, 1, 32, left_out=(date(2026, 7, 10),))


@pytest.mark.parametrize(
    "octets",
    [
        WHOLE[:40],
        WHOLE[:38] + struct.pack("<I", 0xFFFFFFFF) + WHOLE[42:],
        pattern(outlook.WEEKLY, 1, 0, 32),
        pattern(outlook.WEEKLY, 1, 0xFFFFFFFF, 32),
        pattern(outlook.WEEKLY, 1, 1, 0),
        pattern(outlook.MONTHLY, 2, 1, 99),
        pattern(outlook.MONTHLY, 3, 1, 3, 1),
        pattern(outlook.MONTHLY, 10, 1, 3),
        pattern(outlook.MONTHLY, 2, 1, 3, calendar=6),
    ],
)
def test_what_cannot_be_said_is_said_by_the_sender(octets):
    told = named(tnef.UTF_16, 0x8232, "every so often", APPOINTMENT)
    assert of(*ORDINARY, outlook.series(octets), told).rule == Rule(told="every so often")
    assert of(*ORDINARY, outlook.series(octets)).rule == Rule()


def test_that_it_repeats_is_said_without_how():
    assert of(*ORDINARY, named(tnef.BOOLEAN, 0x8223, 1, APPOINTMENT)).rule == Rule()
    assert of(*ORDINARY, named(tnef.BOOLEAN, 0x8223, 0, APPOINTMENT)).rule is None


def test_its_answer_is_a_calendars():
    found = of(START, outlook.FROM_CALENDAR, outlook.ZONE, outlook.SEQUENCE)
    [event] = Calendar.from_ical(answer(found, PAT, "accept", utc(2026, 3, 1))).walk("VEVENT")
    assert (str(event["UID"]), int(event["SEQUENCE"])) == ("visit-7@riverside.example", 3)
    assert str(event["ORGANIZER"]) == "mailto:ada@riverside.example"
    assert event["DTSTART"].to_ical() == b"20260703T080000Z"


@given(st.integers(0, 900), st.binary(max_size=6), st.binary(max_size=100))
def test_whatever_comes_is_answered(at, noise, octets):
    whole = outlook.meeting(outlook.series(WHOLE), *ORDINARY)
    for packed in (whole[:at] + noise + whole[at + len(noise) :], outlook.meeting(START, outlook.series(octets))):
        found = winmail(packed)
        if found:
            outlook_meeting(found, parse.head(mail(packed)))
