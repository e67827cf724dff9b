"""Reading a database that may be damaged, without changing it: rows one by one, around what cannot be read."""

import contextlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gateway.store.connections import BUSY_SECONDS
from gateway.store.migrations import newest_scripts, statements

AT_A_TIME = 500
MOST_PROBES = 200_000
"""Single rows of one table that are tried on damaged pages before the rest of them is given up."""
MOST_FAULTS = 200


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows between these numbers lie on damaged pages; there need not have been one for each number."""

    first: int
    last: int


@contextlib.contextmanager
def opened(path: Path, *, served: bool) -> Iterator[sqlite3.Connection]:
    """The database, to be looked at. Nothing of it is written: no log is emptied, no index beside it made anew.

    What a crash has left in the log is read from a copy of the log, beside another name of the database.
    Raises sqlite3.DatabaseError.
    """
    with contextlib.ExitStack() as stack:
        log = path.with_name(f"{path.name}-wal")
        how = "mode=ro"
        if not served and log.exists() and log.stat().st_size:
            path = stack.enter_context(_beside(path, log))
        elif not served:
            how = "mode=ro&immutable=1"
        uri = f"file:{quote(str(path.resolve()))}?{how}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        stack.enter_context(contextlib.closing(connection))
        connection.text_factory = _text
        connection.execute("PRAGMA query_only=1")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield connection


def _text(octets: bytes) -> str:
    """Altered text need not be text."""
    return octets.decode("utf-8", "replace")


@contextlib.contextmanager
def _beside(path: Path, log: Path) -> Iterator[Path]:
    """Another name of the database in a folder of its own, with a copy of its log."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=".doctor-", dir=path.parent)
    except OSError:
        folder = tempfile.TemporaryDirectory(prefix="doctor-")
    with folder as name:
        link = Path(name) / path.name
        try:
            link.hardlink_to(path)
        except OSError:
            shutil.copyfile(path, link)
        shutil.copyfile(log, link.with_name(f"{path.name}-wal"))
        yield link


# -------------------------------------------------------------------------------------------------------------- schema


