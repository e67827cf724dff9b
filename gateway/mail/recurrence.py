"""How a meeting repeats (RFC 5545 §3.3.10), in the few forms that people have words for.

The rule is `icalendar`'s; what stands for the same is made the same here (`BYDAY=FR;BYSETPOS=-1` is `BYDAY=-1FR`).
A rule that needs other words than these is one that cannot be said: half of it would be wrong.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import product
from typing import Any

from icalendar import vRecur

from gateway.mail.bounds import CALENDAR_DATES

WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EVERY_DAY, WORKING_DAYS, WEEKEND = tuple(range(7)), (0, 1, 2, 3, 4), (5, 6)
_NAMED = (WORKING_DAYS, WEEKEND)
"""Days that have a name together."""
_BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBERS, _MONTH_DAYS = (1, 2, 3, 4, 5, -1), (*range(1, 32), -1)
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}
_MOST_TIMES, _MOST_DATES = 99_999, 4
MOST_INTERVAL = 999
_LEAP_YEAR = 2024


@dataclass(frozen=True, slots=True)
class Nth:
    """A day of a month. Of `days` (0 is Monday) the `number`th, -1 the last; without any, the day of that number."""

    number: int
    days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How a meeting repeats: `every` "DAILY", "WEEKLY", "MONTHLY" or "YEARLY", or "" where words are lacking for it.

    Weekly on `days`; monthly on each `nth`; yearly on `dates` (their year means nothing), or on `nth` of `months`.
    It ends with the day `until`, or after `count` times; 0 is for ever. `told` is what its sender's program says of it.
    """

    every: str = ""
    interval: int = 1
    days: tuple[int, ...] = ()
    nth: tuple[Nth, ...] = ()
    months: tuple[int, ...] = ()
    dates: tuple[date, ...] = ()
    until: date | None = None
    count: int = 0
    told: str = ""


def rule(event: Any, start: datetime | date) -> Rule | None:
    """How an event repeats; None where it does not."""
    found = event.get("RRULE")
    if found is None:
        return None
    if not isinstance(found, vRecur) or "EXRULE" in event:  # several, or a broken one; what is taken from it again
        return Rule()
    try:
        return _said({name: list(values) for name, values in found.items()}, start)
    except (ValueError, LookupError, TypeError, OverflowError):
        return Rule()


def dates(event: Any, name: str) -> tuple[datetime | date, ...]:
    """The dates that an event has under a name, in order: those that are left out, or come beside the rule."""
    found = event.get(name)
    lists = [one for one in (found if isinstance(found, list) else [found]) if type(one).__name__ == "vDDDLists"]
    every = (one.dt for several in lists for one in several.dts)
    starts = {one[0] if isinstance(one, tuple) else one for one in every}  # of a period, its start
    starts = set(filter(is_near, starts))
    return tuple(sorted(starts, key=lambda one: one.isoformat()))[:CALENDAR_DATES]


def normal(found: Rule, start: datetime | date) -> Rule:
    """What a rule is in words, without its end: yearly if it names months, weekly if it names bare days."""
    nth = tuple(map(_simple, found.nth))
    found = replace(found, nth=nth)
    if found.every == "YEARLY" and not found.dates:
        found = replace(found, months=found.months or (start.month,), nth=nth or (Nth(start.day),))
    if found.every == "MONTHLY":
        found = replace(found, nth=nth or (Nth(start.day),))
    if found.every == "WEEKLY":
        return replace(found, days=found.days or (start.weekday(),))
    numbered = [one.number for one in found.nth if not one.days and one.number > 0]
    if found.every == "YEARLY" and len(numbered) == len(found.nth) <= _MOST_DATES >= len(found.months):
        each = tuple(date(_LEAP_YEAR, *month_and_day) for month_and_day in product(found.months, numbered))
        return replace(found, dates=each, nth=(), months=()) if len(each) <= _MOST_DATES else Rule()
    return found


def _simple(one: Nth) -> Nth:
    """The last of all seven days is the last day."""
    if one.days == EVERY_DAY:
        one = Nth(one.number)
    if one.days and not (len(one.days) == 1 or one.days in _NAMED):
        raise ValueError
    if one.number not in (_NUMBERS if one.days else _MONTH_DAYS):
        raise ValueError
    return one


