"""Meetings that come within winmail.dat (MS-OXOCAL): what Outlook's properties say, as a calendar would say it.

How a series repeats is a structure of its own (MS-OXOCAL §2.2.1.44); its dates are those of the place.
"""

import struct
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from gateway.domain.address import address
from gateway.errors import BadAddress
from gateway.mail.bounds import CALENDAR_DATES, CALENDAR_LENGTH, CALENDAR_PEOPLE
from gateway.mail.decoding import clean
from gateway.mail.meetings import Meeting, Person
from gateway.mail.parse import Head
from gateway.mail.recurrence import EVERY_DAY, MOST_INTERVAL, Nth, Rule, normal
from gateway.mail.winmail import Name, Winmail

_CLASSES = {
    "ipm.schedule.meeting.request": ("REQUEST", ""),
    "ipm.schedule.meeting.canceled": ("CANCEL", ""),
    "ipm.schedule.meeting.resp.pos": ("REPLY", "ACCEPTED"),
    "ipm.schedule.meeting.resp.tent": ("REPLY", "TENTATIVE"),
    "ipm.schedule.meeting.resp.neg": ("REPLY", "DECLINED"),
    "ipm.schedule.meeting.resp": ("REPLY", ""),
    "ipm.schedule.meeting.notification": ("PUBLISH", ""),
    "ipm.microsoft schedule.mtgreq": ("REQUEST", ""),  # MS-OXTNEF §2.1.3.3.14: the same by their older names
    "ipm.microsoft schedule.mtgcncl": ("CANCEL", ""),
    "ipm.microsoft schedule.mtgrespp": ("REPLY", "ACCEPTED"),
    "ipm.microsoft schedule.mtgrespa": ("REPLY", "TENTATIVE"),
    "ipm.microsoft schedule.mtgrespn": ("REPLY", "DECLINED"),
    "ipm.appointment": ("PUBLISH", ""),
}
"""What a message of a class is for, and what it answers; a form of one's own has a longer name."""
_OLD_PREFIX = "microsoft mail v3.0 "
_INTENT = {0x20: "ACCEPTED", 0x10: "TENTATIVE", 0x40: "DECLINED"}  # MS-OXOCAL §2.2.2.4

_TAIL = bytes.fromhex("0000c000000000000046")


def _appointment(number: int) -> Name:
    return bytes.fromhex("022006000000") + _TAIL, number


def _meeting(number: int) -> Name:
    return bytes.fromhex("90dad86e0b451b1098da00aa003f1305"), number


_START = (_appointment(0x820D), (bytes.fromhex("082006000000") + _TAIL, 0x8516), 0x60)
_END = (_appointment(0x820E), (bytes.fromhex("082006000000") + _TAIL, 0x8517), 0x61)
_WHERE = (_appointment(0x8208), _meeting(2))
_SEQUENCE, _ALL_DAY, _REPEATS = _appointment(0x8201), _appointment(0x8215), _appointment(0x8223)
_RECURRENCE, _PATTERN, _REPLACED = _appointment(0x8216), _appointment(0x8232), _appointment(0x8228)
_ZONES = (_appointment(0x825E), _appointment(0x8260), _appointment(0x825F))
_IDS = (_meeting(0x23), _meeting(3))
_INTENDED: Name = (bytes.fromhex("070e00111bb5d640af21caa85edab1d0"), 0x15)
_CLASS, _SUBJECTS = 0x1A, (0xE1D, 0x70, 0x37)
_ORGANISERS = ((0x42, 0x5D02, 0x65), (0xC1A, 0x5D01, 0xC1F))
"""Whom it is from, and then who has sent it: name, address, and another place of an address."""
_YEAR_1601 = datetime(1601, 1, 1, tzinfo=UTC)
_LATEST = 2400 * 366 * 86_400 * 10_000_000  # in the year 4005, before which all meetings are
_CALENDARS_OWN = b"vCal-Uid\x01\0\0\0"
_ID_HEAD = 40
"""The octets of an id before its data (MS-OXOCAL §2.2.1.27): what made it, which of a series, when, length."""