def schema_faults(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """What a database of the newest version lacks, or has otherwise: (kind, name), a column as `table.column`."""
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        for script in newest_scripts():
            for statement in statements(script):
                fresh.execute(statement)
        right, found = _schema(fresh), _schema(connection)
    missing = [(kind, name) for (kind, name) in right if (kind, name) not in found]
    others = [(kind, name) for (kind, name), sql in right.items() if found.get((kind, name), sql) != sql]
    return missing + [(f"other {kind}", name) for kind, name in others]


def missing_triggers(connection: sqlite3.Connection) -> list[str]:
    """The triggers of our schema that are not there, or say something else."""
    return [name for kind, name in schema_faults(connection) if kind.removeprefix("other ") == "trigger"]


def last_number(connection: sqlite3.Connection, table: str) -> int:
    """The highest number that a row of this table has ever had, of a table that never gives one again."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(found[0]) if found else 0


def _schema(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    found = {}
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    for kind, name, sql in rows:
        if kind != "table":
            found[kind, name] = re.sub(r"\s+", " ", sql or "").strip()
            continue
        found[kind, name] = ""
        for _, column, declared, *_ in connection.execute(f'PRAGMA table_info("{name}")'):
            found["column", f"{name}.{column}"] = declared
    return found


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def newest_version() -> int:
    return len(newest_scripts())


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


# ------------------------------------------------------------------------------------------------------------- damage


def page_faults(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """What SQLite finds when it looks through all pages: (the table or index, or "", and its words)."""
    try:
        found = connection.execute(f"PRAGMA integrity_check({MOST_FAULTS})").fetchall()
    except sqlite3.DatabaseError as error:
        yield from _one_by_one(connection, str(error))
        return
    roots = _roots(connection)
    for (said,) in found:
        for line in str(said).splitlines():
            if line != "ok" and not line.startswith("***"):
                yield _owner(line, roots), line


def _one_by_one(connection: sqlite3.Connection, said: str) -> Iterator[tuple[str, str]]:
    """The tables and indexes that cannot be read through, where SQLite gives up before it names any."""
    try:
        schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type DESC").fetchall()
    except sqlite3.DatabaseError:
        schema = []
    named = False
    for kind, name, table, statement in schema:
        where = (statement or "").partition(" WHERE ")[2]
        through = f'INDEXED BY "{name}"{f" WHERE {where}" if where else ""}' if kind == "index" else "NOT INDEXED"
        if kind in ("table", "index") and (fault := _unread(connection, f'SELECT count(*) FROM "{table}" {through}')):  # noqa: S608
            named = True
            yield name, fault
    if not named:
        yield "", said


def _unread(connection: sqlite3.Connection, statement: str) -> str:
    try:
        connection.execute(statement).fetchone()
    except sqlite3.OperationalError as error:  # of the statement, such as an index that cannot serve it
        return str(error) if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR else ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return ""


def _roots(connection: sqlite3.Connection) -> dict[int, str]:
    try:
        return dict(connection.execute("SELECT rootpage, name FROM sqlite_master WHERE rootpage > 0").fetchall())
    except sqlite3.DatabaseError:
        return {}


def _owner(line: str, roots: dict[int, str]) -> str:
    if tree := re.match(r"(?:Tree|On tree page) (\d+)", line):
        return roots.get(int(tree[1]), "")
    named = re.search(r"(?:index|in) ([a-z_0-9]+)(?:\.\w+)?$", line)
    return named[1] if named else ""


def broken_references(connection: sqlite3.Connection) -> list[tuple[str, int, str]]:
    """Rows that point to others which are not there: (table, number, the other table)."""
    try:
        found = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError:
        return []
    return [(table, number, parent) for table, number, parent, _ in found]


# ---------------------------------------------------------------------------------------------------------------- rows


class Reader:
    """The rows of one table by their numbers (rowid), in order, around those that cannot be read."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        named = ", ".join(f'"{column}"' for column in columns)
        self._connection = connection
        self._table = table
        self._select = f'SELECT rowid, {named} FROM "{table}" WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?'  # noqa: S608 - names of ours
        self._probes = 0

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]] | Gap]:
        """Each row as (number, values), and a gap for each stretch that cannot be read."""
        gap: Gap | None = None
        for found in self._pieces(1, self._last()):
            if isinstance(found, Gap):
                gap = Gap(gap.first, found.last) if gap and gap.last + 1 == found.first else found
                continue
            if gap:
                yield gap
                gap = None
            yield from found
        if gap:
            yield gap

    def _pieces(self, first: int, last: int) -> Iterator[list[tuple[int, tuple[object, ...]]] | Gap]:
        """Halve what cannot be read, until single rows are left."""
        ranges = [(first, last)]
        while ranges:
            low, high = ranges.pop()
            try:
                rows = self._connection.execute(self._select, (low, high, AT_A_TIME)).fetchall()
            except (sqlite3.DatabaseError, OverflowError):
                self._probes += 1
                if low == high or self._probes > MOST_PROBES:
                    yield Gap(low, high)
                    continue
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]
                continue
            if rows:
                yield [(row[0], row[1:]) for row in rows]
            if len(rows) == AT_A_TIME and rows[-1][0] < high:
                ranges.append((rows[-1][0] + 1, high))

    def _last(self) -> int:
        """The highest number: as the table says, or an index of it, or the numbers that were given out."""
        tries = [f'SELECT max(rowid) FROM "{self._table}"']  # noqa: S608
        with contextlib.suppress(sqlite3.DatabaseError):
            for (name,) in self._connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", [self._table]
            ).fetchall():
                tries.append(f'SELECT max(rowid) FROM "{self._table}" INDEXED BY "{name}"')  # noqa: S608
        tries.append(f"SELECT seq FROM sqlite_sequence WHERE name = '{self._table}'")  # noqa: S608
        for statement in tries:
            with contextlib.suppress(sqlite3.DatabaseError):
                found = self._connection.execute(statement).fetchone()
                return int(found[0] or 0) if found else 0
        return MOST_PROBES
