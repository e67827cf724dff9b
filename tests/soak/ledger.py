"""What was promised to whom, what came, and the reckoning between the two. Nothing here asks the gateway."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

TOLERANCE = timedelta(hours=2)
"""Between when something was due and when it was written: our clock goes on in steps, and the machine is busy."""
Thing = TypeVar("Thing", "Promise", "Arrival")
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
    unheard: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    """What else went wrong."""

    def promise(self, kind: Kind, mark: str, to: str, at: datetime | None = None, *, optional: bool = False) -> None:
        self.promises.append(Promise(kind, mark, to, at, optional))

    def came(self, mark: str, to: str, name: str = "", at: float = 0.0) -> None:
        """Something was seen elsewhere than in the mail."""
        self.arrivals.append(Arrival(mark, to, name, at))


@dataclass(slots=True)
class Row:
    """A line of the table. `astray` came on another day than theirs; `twice` are repeats that D2 allows."""

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
    unpromised: int = 0


def reckon(ledger: Ledger) -> Reckoning:
    """Compare what was promised with what came."""
    rows = {kind: Row() for kind in Kind}
    faults = list(ledger.notes)
    came = _by_place(ledger.arrivals)
    for place, promises in _by_place(ledger.promises).items():
        _settle(rows[promises[0].kind], promises, came.pop(place, []), ledger, faults)
    left = [one for arrivals in came.values() for one in arrivals]
    faults += [f"came though nobody had promised it: {one.mark} to {one.to} on {one.date}" for one in left]
    return Reckoning(rows, faults, len(left))


def _by_place(things: Iterable[Thing]) -> dict[tuple[str, str], list[Thing]]:
    places: dict[tuple[str, str], list[Thing]] = defaultdict(list)
    for one in things:
        places[one.mark, one.to].append(one)
    return places


def _settle(row: Row, promises: list[Promise], arrivals: list[Arrival], ledger: Ledger, faults: list[str]) -> None:
    """Enter one place into its row."""
    where = f"{promises[0].mark} to {promises[0].to}"
    due = sum(not one.optional for one in promises)
    mails = {one.id: one for one in reversed(arrivals)}
    row.promised += max(due, min(len(promises), len(mails)))
    row.came += len(mails)
    if missing := max(due - len(mails), 0):
        row.lost += missing
        faults.append(f"lost: {where}, {missing} of {due}")
    if more := max(len(mails) - len(promises), 0):
        row.duplicated += more
        dates = [str(one.date) for one in arrivals]
        faults.append(f"more than promised: {where}, {len(mails)} in place of {len(promises)}: {dates}")
    astray = [one.at for one in promises if one.at and not one.optional and mails and not _is_in_time(one.at, arrivals)]
    row.astray += len(astray)
    faults += [f"not at its time: {where}, due {at}, came {[str(one.date) for one in arrivals]}" for at in astray]
    for name, again in _repeats(arrivals).items():
        allowed = [_is_allowed(again[0], one, ledger) for one in again[1:]]
        row.twice += sum(allowed)
        row.duplicated += len(allowed) - sum(allowed)
        if not all(allowed):
            faults.append(f"came twice: {where}, {name}: {[round(one.at, 1) for one in again]}")


def _is_in_time(at: datetime, arrivals: Iterable[Arrival]) -> bool:
    return any(one.date and abs(one.date - at) <= TOLERANCE for one in arrivals)


def _repeats(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    """The arrivals of each mail, oldest first; what the hop itself has handed on twice counts once."""
    once = {(one.id, one.handed or str(one.at)): one for one in reversed(arrivals)}
    repeats: dict[str, list[Arrival]] = defaultdict(list)
    for one in sorted(once.values(), key=lambda one: one.at):
        repeats[one.id].append(one)
    return repeats


def _is_allowed(first: Arrival, again: Arrival, ledger: Ledger) -> bool:
    """Whether a kill fell between the hop's 250 and our record, or the client had not heard ours and tried again."""
    if {again.id, again.queued, first.queued} & ledger.unheard:
        return True
    return any(kill - JUST_BEFORE <= first.at <= kill + ON_ITS_WAY and kill < again.at for kill in ledger.kills)


def total(reckoning: Reckoning) -> Row:
    """The sums of the columns."""
    columns = zip(*(astuple(row) for row in reckoning.rows.values()), strict=True)
    return Row(*map(sum, columns))
