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
from gateway.mail.recurrence import Rule, dates, is_near, rule

ANSWERS = {"accept": "ACCEPTED", "tentative": "TENTATIVE", "decline": "DECLINED"}
"""What a person may say, and the participation status that it is (RFC 5545 §3.2.12)."""
_ZONE = re.compile(rb"^BEGIN:VTIMEZONE\r?$.*?^END:VTIMEZONE\r?\n", re.MULTILINE | re.DOTALL)
_RULE = re.compile(rb"^RRULE[^\r\n]*", re.MULTILINE)
_YEARLY = re.compile(
    rb"RRULE:(?=[^\r\n]*FREQ=YEARLY)(?:(?:FREQ|BYDAY|BYMONTH|BYMONTHDAY|UNTIL|WKST)=[A-Z0-9+,-]{1,20};?)+"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who invites, or is asked; `address` is "" for who has none that mail can be sent to."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting. `start` and `end` are days, instants, or times without a zone, which are those of the place.

    `zone` is what the sender's calendar calls the zone; `answered` is the participation status that an answer tells.
    A series repeats by its `rule`, but for the dates that are `left_out`, and on those that are `added`.
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
    rule: Rule | None = None
    left_out: tuple[datetime | date, ...] = ()
    added: tuple[datetime | date, ...] = ()
    answered: str = ""
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
        found = next((_read(calendar, one) for one in calendar.walk("VEVENT")), None)
    except Exception:  # icalendar raises whatever a damaged calendar brings about
        return None
    return found if found and all(map(is_near, (found.start, found.end, found.recurrence))) else None


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
    event.add("dtstart", _in_utc(one.start))
    event.add("summary", one.summary)
    event["organizer"] = _address(one.organiser)
    attendee = _address(who)
    attendee.params["PARTSTAT"] = vText(ANSWERS[said])
    event["attendee"] = attendee
    if one.recurrence:
        event.add("recurrence-id", _in_utc(one.recurrence))
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _in_utc(at: datetime | date) -> datetime | date:
    """An instant needs no zone, and so no VTIMEZONE beside it (RFC 5545 §3.2.19)."""
    return at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo else at


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
    method = _words(calendar.get("METHOD", "PUBLISH")).upper()
    asked = _several(event.get("ATTENDEE"))[:CALENDAR_PEOPLE]
    said = str(asked[0].params.get("PARTSTAT", "")).upper() if method == "REPLY" and len(asked) == 1 else ""
    return Meeting(
        method=method,
        uid=str(event.get("UID", ""))[:CALENDAR_LENGTH],
        sequence=int(event.get("SEQUENCE", 0)),
        summary=_words(event.get("SUMMARY", "")),
        location=_words(event.get("LOCATION", "")),
        start=start,
        end=_end(event, start),
        zone=_words(event["DTSTART"].params.get("TZID", "")),
        organiser=_person(event.get("ORGANIZER")),
        asked=tuple(map(_person, asked)),
        rule=rule(event, start),
        left_out=dates(event, "EXDATE"),
        added=dates(event, "RDATE"),
        answered=said if said in ANSWERS.values() else "",
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