def _said(given: dict[str, list[Any]], start: datetime | date) -> Rule:
    """A rule from what it is given as. Raises ValueError, LookupError or TypeError for what cannot be said."""
    every, interval = str(given["FREQ"][0]).upper(), int(given.get("INTERVAL", [1])[0])
    until, count = given.get("UNTIL", [None])[0], int(given.get("COUNT", [0])[0])
    if set(given) - _KNOWN or every not in _FORMS:
        raise ValueError
    if not 1 <= interval <= MOST_INTERVAL or not 0 <= count <= _MOST_TIMES:
        raise ValueError
    if any(len(values) > 31 for values in given.values()):
        raise ValueError
    by_day = [_by_day(str(one)) for one in given.get("BYDAY", [])]
    found = _FORMS[every](given, by_day)
    if found.every == "WEEKLY" and every != "WEEKLY" and interval != 1:
        raise ValueError
    return replace(normal(found, start), interval=interval, until=_last(until, start), count=count)


def _daily(given: dict[str, list[Any]], by_day: list[Nth]) -> Rule:
    _has_no(given, "BYMONTHDAY", "BYMONTH", "BYSETPOS")
    return _weekly(given, by_day) if by_day else Rule("DAILY")


def _weekly(given: dict[str, list[Any]], by_day: list[Nth]) -> Rule:
    _has_no(given, "BYMONTHDAY", "BYMONTH", "BYSETPOS")
    if any(one.number for one in by_day):
        raise ValueError
    days = tuple(sorted({one.days[0] for one in by_day}))
    return Rule("DAILY") if days == EVERY_DAY and given.get("INTERVAL", [1]) == [1] else Rule("WEEKLY", days=days)


def _monthly(given: dict[str, list[Any]], by_day: list[Nth]) -> Rule:
    months = tuple(sorted({int(one) for one in given.get("BYMONTH", [])}))
    if months:
        if given.get("INTERVAL", [1]) != [1]:
            raise ValueError
        return _yearly(given, by_day)
    if by_day and not any(one.number for one in by_day) and "BYSETPOS" not in given:  # each Monday of a month
        return _weekly(given, by_day)
    return Rule("MONTHLY", nth=_nth(given, by_day))


def _yearly(given: dict[str, list[Any]], by_day: list[Nth]) -> Rule:
    months = tuple(sorted({int(one) for one in given.get("BYMONTH", [])}))
    nth = _nth(given, by_day)
    if (nth and not months) or any(not 1 <= month <= 12 for month in months):
        raise ValueError  # the tenth Monday of a year
    return Rule("YEARLY", nth=nth, months=months)


_FORMS = {"DAILY": _daily, "WEEKLY": _weekly, "MONTHLY": _monthly, "YEARLY": _yearly}


def _nth(given: dict[str, list[Any]], by_day: list[Nth]) -> tuple[Nth, ...]:
    numbers = [int(one) for one in given.get("BYMONTHDAY", [])]
    positions = [int(one) for one in given.get("BYSETPOS", [])]
    if not by_day:
        _has_no(given, "BYSETPOS")
        return tuple(Nth(number) for number in sorted(set(numbers), key=lambda one: (one < 0, one)))
    if numbers or (positions and any(one.number for one in by_day)):
        raise ValueError
    if not positions:
        if not all(one.number for one in by_day):
            raise ValueError
        return tuple(dict.fromkeys(by_day))
    days = tuple(sorted({one.days[0] for one in by_day}))
    return tuple(Nth(position, days) for position in dict.fromkeys(positions))


def _by_day(text: str) -> Nth:
    found = _BY_DAY.fullmatch(text.upper())
    if not found:
        raise ValueError
    return Nth(int(found[1] or 0), (WEEK.index(found[2]),))


def _has_no(given: dict[str, list[Any]], *names: str) -> None:
    if any(given.get(name) for name in names):
        raise ValueError


def _last(until: Any, start: datetime | date) -> date | None:
    """The day of the end, by the clocks of the meeting."""
    if isinstance(until, datetime):
        zone = start.tzinfo if isinstance(start, datetime) else None
        return (until.astimezone(zone) if until.tzinfo and zone else until).date()
    return until if isinstance(until, date) else None


def is_near(at: datetime | date | None) -> bool:
    """Whether clocks of all zones can show it: the first year and the last one end in the middle of nowhere."""
    return at is None or 1 < at.year < 9999
