"""What a transaction is to write and has not sent yet, so that rows of a table go together, in one statement.

Nobody reads most of what is written before the commit. What is read after all is sent before (`PostgresTx._all`). Rows
are added in the order in which tables name each other, then changed; of the changes of one row the last one counts.
Where that order is not that of the work, a unique key may be found taken that was to be free by then: that refuses the
transaction, and the work is done again with care, statement by statement.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from typing import Any

import psycopg

from gateway.domain.model import TABLES
from gateway.store.repository import Repository
from gateway.store.statements import Insert

SIZES = (16, 8, 4, 2, 1)
"""How many rows one statement adds: a few sizes, so that each statement is prepared once."""
_PLACE = {table: place for place, table in enumerate(TABLES)}


class Unsent:
    """Of all who share a transaction."""

    def __init__(self, repository: Repository) -> None:
        self._of = repository
        self._added: dict[tuple[type, Insert], list[list[Any]]] = {}
        self._changed: dict[tuple[type, int | str], Sequence[Any]] = {}
        self._sent: list[tuple[psycopg.Cursor, str, int]] = []

    def add(self, table: type, how: Insert, values: list[Any]) -> None:
        self._added.setdefault((table, how), []).append(values)

    def change(self, table: type, row_id: int | str, values: Sequence[Any]) -> None:
        self._changed[table, row_id] = values

    def send(self, connection: psycopg.Connection) -> None:
        """Send all. Raises psycopg.Error."""
        for (table, how), rows in sorted(self._added.items(), key=lambda one: _PLACE[one[0][0]]):
            for some in _parted(rows):
                values = [value for row in some for value in row]
                done = psycopg.RawCursor(connection).execute(_raw(self._of[table].insert(how, len(some))), values)
                if how is Insert.ONCE:
                    self._sent.append((done, f"{table.__name__} as new", len(some)))
        for (table, row_id), changed in self._changed.items():
            done = psycopg.RawCursor(connection).execute(_raw(self._of[table].update), [*changed, row_id])
            self._sent.append((done, f"{table.__name__} {row_id}", 1))
        self._added.clear()
        self._changed.clear()

    def forget(self) -> None:
        """It is undone."""
        self._added.clear()
        self._changed.clear()
        self._sent.clear()

    def check(self) -> None:
        """Whether all that was sent was done, once it is answered. Raises LookupError."""
        for done, what, rows in self._sent:
            if done.rowcount != rows:
                raise LookupError(f"{what} is not stored")
        self._sent.clear()


@cache
def _raw(statement: str) -> str:
    """With the places of its values as PostgreSQL itself writes them: the driver looks through any other text anew each
    time, which takes longer than all else where there are many values.
    """
    places = count(1)
    return re.sub("%s", lambda _: f"${next(places)}", statement)


def _parted(rows: list[list[Any]]) -> Iterator[list[list[Any]]]:
    begin = 0
    while begin < len(rows):
        size = next(size for size in SIZES if size <= len(rows) - begin)
        yield rows[begin : begin + size]
        begin += size
