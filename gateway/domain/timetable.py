"""When the next thing is due in an invitation's life.

Day N is the Nth calendar day, in the site's time zone, after day 0. Only the next due instant is ever stored; it is
computed anew from the date and the zone, so that a change of the zone's rules moves what lies ahead.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.domain.lifecycle import Event
from gateway.domain.site import Rhythm
from gateway.domain.vocabulary import State

ENDS = frozenset({Event.LAPSE_DUE, Event.EXPIRY_DUE, Event.GRACE_OVER})
LATE_DAYS = 3
"""With so many days left, or fewer, an invitation that is joined starts its days afresh."""


@dataclass(frozen=True, slots=True)
class Step:
    """One planned event: at the reminder hour of its day, or at the day's end."""

    day: int
    event: Event
    at_end: bool = False


def schedule(state: State, rhythm: Rhythm, extended_to: int = 0) -> tuple[Step, ...]:
    """What is planned for an invitation in this state, in order of time.

    `extended_to` is the day to which its end was moved because of an outage, if it was.
    """
    match state:
        case State.AWAITING:
            days = (day for day in sorted(set(rhythm.ask_again_days)) if day < rhythm.lapse_after_days)
            asks = tuple(Step(day, Event.UNANSWERED) for day in days)
            return (*asks, Step(max(rhythm.lapse_after_days, extended_to), Event.LAPSE_DUE))
        case State.INVITED:
            days = (day for day in sorted(set(rhythm.reminder_days)) if day <= rhythm.expire_after_days)
            reminders = tuple(Step(day, Event.REMINDER_DUE) for day in days)
            return (*reminders, Step(max(rhythm.expire_after_days, extended_to), Event.EXPIRY_DUE, at_end=True))
        case State.LOCKED | State.EXPIRED | State.UNDELIVERABLE:
            return (Step(max(rhythm.grace_days, extended_to), Event.GRACE_OVER),)
        case _:
            return ()


def instant(schedule_start: date, step: Step, zone: ZoneInfo, rhythm: Rhythm) -> datetime:
    """When a step is due, in UTC.

    A local hour that a clock change leaves out is read with the offset before the change (PEP 495, fold 0), which
    is the first instant after the gap; one that occurs twice is taken the first time.
    """
    if not step.at_end:
        return at_reminder_hour(schedule_start + timedelta(days=step.day), zone, rhythm)
    return datetime.combine(schedule_start + timedelta(days=step.day + 1), time(0), zone).astimezone(UTC)


def at_reminder_hour(day: date, zone: ZoneInfo, rhythm: Rhythm) -> datetime:
    """The instant of a day at which all timed mail is sent, in UTC; around a clock change as `instant` has it."""
    return datetime.combine(day, time(rhythm.reminder_hour), zone).astimezone(UTC)


def ahead(state: State, done: int, rhythm: Rhythm, extended_to: int = 0) -> tuple[Step, ...]:
    """What is still planned after the step of day `done` (0: none yet), in order of time.

    The end is always planned: however the settings change under a living invitation, it comes.
    """
    return tuple(step for step in schedule(state, rhythm, extended_to) if step.day > done or step.event in ENDS)


def next_due(
    state: State, schedule_start: date, done: int, zone: ZoneInfo, rhythm: Rhythm, extended_to: int = 0
) -> datetime | None:
    """When the next step after that of day `done` is due; None when nothing more is planned.

    Every due time of an invitation, stored or told, is this one: rows and mails only keep what it says.
    """
    steps = ahead(state, done, rhythm, extended_to)
    return instant(schedule_start, steps[0], zone, rhythm) if steps else None


def due(
    state: State, schedule_start: date, done: int, now: datetime, zone: ZoneInfo, rhythm: Rhythm, extended_to: int = 0
) -> Step | None:
    """The step to take now, after that of day `done`; missed ones collapse into the last of them."""
    missed = (
        step for step in ahead(state, done, rhythm, extended_to) if instant(schedule_start, step, zone, rhythm) <= now
    )
    return max(missed, key=lambda step: (step.day, step.event in ENDS), default=None)


def first_day(schedule_start: date, end: Step, not_before: datetime, zone: ZoneInfo, rhythm: Rhythm) -> int:
    """The day, counted from day 0, to which an end has to be moved so that it comes no earlier than this instant."""
    day = max(
        (not_before.astimezone(zone).date() - schedule_start).days - 1, 0
    )  # an end is due some hours into the next day
    while instant(schedule_start, replace(end, day=day), zone, rhythm) < not_before:
        day += 1
    return day


def is_near_end(state: State, schedule_start: date, today: date, rhythm: Rhythm, extended_to: int = 0) -> bool:
    """Whether what is planned in this state ends in so few days that whoever joins now would have too little of it."""
    steps = schedule(state, rhythm, extended_to)
    if not steps:
        return False
    length = steps[-1].day
    return (schedule_start - today).days + length <= min(LATE_DAYS, length // 3)


def last_day(state: State, schedule_start: date, rhythm: Rhythm, extended_to: int = 0) -> date | None:
    """The day with which what is planned in this state ends: the last one on which an invitation may be accepted."""
    steps = schedule(state, rhythm, extended_to)
    return schedule_start + timedelta(days=steps[-1].day) if steps else None
