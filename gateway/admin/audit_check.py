"""`gateway audit verify`: walks through the whole audit, and names each thing that is not as it was written.

Memory stays flat: a batch at a time, each in a look of its own, so that a gateway may serve meanwhile.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Protocol, TypeVar

from gateway.admin.audit_heads import KeptHead
from gateway.domain.audit_chain import FIRST_HEAD, head_after, holds, is_whole, mark, marked, was_forgotten
from gateway.domain.model_records import Audit, AuditBatch
from gateway.flow.context import Context
from gateway.ports import Keys

R = TypeVar("R")

PAGE = 1000
"""Rows that are looked at together, where no batch says how many there are."""


MOST_HEADS = 8
"""Which the next batch may follow, after batches that were altered."""


class What(StrEnum):
    """What a finding is about."""

    ALTERED = "altered row"
    REMOVED = "removed row"
    INSERTED = "inserted row"
    SWAPPED = "swapped rows"
    BATCH_ALTERED = "altered batch"
    BATCH_MISSING = "missing batch"
    FORGOTTEN = "batch forgotten by others"
    OTHER_CHAIN = "another chain"
    UNGUARDED = "missing trigger"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `first` to `last` are the numbers of its rows or batches."""

    what: What
    first: int
    last: int
    says: str


@dataclass(slots=True)
class Walked:
    """What was looked at."""

    rows: int = 0
    batches: int = 0
    unsealed: int = 0
    forgotten_to: int = 0
    """The last row that retention has removed."""
    heads: int = 0
    """Heads kept elsewhere that are those of this chain."""
    old_heads: int = 0
    """Heads of batches that retention has removed: there is nothing to compare them with."""


class Looks(Protocol):
    """Many looks at one database, each at one instant. All raise StoreBusy, StoreDamaged."""

    @property
    def keys(self) -> Keys: ...

    def ask(self, look: Callable[[Context], R]) -> R: ...

    @property
    def leaves_gaps(self) -> bool:
        """Whether rows may be numbered with gaps: a number of work that was undone is not given again (PostgreSQL)."""
        ...

    def missing_triggers(self) -> list[str]: ...

    def last_number(self, table: str) -> int: ...


