"""A database as a file by itself: copied while others write, looked at without them, its numbers moved ahead."""

import fcntl
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from gateway.domain.model import Copy, Delivery, Message
from gateway.store.connections import BUSY_SECONDS, as_store_errors, first_fault
from gateway.store.dialects import SQLITE
from gateway.store.repository import repository
from gateway.store.statements import Insert

PAGES = 500
"""Copied at a time: two megabytes, after which others have their turn."""
PAUSE = 0.002
_NUMBERED = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'"
_INSIDE = ("audit_batch", "ledger_entry")
"""Tables whose numbers stand nowhere outside: gaps there would look like rows that were taken out."""


def copy_database(source: Path, target: Path, step: Callable[[int, int], None] = lambda _done, _all: None) -> None:
    """Copy a database as it stands at one instant, while others may write to it; `step` hears of the pages.

    The copy is one file without a log. Raises StoreBusy, StoreFull, StoreDamaged.
    """
    with as_store_errors(), _reading(source) as reader, closing(sqlite3.connect(target)) as copy:
        # One read transaction over all steps: else SQLite begins anew whenever another process has written.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reader.backup(copy, pages=PAGES, sleep=PAUSE, progress=lambda _status, left, total: step(total - left, total))
        reader.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=delete").close()
    with target.open("rb") as written:
        os.fsync(written.fileno())


def fault_of(database: Path) -> str:
    """What SQLite finds wrong with a database that nobody uses; "" for nothing."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return first_fault(connection)
    except sqlite3.DatabaseError as error:
        return str(error)


def look(database: Path, query: str) -> list[tuple[object, ...]]:
    """Ask a database that nobody uses. Raises StoreDamaged."""
    with as_store_errors(), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def close_log(database: Path) -> None:
    """Make a database that nobody uses one file without a log."""
    with as_store_errors(), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=delete").close()


def skip_numbers(database: Path, first: int, rows: tuple[Message, Copy, Delivery]) -> int:
    """Have no number below `first` given out any more; the number before the next one.

    Rows that were made after a backup are lost with what came after it, but their numbers stand in mails. Tables that
    do not remember their numbers get one of these `rows` with the last number that is left out.
    """
    with as_store_errors(), closing(sqlite3.connect(database)) as connection, connection:
        tables = [name for (name,) in connection.execute(_NUMBERED) if name not in _INSIDE]
        highest = max(_highest(connection, name) for name in [*tables, "message", "copy", "delivery"])
        last = max(first - 1, highest + 1)
        for name in tables:
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [name, last])
        for row in rows:
            numbered = replace(row, id=last, message_id=last) if isinstance(row, Copy) else replace(row, id=last)
            statements = repository(SQLITE)[type(row)]
            connection.execute(statements.insert(Insert.WHOLE), statements.parameters(numbered))
    return last


def _highest(connection: sqlite3.Connection, table: str) -> int:
    """The highest number that was given out, as far as the table knows."""
    kept = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]  # noqa: S608 - our own tables
    remembered = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", [table])
    return max(int(kept), int(remembered.fetchone()[0]))


@contextmanager
def private_copy(database: Path) -> Iterator[Path]:
    """Where a copy may lie that is not to stay: beside the database. It is overwritten in the end.

    What is destroyed later must not be left behind in a free block of the disk.
    """
    place = Path(tempfile.mkdtemp(prefix=_prefix(database), dir=database.parent))
    held = os.open(place, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield place / database.name
    finally:
        _wipe(place)
        os.close(held)


def wipe_left(database: Path) -> None:
    """Overwrite and remove private copies that a process has left which was killed."""
    for place in database.parent.glob(f"{_prefix(database)}*"):
        held = os.open(place, os.O_RDONLY)
        with suppress(BlockingIOError):  # it is in use
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _wipe(place)
        os.close(held)


def _prefix(database: Path) -> str:
    return f"{database.name}.copy-"


def _wipe(place: Path) -> None:
    for file in place.iterdir():
        left = file.stat().st_size
        with file.open("rb+") as opened:
            while left > 0:
                left -= opened.write(bytes(min(left, 1 << 20)))
            opened.flush()
            os.fsync(opened.fileno())
        file.unlink()
    place.rmdir()


@contextmanager
def _reading(source: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{source}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    with closing(connection):
        yield connection