def outlook_meeting(packed: Winmail, head: Head) -> Meeting | None:
    """The meeting that a winmail.dat is about; None where it is about none, or does not say when."""
    method, answered = _purpose(packed)
    start, end = _time(packed, *_START), _time(packed, *_END)
    if not method or start is None:
        return None
    zone, zone_name = _zone(packed)
    start, end = start.astimezone(zone or UTC), end.astimezone(zone or UTC) if end else None
    begins, ends = _days(start, end, zone) if any(packed.value(_ALL_DAY)[:2]) else (start, end)
    sender, others = _sender(packed, head), _others(head)
    is_answer = method == "REPLY"
    first = others[0] if others else Person("", "")
    found = Meeting(
        method=method,
        uid=_uid(packed),
        sequence=_number(packed.value(_SEQUENCE)),
        summary=_short(packed.words(*_SUBJECTS) or head.subject),
        location=_short(packed.words(*_WHERE)),
        start=begins,
        end=ends if ends and ends > begins else None,
        zone=_short(zone_name) if zone else "",
        organiser=first if is_answer else sender,
        asked=(sender,) if is_answer else others,
        recurrence=_which(packed),
        answered=answered,
    )
    return _repeating(packed, found, start.date())


def _purpose(packed: Winmail) -> tuple[str, str]:
    name = (packed.kind or packed.words(_CLASS)).lower().strip().removeprefix(_OLD_PREFIX)[:CALENDAR_LENGTH]
    parts = name.split(".")
    known = (".".join(parts[:length]) for length in range(min(len(parts), 6), 0, -1))
    method, answered = next((_CLASSES[one] for one in known if one in _CLASSES), ("", ""))
    if method == "REPLY" and not answered:
        intended = _number(packed.value(_INTENDED))
        answered = next((said for bit, said in _INTENT.items() if intended & bit), "")
    return method, answered


