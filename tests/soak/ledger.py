"""What was promised to whom, what came, and the reckoning between the two. Nothing here asks the gateway."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

TOLERANCE = timedelta(hours=2)
"""Between when something was due and when it was written: our clock goes on in steps, and the machine is busy."""
Thing = TypeVar("Thing", "Promise", "Arrival")
REPLY = "reply"
"""The mark of an answer from the portal: its Message-ID is its message's own."""
JUST_BEFORE = 3.0
"""Seconds between what the next hop took and a kill, within which the gateway may not have recorded it (D2)."""
ON_ITS_WAY = 3.0
"""Seconds that a mail takes from the next hop to the world."""


class Kind(StrEnum):
    """What is promised: a row of the table."""

    PASSED = "ordinary mail: delivered"
    REPORTED = "ordinary mail that the hop refuses: its sender is told"
    INBOX = "secure mail to a registered person: in their inbox"
    ANNOUNCED = "... and announced to them"
    RECEIPT = "secure mail to a stranger: a receipt"
    INVITED = "... an invitation"
    REMINDED = "... reminders on their days, and by REMIND"
    ASKED_AGAIN = "... its sender is asked again who they are"
    EXPIRED = "... expired: its sender is told"
    LAPSED = "... destroyed at last: its sender is told"
    ACCEPTED = "... accepted: its sender is told"
    RELEASED = "... released: readable in the inbox"
    RETURNED = "... invitation that came back: its sender is told"
    LOCKED = "... three wrong birthdates: both sides are told"
    DEAD_LINK = "... taken back, expired or used: its link is dead"
    REPLY = "answers from the portal: at the sender"
    TRANSCRIPT = "commands by SMTP: answered"
    FETCHED = "commands in the mailbox: answered"


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that must come once. `mark`: a kind of notice, a Message-ID, or what is seen in the portal.

    `at`: when it must have been written, by the gateway's clock. `optional`: it may have lost its point before the hop
    was back.
    """

    kind: Kind
    mark: str
    to: str
    at: datetime | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came: `at` by our own monotonic clock, `date` by the gateway's.

    `handed` and `queued` are the numbers that the Postfix behind and the one in front of the gateway gave it.
    """

    mark: str
    to: str
    id: str
    at: float
    date: datetime | None = None
    handed: str = ""
    queued: str = ""


@dataclass(slots=True)
class Ledger:
    """The book. `unheard` holds the Message-IDs and queue numbers of offers whose answer the client never heard."""

    promises: list[Promise] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    """When the next hop went down: it may have taken a mail and not come to say so (RFC 5321 §6.1)."""
    unheard: set[str] = field(default_factory=set)
    recorded: Counter[str] = field(default_factory=Counter)
    """How often the gateway's log says of a delivery's number that it was recorded as sent."""
    notes: list[str] = field(default_factory=list)
    """What else went wrong."""

    def promise(self, kind: Kind, mark: str, to: str, at: datetime | None = None, *, optional: bool = False) -> None:
        self.promises.append(Promise(kind, mark, to, at, optional))

    def came(self, mark: str, to: str, name: str = "", at: float = 0.0) -> None:
        """Something was seen elsewhere than in the mail."""
        self.arrivals.append(Arrival(mark, to, name, at))


@dataclass(slots=True)
class Row:
    """A line of the table. `astray` came on another day than theirs; `twice` are repeats that are allowed."""

    promised: int = 0
    came: int = 0
    lost: int = 0
    astray: int = 0
    twice: int = 0
    duplicated: int = 0


@dataclass(slots=True)
class Reckoning:
    """The table, and a line on each thing that is wrong."""

    rows: dict[Kind, Row]
    faults: list[str]


def reckon(ledger: Ledger) -> Reckoning:
    """Compare what was promised with what came."""
    rows = {kind: Row() for kind in Kind}
    faults = list(ledger.notes)
    came = _by_place(ledger.arrivals)
    for place, promises in _by_place(ledger.promises).items():
        one = _Place(promises, came.pop(place, []))
        row = rows[promises[0].kind]
        faults += [*one.count(row), *one.look_at_days(row), *one.look_for_repeats(row, ledger)]
    left = [one for arrivals in came.values() for one in arrivals if one.mark != "attention"]  # of a hop that is down
    faults += [f"came though nobody had promised it: {one.mark} to {one.to} on {one.date}" for one in left]
    return Reckoning(rows, faults)


def _by_place(things: Iterable[Thing]) -> dict[tuple[str, str], list[Thing]]:
    places: dict[tuple[str, str], list[Thing]] = defaultdict(list)
    for one in things:
        places[one.mark, one.to].append(one)
    return places


@dataclass(frozen=True, slots=True)
class _Place:
    """All that was promised to somebody under one mark, and what came. Each method enters its part into the row."""

    promises: Sequence[Promise]
    arrivals: Sequence[Arrival]

    def __str__(self) -> str:
        came = [f"{one.date} ({one.at:.1f})" for one in self.arrivals]
        return f"{self.promises[0].mark} to {self.promises[0].to}; came: {came}"

    def count(self, row: Row) -> Iterator[str]:
        least = sum(not one.optional for one in self.promises)
        came = len({one.id for one in self.arrivals})
        row.promised += min(max(least, came), len(self.promises))
        row.came += came
        row.lost += max(least - came, 0)
        row.duplicated += max(came - len(self.promises), 0)
        if came < least:
            yield f"lost, {least - came} of {least}: {self}"
        if came > len(self.promises):
            yield f"{came} in place of {len(self.promises)}: {self}"

    def look_at_days(self, row: Row) -> Iterator[str]:
        dates = [one.date for one in self.arrivals if one.date]
        for due in (one.at for one in self.promises if one.at and not one.optional):
            if dates and not any(abs(date - due) <= TOLERANCE for date in dates):
                row.astray += 1
                yield f"not when it was due, {due}: {self}"

    def look_for_repeats(self, row: Row, ledger: Ledger) -> Iterator[str]:
        for first, *repeats in _repeats(self.arrivals).values():
            for again in repeats:
                is_allowed = _is_allowed(first, again, ledger)
                row.twice += is_allowed
                row.duplicated += not is_allowed
                if not is_allowed:
                    yield f"the same mail twice, {first.id}: {self}"


def _repeats(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    """The arrivals of each mail, oldest first; what the hop itself has handed on twice counts once."""
    once = {(one.id, one.handed or str(one.at)): one for one in reversed(arrivals)}
    repeats: dict[str, list[Arrival]] = defaultdict(list)
    for one in sorted(once.values(), key=lambda one: one.at):
        repeats[one.id].append(one)
    return repeats


def _is_allowed(first: Arrival, again: Arrival, ledger: Ledger) -> bool:
    """Whether a kill fell between the hop's 250 and our record; or a client had not heard a 250 and tried again, be it
    ours, or we ourselves when the hop went down.

    A notice bears its delivery's number in its Message-ID: what the log says was recorded once was not recorded when
    it left the first time, however long a full disk kept that record waiting. Of other mail only the time is known.
    """
    if {again.id, again.queued, first.queued} & ledger.unheard:
        return True
    ends = [end for end in ledger.kills + ledger.cuts if first.at - ON_ITS_WAY <= end < again.at]
    if first.mark not in (first.id, REPLY):
        return bool(ends) and ledger.recorded[first.id.strip("<").partition(".")[0]] <= 1
    return any(end <= first.at + JUST_BEFORE for end in ends)


def total(reckoning: Reckoning) -> Row:
    """The sums of the columns."""
    columns = zip(*(astuple(row) for row in reckoning.rows.values()), strict=True)
    return Row(*map(sum, columns))
