"""The numbers of new rows: known before they are sent, so that nobody waits for the answer to an INSERT."""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from math import ceil

import psycopg

MOST_NUMBERS = 100
FADING = 0.97
"""What is left of the expectation after a transaction that needed fewer."""
_TAKE = (
    "SELECT name, nextval(pg_get_serial_sequence(name, 'id')) "
    "FROM unnest(%s::text[], %s::int8[]) AS wanted (name, count), generate_series(1, count)"
)


class Numbers:
    """The numbers that new rows get: as many are asked for at the beginning as lately one transaction needed."""

    def __init__(self) -> None:
        self._coming: psycopg.Cursor | None = None
        self._free: defaultdict[str, deque[int]] = defaultdict(deque)
        self._used: Counter[str] = Counter()
        self._expected: dict[str, float] = {}

    def begin(self, connection: psycopg.Connection) -> None:
        """A transaction has begun; its pipeline answers later."""
        tables = self._expected.keys() | self._used.keys()
        self._expected = {table: max(self._used[table], FADING * self._expected.get(table, 0)) for table in tables}
        self._used.clear()
        wanted = {table: min(ceil(count), MOST_NUMBERS) for table, count in self._expected.items()}
        missing = {table: short for table, count in wanted.items() if (short := count - len(self._free[table])) > 0}
        self._coming = self._ask(connection, missing) if missing else None

    def forget(self) -> None:
        """Those that are left over are not used any more: newer rows have higher numbers, whoever writes them."""
        self._free.clear()

    def take(self, connection: psycopg.Connection, table: str) -> int:
        """The next number of a table. Raises psycopg.Error."""
        self._arrive()
        if not self._free[table]:
            self._coming = self._ask(connection, {table: max(1, self._used[table])})
            self._arrive()
        self._used[table] += 1
        return self._free[table].popleft()

    def _arrive(self) -> None:
        """Wait for those that were asked for."""
        coming, self._coming = self._coming, None
        for table, number in coming or ():
            self._free[table].append(number)

    def _ask(self, connection: psycopg.Connection, wanted: Mapping[str, int]) -> psycopg.Cursor:
        return connection.execute(_TAKE, [list(wanted), list(wanted.values())])