@dataclass(slots=True)
class Walk:
    """A walk through one audit. `advance` is told of rows that were looked at."""

    looks: Looks
    heads: Mapping[int, Collection[KeptHead]] = field(default_factory=dict)
    advance: Callable[[int], None] = lambda _: None
    walked: Walked = field(default_factory=Walked)
    _batch: int = 0
    """The number of the batch that was looked at last, and of its last row."""
    _row: int = 0
    _heads: tuple[bytes, ...] = (FIRST_HEAD,)
    """The heads that the next batch may follow: the stored one, and where that is wrong, the right one."""

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong, as it is found. Raises StoreBusy, StoreDamaged."""
        made = self.looks.last_number("audit_batch")  # asked first: a gateway that serves makes more meanwhile
        for name in self.looks.missing_triggers():
            yield Finding(What.UNGUARDED, 0, 0, f"the trigger {name} is missing or was changed")
        for row in self.looks.ask(lambda ctx: ctx.tx.find(Audit, id__lt=1, limit=PAGE)):
            yield Finding(What.INSERTED, row.id, row.id, f"row {row.id} was inserted")
        while batch := self.looks.ask(lambda ctx: ctx.tx.one(AuditBatch, id__gt=self._batch)):
            yield from self._look_at(batch)
            self.walked.batches += 1
        if made > self._batch:
            yield _missing_batches(self._batch + 1, made, "at the end")
        yield from self._unsealed()
        yield from self._heads_after()

    def _look_at(self, batch: AuditBatch) -> Iterator[Finding]:
        if batch.forgotten:
            yield from self._forgotten(batch)
            return
        if is_gap := batch.id > self._batch + 1:
            yield _missing_batches(self._batch + 1, batch.id - 1)
            yield from self._by_mac(self._row, batch.first_row - 1)
        if is_whole(self.looks.keys, batch):
            yield from self._linked(batch, is_gap=is_gap)
            yield from self._rows_of(batch)
        else:
            says = f"batch {batch.id} was altered: the rows that it seals are checked by their own digests alone"
            yield Finding(What.BATCH_ALTERED, batch.id, batch.id, says)
            follows = self.looks.ask(lambda ctx: ctx.tx.one(AuditBatch, id__gt=batch.id))
            last = follows.first_row - 1 if follows else batch.last_row
            yield from self._by_mac(self._row, last)
            self._row = max(self._row, last)
            right = [head_after(self.looks.keys, one, batch) for one in self._heads]
            self._heads = (batch.head, *right, *self._heads)[:MOST_HEADS]  # it may be another's, in this one's place
        yield from self._kept_elsewhere(batch)
        self._batch = batch.id

    # ------------------------------------------------------------------------------------------------------ the chain

    def _linked(self, batch: AuditBatch, *, is_gap: bool) -> Iterator[Finding]:
        """Whether it follows the one before. After a gap nobody knows that; then only a head of ours is believed."""
        right = [head_after(self.looks.keys, one, batch) for one in self._heads]
        if batch.head in right or is_gap:
            self._heads = (batch.head,)
            return
        says = f"batch {batch.id} was altered: it does not follow batch {batch.id - 1}"
        yield Finding(What.BATCH_ALTERED, batch.id, batch.id, says)
        self._heads = (batch.head, *right)[:MOST_HEADS]

    def _forgotten(self, batch: AuditBatch) -> Iterator[Finding]:
        """Retention leaves the last batch that it has forgotten: the chain begins there."""
        if not was_forgotten(self.looks.keys, batch):
            says = f"batch {batch.id} is said to be forgotten, but its time was not over, or it was not us"
            yield Finding(What.FORGOTTEN, batch.id, batch.id, says)
        for row in self.looks.ask(_rows(self._row, batch.last_row, PAGE)):
            yield Finding(
                What.INSERTED, row.id, row.id, f"a row was inserted: {row.id}, where retention had removed all"
            )
        yield from self._kept_elsewhere(batch)
        self.walked.forgotten_to = batch.last_row
        self._batch, self._row, self._heads = batch.id, batch.last_row, (batch.head,)

    def _kept_elsewhere(self, batch: AuditBatch) -> Iterator[Finding]:
        for kept in self.heads.get(batch.id, ()):
            if kept.head == batch.head and kept.row == batch.last_row:
                self.walked.heads += 1
                continue
            says = f"batch {batch.id} is not the one whose head was kept on {kept.at}: the chain was made anew"
            yield Finding(What.OTHER_CHAIN, batch.id, batch.id, says)

    def _heads_after(self) -> Iterator[Finding]:
        """Heads of batches that are not there: forgotten long ago, or cut off."""
        known = self.looks.ask(lambda ctx: {number for number in self.heads if ctx.tx.get(AuditBatch, number)})
        for number in sorted(self.heads.keys() - known):
            if number > self._batch:
                says = f"batch {number}, whose head was kept elsewhere, is missing: the chain was cut off"
                yield Finding(What.OTHER_CHAIN, number, number, says)
            else:
                self.walked.old_heads += 1

    # ------------------------------------------------------------------------------------------------------------ rows

    def _rows_of(self, batch: AuditBatch) -> Iterator[Finding]:
        """The rows of a whole batch: they are those that it names, as it names them."""
        marks = marked(batch)
        there: set[int] = set()
        wrong: list[Audit] = []
        for rows in self._pages(self._row, batch.last_row):
            there |= {row.id for row in rows}
            wrong += [row for row in rows if not self._is_as_sealed(row, marks)]
        missing = sorted(marks.keys() - there)
        if missing and self._is_forgotten_now(batch):
            return
        altered = [row for row in wrong if row.id in marks]
        yield from _altered(self.looks.keys, altered, marks)
        yield from _each(What.INSERTED, [row.id for row in wrong if row.id not in marks], "inserted")
        yield from self._removed(missing, batch)
        self._row = batch.last_row

    def _is_forgotten_now(self, batch: AuditBatch) -> bool:
        """Whether retention has come by between two looks."""
        now = self.looks.ask(lambda ctx: ctx.tx.get(AuditBatch, batch.id))
        return now is not None and now.forgotten and was_forgotten(self.looks.keys, now)

    def _is_as_sealed(self, row: Audit, marks: Mapping[int, bytes]) -> bool:
        return row.id in marks and holds(self.looks.keys, row) and mark(row) == marks[row.id]

    def _removed(self, numbers: Sequence[int], batch: AuditBatch) -> Iterator[Finding]:
        for first, last in _runs(numbers):
            if self.looks.ask(lambda ctx, number=first: ctx.tx.count(Audit, id=number)):  # type: ignore[misc]
                yield Finding(What.ALTERED, first, last, f"{_named(first, last)} altered: what is there is no row")
            elif last == batch.last_row and not self.looks.ask(_rows(last, 2**62, 1)):
                says = f"rows after {first - 1} are missing: batch {batch.id} says up to {last}"
                yield Finding(What.REMOVED, first, last, says)
            else:
                yield Finding(What.REMOVED, first, last, f"{_named(first, last)} removed")

    def _by_mac(self, after: int, last: int) -> Iterator[Finding]:
        """Rows of which no batch can be believed to speak."""
        for rows in self._pages(after, last):
            yield from _each(What.ALTERED, [row.id for row in rows if not holds(self.looks.keys, row)], "altered")
            self._row = rows[-1].id

    def _unsealed(self) -> Iterator[Finding]:
        """Rows since the last batch. Where they are numbered without a gap (SQLite), one in between is missed."""
        for rows in self._pages(self._row, 2**63 - 1):
            yield from _each(What.ALTERED, [row.id for row in rows if not holds(self.looks.keys, row)], "altered")
            for first, last in () if self.looks.leaves_gaps else _gaps(self._row, [row.id for row in rows]):
                yield Finding(What.REMOVED, first, last, f"{_named(first, last)} removed before it was sealed")
            self.walked.unsealed += len(rows)
            self._row = rows[-1].id

    def _pages(self, after: int, last: int) -> Iterator[Sequence[Audit]]:
        full = True
        while full and (rows := self.looks.ask(_rows(after, last, PAGE))):
            after, full = rows[-1].id, len(rows) == PAGE
            self.walked.rows += len(rows)
            self.advance(len(rows))
            yield rows


def _rows(after: int, last: int, most: int) -> Callable[[Context], list[Audit]]:
    return lambda ctx: ctx.tx.find(Audit, id__gt=after, id__le=last, limit=most)


def _altered(keys: Keys, rows: Sequence[Audit], marks: Mapping[int, bytes]) -> Iterator[Finding]:
    """Rows that are not as they were sealed: a row that is true elsewhere was put here, or exchanged."""
    whose = {one: number for number, one in marks.items()}
    came_from = {row.id: whose[mark(row)] for row in rows if holds(keys, row) and mark(row) in whose}
    for row in rows:
        other = came_from.get(row.id, row.id)
        if came_from.get(other) == row.id and other != row.id:
            if row.id < other:
                yield Finding(What.SWAPPED, row.id, other, f"rows {row.id} and {other} were swapped")
        elif other != row.id:
            yield Finding(What.ALTERED, row.id, row.id, f"row {row.id} was altered: it says what row {other} said")
        else:
            yield Finding(What.ALTERED, row.id, row.id, f"row {row.id} was altered")


def _each(what: What, numbers: Sequence[int], done: str) -> Iterator[Finding]:
    for first, last in _runs(numbers):
        yield Finding(what, first, last, f"{_named(first, last)} {done}")


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers that follow one another, together."""
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        together = [number for _, number in run]
        yield together[0], together[-1]


def _gaps(after: int, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The numbers that are left out, first and last of each run; what comes before the very first row is none."""
    for before, number in pairwise([*[after] * (after > 0), *numbers]):
        if number > before + 1:
            yield before + 1, number - 1


def _named(first: int, last: int) -> str:
    return f"row {first} was" if first == last else f"rows {first} to {last} were"


def _missing_batches(first: int, last: int, where: str = "") -> Finding:
    says = f"batch {first} is missing" if first == last else f"batches {first} to {last} are missing"
    return Finding(What.BATCH_MISSING, first, last, f"{says} {where}".rstrip())
