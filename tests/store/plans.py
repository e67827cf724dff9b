"""How a database would go about a statement: which of its scans look through a whole table."""

import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from gateway.store.migrations import newest_scripts
from gateway.store.postgres.connections import connect
from gateway.store.repository import TableTx
from tests.store.filled import fill

SOUGHT_WHOLE = ("content_file", "delivery_leased", "delivery_aside", "delivery_paused", "audit_batch_forgotten")
"""Indexes that hold what is sought and nothing else."""
AS_MANY_AS_NODES = '"worker" AS "t1" ORDER BY'
ROWS = 20_000
_POINTS_TO = """
    SELECT conrelid::regclass || '.' || attname FROM pg_constraint
    JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
    WHERE contype = 'f' AND confrelid = %s::regclass
    AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1])
"""
Noted = dict[str, Sequence[Any]]
"""Statements that ran, each with the parameters of its first time."""


class Noting:
    """A connection on which what runs is noted."""

    def __init__(self, connection: Any, noted: Noted) -> None:
        self._connection = connection
        self._noted = noted

    def execute(self, statement: str, parameters: Sequence[Any], /) -> Any:
        self._noted.setdefault(statement, parameters)
        return self._connection.execute(statement, parameters)


def note_all(monkeypatch: Any) -> Noted:
    """Have every statement of every transaction noted."""
    noted: Noted = {}
    begin = TableTx.__init__
    monkeypatch.setattr(TableTx, "__init__", lambda tx, of, at, *known: begin(tx, of, Noting(at, noted), *known))
    return noted


def scans(where: Path | str, noted: Noted) -> list[tuple[str, str]]:
    """The statements that look through a whole table, each with its scan: of a file of SQLite's, or at a URL."""
    asked = {one: values for one, values in sorted(noted.items()) if _is_to_judge(one)}
    assert asked
    asked |= dict.fromkeys(_in_triggers(), ())
    return list(_sqlite_scans(where, asked) if isinstance(where, Path) else _postgres_scans(where, asked))


def _in_triggers() -> list[str]:
    """What triggers ask, each time that they are called."""
    return re.findall(r"\((SELECT max\(\w+\) FROM [^()]+)\)", "".join(newest_scripts()))


def _is_to_judge(statement: str) -> bool:
    """Not what adds a row, takes the first or last few of a table, or looks at every node."""
    takes_an_end = "WHERE" not in statement and re.search(r'ORDER BY "t1"."id"( DESC)? LIMIT', statement)
    return not (
        statement.startswith(("INSERT", "SAVEPOINT", "RELEASE")) or takes_an_end or AS_MANY_AS_NODES in statement
    )


def _sqlite_scans(path: Path, noted: Noted) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        for statement in noted:
            nothing = (None,) * statement.count("?")
            for *_, detail in database.execute(f"EXPLAIN QUERY PLAN {statement}", nothing):
                if re.match(r"SCAN (?!json_each)", detail) and not detail.endswith(SOUGHT_WHOLE):
                    yield statement, detail


def _postgres_scans(url: str, noted: Noted) -> Iterator[tuple[str, str]]:
    """Judged where there are many rows, and both as it is planned for these values and for any."""
    with closing(connect(url)) as connection:
        fill(connection, ROWS)
        connection.execute("SET enable_seqscan = on")  # what is dear only by decree must not look cheap
        for statement, values in noted.items():
            for plan in (_plan(connection, statement, values), _plan_for_any(connection, statement)):
                yield from ((statement, scan) for scan in _whole(plan))
            yield from _unindexed(connection, statement)


def _unindexed(connection: psycopg.Connection, statement: str) -> Iterator[tuple[str, str]]:
    """The columns that point to a row that is removed, and have no index: each of their tables is looked through."""
    if removed := re.match(r'DELETE FROM "(\w+)"', statement):
        for (column,) in connection.execute(_POINTS_TO, [removed[1]]):
            yield statement, f"no index begins with {column}"


def _plan(connection: psycopg.Connection, statement: str, values: Sequence[Any]) -> Mapping[str, Any]:
    return _explained(connection, f"EXPLAIN (FORMAT JSON) {statement}", values)


def _plan_for_any(connection: psycopg.Connection, statement: str) -> Mapping[str, Any]:
    """The plan that is kept for a statement that comes again and again."""
    numbers = itertools.count(1)
    numbered = re.sub("%s", lambda _: f"${next(numbers)}", statement)
    nothing = ", ".join(["NULL"] * statement.count("%s"))
    connection.execute("SET plan_cache_mode = force_generic_plan")
    try:
        connection.execute(f"PREPARE asked AS {numbered}".encode())
        return _explained(connection, f"EXPLAIN (FORMAT JSON) EXECUTE asked{nothing and f'({nothing})'}", None)
    finally:
        connection.execute("DEALLOCATE asked")
        connection.execute("RESET plan_cache_mode")


def _explained(connection: psycopg.Connection, statement: str, values: Sequence[Any] | None) -> Mapping[str, Any]:
    found = connection.execute(statement.encode(), values, prepare=False).fetchone()
    assert found
    plan: Mapping[str, Any] = found[0][0]["Plan"]
    return plan


def _whole(plan: Mapping[str, Any]) -> Iterator[str]:
    """The scans that no condition of an index bounds."""
    kind, index = plan["Node Type"], plan.get("Index Name", "")
    if kind == "Seq Scan" or ("Index" in kind and "Index Cond" not in plan and index not in SOUGHT_WHOLE):
        yield f"{kind} {plan.get('Relation Name', '')} {index}: {plan.get('Filter', '')}".strip()
    for part in plan.get("Plans", ()):
        yield from _whole(part)
