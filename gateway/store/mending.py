"""Saving what is whole of a damaged database into a new one; and making an index anew.

Rows are copied as they are stored, table by table, around what cannot be read. What points to a row that is gone is
pointed nowhere where the schema lets it, and is left behind otherwise.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from gateway.store.connections import open_database
from gateway.store.damaged import Gap, Reader, columns_of
from gateway.store.inspection import MAGIC
from gateway.store.migrations import migrate, newest_scripts, statements

PAGE = (4096).to_bytes(2, "big")
"""How SQLite makes our files."""
_FORMAT = bytes((2, 2, 0, 64, 32, 32))
"""WAL, no room left on pages, and three numbers that never differ (fileformat2.html §1.3)."""


def new_database(path: Path) -> sqlite3.Connection:
    """An empty database of the newest schema, for its owner alone; foreign keys are looked at in the end."""
    path.touch(mode=0o600)
    migrate(open_database(path))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys=0")
    return connection


def with_its_head(path: Path, copy: Path) -> Path:
    """A copy of a database whose first octets were damaged, with those that ours always have."""
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    with copy.open("r+b") as file:
        file.write(MAGIC + PAGE + _FORMAT)
    return copy


def copied(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    fault_of: Callable[[tuple[object, ...]], str],
) -> Iterator[str]:
    """Copy the rows of a table; a line for each that stays behind. `fault_of` says why one is no row, "" if it is."""
    there = [column for column in columns if column in columns_of(source, table)]
    if not there:
        yield f"{table}: all of it"
        return
    whole = there == list(columns)
    marks = ", ".join("?" * len(there))
    insert = f'INSERT OR IGNORE INTO "{table}" ({", ".join(there)}) VALUES ({marks})'  # noqa: S608 - names of ours
    target.execute("BEGIN")
    for found in Reader(source, table, there).rows():
        if isinstance(found, Gap):
            yield f"{table}: rows {found.first} to {found.last}, those that there were: they lie on damaged pages"
            continue
        number, values = found
        fault = fault_of(values) if whole else ""
        if not fault and not _inserted(target, insert, values):
            fault = "another row has what only one may have"
        if fault:
            yield f"{table} {number}: {fault}"
    target.execute("COMMIT")


def _inserted(target: sqlite3.Connection, insert: str, values: tuple[object, ...]) -> bool:
    try:
        return target.execute(insert, values).rowcount == 1
    except sqlite3.DatabaseError:  # what a column or a trigger does not let in
        return False


def unpoint(target: sqlite3.Connection) -> Iterator[str]:
    """Point what points to rows that are gone nowhere, or leave it behind; a line for each."""
    while broken := target.execute("PRAGMA foreign_key_check").fetchall():
        for table, number, parent, key in broken:
            columns = {row[0]: row[3] for row in target.execute(f'PRAGMA foreign_key_list("{table}")')}
            may_be_empty = {row[1]: not row[3] for row in target.execute(f'PRAGMA table_info("{table}")')}
            column = columns[key]
            if may_be_empty[column]:
                target.execute(f'UPDATE "{table}" SET {column} = NULL WHERE rowid = ?', [number])  # noqa: S608
                yield f"{table} {number}: what it says of {parent} ({column})"
            else:
                target.execute(f'DELETE FROM "{table}" WHERE rowid = ?', [number])  # noqa: S608
                yield f"{table} {number}: its {parent} is lost"


def keep_numbers(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """No number that was given out is given out again."""
    with contextlib.suppress(sqlite3.DatabaseError):
        for name, last in source.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
            target.execute("DELETE FROM sqlite_sequence WHERE name = ? AND seq < ?", [name, last])
            known = target.execute("SELECT 1 FROM sqlite_sequence WHERE name = ?", [name]).fetchone()
            if not known:
                target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [name, last])


def remake_index(path: Path, name: str) -> None:
    """Make an index anew that is missing, altered or damaged. Raises sqlite3.DatabaseError."""
    made = next(one for script in newest_scripts() for one in statements(script) if f"INDEX {name} ON" in one)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f'DROP INDEX IF EXISTS "{name}"')
        connection.execute(made)
        connection.execute("COMMIT")
