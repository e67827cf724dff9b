"""Two databases compared, the one that was copied and the copy: in one walk through both, however much they hold."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.domain.model import TABLES
from gateway.store.models import table_name
from gateway.store.postgres.source import Row, SqliteSource
from gateway.store.postgres.target import PostgresTarget, Step

MOST_NAMED = 5
"""Rows of a table that differ, and are named."""
_TOLD = 100
"""After how many rows progress is told."""
Keyed = tuple[Any, Row]
"""Where a row stands in its table's order, and its values."""


@dataclass(slots=True)
class Side:
    """What was seen of a table in one of the two: how many rows, and a SHA-256 over them in their order."""

    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> str:
        return str(self._digest.hexdigest())

    def take(self, octets: bytes) -> None:
        self.rows += 1
        self._digest.update(octets)


@dataclass(slots=True)
class Compared:
    """A table in both. `named` are the first rows that are not alike, of `differing`."""

    table: str
    source: Side = field(default_factory=Side)
    copy: Side = field(default_factory=Side)
    differing: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        return self.source.rows == self.copy.rows and self.source.digest == self.copy.digest

    def differ(self, key: Any) -> None:
        self.differing += 1
        if len(self.named) < MOST_NAMED:
            self.named.append(" ".join(map(str, key)) if isinstance(key, tuple) else str(key))


def compare(source: SqliteSource, target: PostgresTarget, step: Step) -> Iterator[Compared]:
    """Each table, and at last the pieces of large content. Raises StoreBusy, StoreDamaged."""
    total, before = sum(map(source.count, TABLES)), 0
    for table in TABLES:
        tell = partial(_tell, step, "compared", before, total)
        found = walk(table_name(table), map(_row, source.rows(table)), map(_row, target.rows(table)), tell)
        before += found.source.rows
        yield found
    in_files = (_piece(row) for content_id in source.large() for row in source.pieces(content_id))
    tell = partial(_tell, step, "large content compared", 0, target.count_pieces())
    yield walk("chunk", in_files, map(_piece, target.pieces()), tell)


def _tell(step: Step, title: str, before: int, total: int, done: int) -> None:
    step(title, before + done, total)


def _row(row: Row) -> Keyed:
    return row[0], row


def _piece(row: Row) -> Keyed:
    """A piece without the time when it was written."""
    content_id, number, *_, sealed = row
    return (content_id, number), (content_id, number, sealed)


def walk(
    table: str, source: Iterable[Keyed], copy: Iterable[Keyed], tell: Callable[[int], None] = lambda _: None
) -> Compared:
    """Go through both, each in the order of its keys."""
    found, ours, theirs = Compared(table), iter(source), iter(copy)
    one, other = next(ours, None), next(theirs, None)
    while one or other:
        first = min(pair[0] for pair in (one, other) if pair)
        mine = canonical(one[1]) if one and one[0] == first else None
        its = canonical(other[1]) if other and other[0] == first else None
        if mine is not None:
            found.source.take(mine)
            one = next(ours, None)
        if its is not None:
            found.copy.take(its)
            other = next(theirs, None)
        if mine != its:
            found.differ(first)
        if found.source.rows % _TOLD == 0:
            tell(found.source.rows)
    tell(found.source.rows)
    return found


def canonical(row: Row) -> bytes:
    """A row as octets that no other row has: of each value its kind, its length and itself."""
    return b"".join(map(_value, row))


def _value(value: Any) -> bytes:
    if value is None:
        return b"-"
    if isinstance(value, int):
        return b"i%d;" % value
    octets = value.encode() if isinstance(value, str) else bytes(value)
    return b"%c%d:%b" % (b"t" if isinstance(value, str) else b"b", len(octets), octets)
