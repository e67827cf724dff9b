"""Meetings in mail: what a calendar's request says (RFC 5545, RFC 5546), and the answer to it (RFC 6047).

Calendars are read by `icalendar`, within bounds. Of a time zone's own rules only yearly ones are read: to find out what
holds by a rule for every second takes years.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar import Calendar, Event, vCalAddress, vText

from gateway.domain.address import address
from gateway.errors import BadAddress
from gateway.mail.bounds import CALENDAR_LENGTH, CALENDAR_OCTETS, CALENDAR_PEOPLE
from gateway.mail.decoding import clean

ANSWERS = {"accept": "ACCEPTED", "tentative": "TENTATIVE", "decline": "DECLINED"}
"""What a person may say, and the participation status that it is (RFC 5545 §3.2.12)."""
_ZONE = re.compile(rb"^BEGIN:VTIMEZONE\r?$.*?^END:VTIMEZONE\r?\n", re.MULTILINE | re.DOTALL)
_RULE = re.compile(rb"^RRULE[^\r\n]*", re.MULTILINE)
_YEARLY = re.compile(
    rb"RRULE:(?=[^\r\n]*FREQ=YEARLY)(?:(?:FREQ|BYDAY|BYMONTH|BYMONTHDAY|UNTIL|WKST)=[A-Z0-9+,-]{1,20};?)+"
)
_EVERY = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who invites, or is asked; `address` is "" for who has none that mail can be sent to."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting. `start` and `end` are days, instants, or times without a zone, which are those of the place.

    `zone` is what the sender's calendar calls the zone; `every` is how it repeats ("WEEKLY"), until `until`.
    """

    method: str
    uid: str
    sequence: int
    summary: str
    location: str
    start: datetime | date
    end: datetime | date | None
    zone: str
    organiser: Person
    asked: tuple[Person, ...]
    every: str = ""
    interval: int = 1
    until: datetime | date | None = None
    recurrence: datetime | date | None = None
    """Which one of a series it is; None for all of it."""

    @property
    def is_all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    @property
    def has_zone(self) -> bool:
        return isinstance(self.start, datetime) and self.start.tzinfo is not None


def meeting(octets: bytes) -> Meeting | None:
    """The first meeting of a calendar; None where there is none that can be read."""
    if len(octets) > CALENDAR_OCTETS:
        return None
    try:
        calendar: Any = Calendar.from_ical(_without_endless_zones(octets))
        return next((_read(calendar, one) for one in calendar.walk("VEVENT")), None)
    except Exception:  # icalendar raises whatever a damaged calendar brings about
        return None


def answer(one: Meeting, who: Person, said: str, now: datetime) -> bytes:
    """The reply of one who was asked, as a calendar (RFC 5546 §3.2.3). `said` is one of ANSWERS."""
    calendar: Any = Calendar()
    event: Any = Event()
    calendar.add("prodid", "-//secure-mail-gateway//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "REPLY")
    event.add("uid", one.uid)
    event.add("sequence", one.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    start = one.start.astimezone(UTC) if isinstance(one.start, datetime) and one.start.tzinfo else one.start
    event.add("dtstart", start)
    event.add("summary", one.summary)
    event["organizer"] = _address(one.organiser)
    attendee = _address(who)
    attendee.params["PARTSTAT"] = vText(ANSWERS[said])
    event["attendee"] = attendee
    if one.recurrence:
        event.add("recurrence-id", one.recurrence)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _address(person: Person) -> Any:
    found: Any = vCalAddress(f"mailto:{person.address}")
    if person.name:
        found.params["CN"] = vText(person.name)
    return found


def _without_endless_zones(octets: bytes) -> bytes:
    def kept(zone: re.Match[bytes]) -> bytes:
        return zone[0] if all(_YEARLY.fullmatch(rule) for rule in _RULE.findall(zone[0])) else b""

    return _ZONE.sub(kept, octets)


def _read(calendar: Any, event: Any) -> Meeting:
    start = event["DTSTART"].dt
    rule: Any = event.get("RRULE") or {}
    every = str((rule.get("FREQ") or [""])[0]).upper()
    return Meeting(
        method=_words(calendar.get("METHOD", "PUBLISH")).upper(),
        uid=str(event.get("UID", ""))[:CALENDAR_LENGTH],
        sequence=int(event.get("SEQUENCE", 0)),
        summary=_words(event.get("SUMMARY", "")),
        location=_words(event.get("LOCATION", "")),
        start=start,
        end=_end(event, start),
        zone=_words(event["DTSTART"].params.get("TZID", "")),
        organiser=_person(event.get("ORGANIZER")),
        asked=tuple(map(_person, _several(event.get("ATTENDEE"))[:CALENDAR_PEOPLE])),
        every=every if every in _EVERY else "",
        interval=int((rule.get("INTERVAL") or [1])[0]),
        until=(rule.get("UNTIL") or [None])[0],
        recurrence=event["RECURRENCE-ID"].dt if "RECURRENCE-ID" in event else None,
    )


def _end(event: Any, start: datetime | date) -> datetime | date | None:
    """When it ends; of days, the last one, for calendars name the day after (RFC 5545 §3.6.1)."""
    end: Any = None
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    else:
        return None
    if isinstance(start, datetime) != isinstance(end, datetime):
        return None
    last: Any = end if isinstance(end, datetime) else end - timedelta(days=1)
    return last if last > start else None


def _person(found: Any) -> Person:
    if found is None:
        return Person("", "")
    text = str(found)
    written = text[7:] if text.lower().startswith("mailto:") else ""
    try:
        known = address(written).typed
    except BadAddress:
        known = ""
    return Person(_words(found.params.get("CN", "")), known)


def _several(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list) else [found] if found is not None else []


def _words(text: Any) -> str:
    return clean(str(text))[:CALENDAR_LENGTH].strip()
