"""Days, zones and clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lifecycle import Event
from gateway.domain.site import Rhythm
from gateway.domain.timetable import Step, due, instant, last_day, next_due, schedule
from gateway.domain.vocabulary import State

LONDON = ZoneInfo("Europe/London")
RHYTHM = Rhythm()
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/London",
        "America/New_York",
        "Etc/GMT+12",
        "Pacific/Kiritimati",
        "Australia/Lord_Howe",
        "Asia/Kabul",
    ]
).map(ZoneInfo)
DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1))


def local(*when, zone=LONDON):
    return datetime(*when, tzinfo=zone).astimezone(UTC)


def test_an_invitations_calendar():
    steps = schedule(State.INVITED, RHYTHM)
    assert [(step.day, step.event) for step in steps] == [
        (3, Event.REMINDER_DUE),
        (15, Event.REMINDER_DUE),
        (30, Event.REMINDER_DUE),
        (30, Event.EXPIRY_DUE),
    ]
    schedule_start = date(2026, 3, 2)
    assert instant(schedule_start, steps[0], LONDON, RHYTHM) == local(2026, 3, 5, 9)
    assert instant(schedule_start, steps[2], LONDON, RHYTHM) == local(2026, 4, 1, 9)  # summer time by now
    assert instant(schedule_start, steps[3], LONDON, RHYTHM) == local(2026, 4, 2, 0)
    assert last_day(State.INVITED, schedule_start, RHYTHM) == date(2026, 4, 1)


def test_an_hour_that_does_not_exist_runs_at_the_next_that_does():
    at_one = Rhythm(reminder_hour=1)
    # On 29 March 2026 the clocks in London go from 1:00 to 2:00.
    assert instant(date(2026, 3, 26), Step(3, Event.REMINDER_DUE), LONDON, at_one) == datetime(
        2026, 3, 29, 1, tzinfo=UTC
    )
    assert datetime(2026, 3, 29, 1, tzinfo=UTC).astimezone(LONDON).hour == 2


def test_an_hour_that_comes_twice_runs_the_first_time():
    at_one = Rhythm(reminder_hour=1)
    assert instant(date(2026, 10, 22), Step(3, Event.REMINDER_DUE), LONDON, at_one) == datetime(
        2026, 10, 25, 0, tzinfo=UTC
    )


def test_a_midnight_that_does_not_exist_still_ends_the_day():
    beirut = ZoneInfo("Asia/Beirut")  # its clocks go forward at midnight
    end = instant(date(2026, 2, 26), Step(30, Event.EXPIRY_DUE, at_end=True), beirut, RHYTHM)
    assert end.astimezone(beirut) == datetime(2026, 3, 29, 1, tzinfo=beirut)


def test_leap_day_and_years_end():
    assert instant(date(2028, 2, 26), Step(3, Event.REMINDER_DUE), LONDON, RHYTHM) == local(2028, 2, 29, 9)
    assert instant(date(2026, 12, 29), Step(3, Event.REMINDER_DUE), LONDON, RHYTHM) == local(2027, 1, 1, 9)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(2, None), (4, (Event.REMINDER_DUE, 3)), (16, (Event.REMINDER_DUE, 15)), (40, (Event.EXPIRY_DUE, 30))],
)
def test_missed_steps_collapse_into_the_last(days, expected):
    schedule_start = date(2026, 3, 2)
    found = due(State.INVITED, schedule_start, 0, local(2026, 3, 2, 12) + timedelta(days=days), LONDON, RHYTHM)
    assert (found and (found.event, found.day)) == expected


def test_an_end_has_no_calendar():
    assert next_due(State.ACCEPTED, date(2026, 3, 2), 0, LONDON, RHYTHM) is None
    assert next_due(State.CANCELLED, date(2026, 3, 2), 30, LONDON, RHYTHM) is None


def test_shorter_lives_have_no_reminder_after_their_end():
    short = Rhythm(expire_after_days=10)
    assert [step.day for step in schedule(State.INVITED, short)] == [3, 10]
    assert [step.day for step in schedule(State.AWAITING, Rhythm(lapse_after_days=2))] == [1, 2]


@given(DAYS, ZONES, st.integers(0, 23), st.sampled_from([s for s in State if schedule(s, RHYTHM)]))
def test_steps_come_in_order_and_each_exactly_once(schedule_start, zone, hour, state):
    rhythm = Rhythm(reminder_hour=hour)
    instants = [instant(schedule_start, step, zone, rhythm) for step in schedule(state, rhythm)]
    assert instants == sorted(instants)
    done, taken = 0, []
    for at in instants:
        assert next_due(state, schedule_start, done, zone, rhythm) == at
        assert due(state, schedule_start, done, at - timedelta(microseconds=1), zone, rhythm) is None
        step = due(state, schedule_start, done, at, zone, rhythm)
        taken.append(step)
        done = step.day
    assert tuple(taken) == schedule(state, rhythm)


RHYTHMS = st.builds(
    Rhythm,
    reminder_days=st.lists(st.integers(1, 40), max_size=5).map(tuple),
    expire_after_days=st.integers(1, 40),
    reminder_hour=st.integers(0, 23),
)


@given(DAYS, ZONES, st.lists(st.tuples(RHYTHMS, st.integers(1, 9)), min_size=1, max_size=12))
def test_settings_that_change_end_every_invitation_and_send_nothing_twice(schedule_start, zone, times):
    """Any settings, each for some days: every invitation ends, no reminder goes twice, and none after its end."""
    done, taken, day = 0, [], 0
    for rhythm, days in [*times, (times[-1][0], 60)]:
        for _ in range(days):
            day += 1
            now = datetime.combine(schedule_start + timedelta(days=day), time(23, 59), zone).astimezone(UTC)
            planned = next_due(State.INVITED, schedule_start, done, zone, rhythm)
            assert planned is not None
            if (step := due(State.INVITED, schedule_start, done, now, zone, rhythm)) is None:
                assert planned > now
                continue
            assert planned <= now
            taken.append((step.event, step.day))
            done = step.day
            if step.event is Event.EXPIRY_DUE:
                reminders = [at for event, at in taken if event is Event.REMINDER_DUE]
                assert len(set(reminders)) == len(reminders)
                assert day > step.day  # not before its end
                return
    raise AssertionError("it never ended")


@given(DAYS, ZONES)
def test_a_reminder_is_on_its_own_local_day(schedule_start, zone):
    for step in schedule(State.INVITED, RHYTHM)[:3]:
        assert instant(schedule_start, step, zone, RHYTHM).astimezone(zone).date() == schedule_start + timedelta(
            days=step.day
        )