def _time(packed: Winmail, *names: Name) -> datetime | None:
    """The first time of these that there is: hundreds of nanoseconds since 1601 (MS-DTYP §2.3.3)."""
    for octets in map(packed.value, names):
        if len(octets) == 8 and (ticks := struct.unpack("<Q", octets)[0]) and ticks < _LATEST:
            return _YEAR_1601 + timedelta(microseconds=ticks // 10)
    return None


def _zone(packed: Winmail) -> tuple[ZoneInfo | None, str]:
    """The zone in which it was written (MS-OXOCAL §2.2.1.41), and its name in Windows."""
    for octets in map(packed.value, _ZONES):
        length = int.from_bytes(octets[6:8], "little") * 2
        name = octets[8 : 8 + min(length, 2 * CALENDAR_LENGTH)].decode("utf-16-le", "replace").rstrip("\0")
        if name in WINDOWS_TO_OLSON:
            return ZoneInfo(WINDOWS_TO_OLSON[name]), name
    return None, ""


def _days(start: datetime, end: datetime | None, zone: ZoneInfo | None) -> tuple[date, date | None]:
    """Whole days: midnights of the place, or what is nearest to them where the place is not known."""
    first = start.date() if zone else (start + timedelta(hours=12)).date()
    return first, first + (end - start) - timedelta(days=1) if end else None


def _uid(packed: Winmail) -> str:
    """Its UID as a calendar would have it (MS-OXCICAL §2.1.3.1.1.20.26)."""
    octets = next(filter(None, map(packed.value, _IDS)), b"")
    data = octets[_ID_HEAD:]
    if data.startswith(_CALENDARS_OWN):
        return data[len(_CALENDARS_OWN) :].partition(b"\0")[0][:CALENDAR_LENGTH].decode("utf-8", "replace")
    whole = octets[:16] + bytes(4) + octets[20:]  # without which one of a series it is
    return whole[: CALENDAR_LENGTH // 2].hex().upper() if len(octets) >= _ID_HEAD else ""


def _which(packed: Winmail) -> datetime | date | None:
    """Which one of a series it is: when that was to be, or the date in its id."""
    replaced = _time(packed, _REPLACED)
    year, month, day = struct.unpack_from(">HBB", packed.value(_IDS[1])[:20].ljust(20, b"\0"), 16)
    try:
        return replaced or (date(year, month, day) if year else None)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------------------ people


def _sender(packed: Winmail, head: Head) -> Person:
    """Whom it is from, by an address of mail; Exchange's own addresses are none, and the mail's From says who it is."""
    author = head.authors[0] if len(head.authors) == 1 else None
    for name, *places in _ORGANISERS:
        for text in map(packed.words, places):
            try:
                return Person(_short(packed.words(name)), address(text).typed)
            except BadAddress:
                continue
    return Person(author.name, author.address.typed) if author else Person("", "")


def _others(head: Head) -> tuple[Person, ...]:
    return tuple(Person(one.name, one.address.typed) for one in head.visible[:CALENDAR_PEOPLE])


# ------------------------------------------------------------------------------------------------------------ series


def _repeating(packed: Winmail, found: Meeting, first: date) -> Meeting:
    octets = packed.value(_RECURRENCE)
    told = Rule(told=_short(packed.words(_PATTERN)))
    if not octets:
        is_series = any(packed.value(_REPEATS)[:2]) and found.recurrence is None
        return replace(found, rule=told) if is_series else found
    try:
        rule, left_out, added = _series(octets, first)
    except (struct.error, ValueError, LookupError, OverflowError):
        return replace(found, rule=told)
    return replace(found, rule=rule, left_out=left_out, added=added)


def _series(octets: bytes, first: date) -> tuple[Rule, tuple[date, ...], tuple[date, ...]]:
    frequency, pattern, calendar = struct.unpack_from("<HHH", octets, 4)
    period = struct.unpack_from("<I", octets, 14)[0]
    size = _SPECIFIC[pattern]
    specific = struct.unpack_from(f"<{size}I", octets, 22)
    at = 22 + 4 * size
    ends, count = struct.unpack_from("<II", octets, at)
    left_out, at = _dates(octets, at + 12)
    changed, at = _dates(octets, at)
    begins, last = (_day(one) for one in struct.unpack_from("<II", octets, at))
    if calendar not in (0, 1):  # Gregorian
        raise ValueError
    made = normal(_pattern(frequency, pattern, period, specific, begins), begins or first)
    made = replace(made, until=last if ends == 0x2021 else None, count=count if ends == 0x2022 else 0)
    moved = left_out & changed  # to another time of the same day
    return made, _told(left_out - moved), _told(changed - moved)


_SPECIFIC = {0: 0, 1: 1, 2: 1, 3: 2, 4: 1}
"""Numbers that a pattern has: by day, week, month, the nth of a month, the month's end."""
_DAILY, _YEARLY = 0x200A, 0x200D
_DAY_MINUTES = 1440


def _pattern(frequency: int, pattern: int, period: int, specific: tuple[int, ...], begins: date | None) -> Rule:
    if pattern == 0:
        return Rule("DAILY", interval=_sound(period // _DAY_MINUTES))
    if pattern == 1:
        days = _of_bits(specific[0])
        interval = _sound(1 if frequency == _DAILY else period)
        return Rule("DAILY") if days == EVERY_DAY and interval == 1 else Rule("WEEKLY", interval, days)
    if pattern == 3:
        nth = Nth(-1 if specific[1] == 5 else specific[1], _of_bits(specific[0]))
    else:  # MS-OXOCAL §2.2.1.44.1.3: the 31st is the last day where a month has none
        nth = Nth(-1 if specific[0] == 31 or pattern == 4 else specific[0])
    if frequency == _YEARLY and begins and period % 12 == 0:
        return Rule("YEARLY", _sound(period // 12), nth=(nth,), months=(begins.month,))
    return Rule("MONTHLY", _sound(period), nth=(nth,))


def _sound(interval: int) -> int:
    if not 1 <= interval <= MOST_INTERVAL:
        raise ValueError
    return interval


def _of_bits(mask: int) -> tuple[int, ...]:
    """The days of a mask whose lowest bit is Sunday."""
    days = tuple(sorted((bit - 1) % 7 for bit in range(7) if mask >> bit & 1))
    if not days:
        raise ValueError
    return days


def _dates(octets: bytes, at: int) -> tuple[set[date], int]:
    """Dates behind their number, and where what follows them begins."""
    number: int = struct.unpack_from("<I", octets, at)[0]
    every = struct.unpack_from(f"<{number}I", octets, at + 4)  # which raises where there are not so many
    return {one for one in map(_day, every) if one}, at + 4 + 4 * number


def _day(minutes: int) -> date | None:
    """A day by the minutes since 1601; the end of what never ends is no day that anybody means."""
    day = (_YEAR_1601 + timedelta(minutes=minutes)).date()
    return day if day.year < 4500 and minutes else None


def _told(days: set[date]) -> tuple[date, ...]:
    return tuple(sorted(days)[:CALENDAR_DATES])


def _number(octets: bytes) -> int:
    return int.from_bytes(octets[:4], "little")


def _short(text: str) -> str:
    return clean(text)[:CALENDAR_LENGTH].strip()
