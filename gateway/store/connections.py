"""Connections to the one SQLite file, every one of them with the same pragmas; and the one that writes.

WAL with `synchronous=FULL`: a commit is on the disk when it returns.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peewee
import structlog

from gateway.errors import StoreBusy, StoreDamaged, StoreFull, StoreGone
from gateway.owner import open_owned

log = structlog.get_logger()

BUSY_SECONDS = 5
STATEMENTS = 512
"""Compiled statements that each connection keeps: all shapes that there are."""
_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": 1,
    "secure_delete": 1,
    "temp_store": "memory",
    "wal_autocheckpoint": 16000,  # pages (64 MB): a bound; LogConnection copies long before
    "busy_timeout": BUSY_SECONDS * 1000,
}
_NEW_FILE = {"auto_vacuum": "incremental"}
"""Holds for a file that is made; an older one is rewritten at a start. It takes the lock of those who write, even where
nothing is to be changed, so that nobody else asks for it."""
_OPTIONS: dict[str, Any] = {"timeout": BUSY_SECONDS, "cached_statements": STATEMENTS, "check_same_thread": False}
DATABASE_ERRORS = (sqlite3.OperationalError, peewee.OperationalError)
"""Of the disk or of another's lock, not of what a caller asked."""
INCREMENTAL = 2
"""SQLite's number for it."""
_DOOR, _ROOM = 0, 1
"""Octets of the lock file."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM)


def open_database(path: Path) -> peewee.SqliteDatabase:
    """The database at this path, for what peewee writes of it."""
    return peewee.SqliteDatabase(str(path), pragmas=_NEW_FILE | _PRAGMAS, **_OPTIONS)


def damage_of(database: peewee.SqliteDatabase) -> str:
    """The first thing that is wrong with the file, by SQLite's own look through it; "" where nothing is.

    Raises StoreBusy, StoreFull.
    """
    try:
        with as_store_errors(), database.connection_context():
            return first_fault(database.connection())
    except StoreDamaged as error:
        return str(error)


def first_fault(connection: sqlite3.Connection) -> str:
    """What SQLite's own look through the file finds first; "" for nothing. Raises sqlite3.DatabaseError."""
    found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if found == "ok" else found.splitlines()[-1]


def schema_of(database: peewee.SqliteDatabase) -> int:
    """The version of the file's schema. Raises StoreBusy, StoreDamaged."""
    with as_store_errors(), database.connection_context():
        return int(database.user_version)


def make_shrinkable(database: peewee.SqliteDatabase) -> None:
    """Rewrite a file that was made before room was given back, once; where there is no room for that it stays so."""
    with database.connection_context():
        if database.execute_sql("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL:
            return
        log.info("the database is rewritten once, so that it can give room back")
        try:
            database.execute_sql(f"PRAGMA auto_vacuum={INCREMENTAL}")
            database.execute_sql("VACUUM")
        except DATABASE_ERRORS as error:
            log.warning("the database could not be rewritten; it goes on without giving room back", error=str(error))


def connect(path: str) -> sqlite3.Connection:
    """A connection that begins no transaction by itself. Raises sqlite3.OperationalError."""
    connection: sqlite3.Connection = sqlite3.connect(path, isolation_level=None, **_OPTIONS)
    for name, value in _PRAGMAS.items():
        connection.execute(f"PRAGMA {name}={value}").close()
    return connection


def store_error(error: BaseException) -> Exception:
    """What callers hear of an error that was not theirs."""
    for cause in _causes(error):  # a full disk ends the transaction, and then it cannot be rolled back either
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in _FULL:
            return StoreFull(str(cause))
        if code in _DAMAGED:
            return StoreDamaged(str(cause))
    if isinstance(error, DATABASE_ERRORS):
        return StoreBusy(str(error))
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What came first of all is told last."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


@contextlib.contextmanager
def as_store_errors() -> Iterator[None]:
    """Raises StoreBusy, StoreFull or StoreDamaged for what a database may raise of itself."""
    try:
        yield
    except (sqlite3.DatabaseError, peewee.DatabaseError) as error:
        raise store_error(error) from error


class Place:
    """Where the database lies: what is written into a file that has no name any more is lost with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._opened = self._found()
        self._is_gone = False

    def check(self) -> None:
        """Raises StoreGone where the file that was opened is not there, or another one is; said once in the log."""
        found = self._found()
        self._opened = self._opened or found
        is_gone = found != self._opened
        if is_gone and not self._is_gone:
            log.error("the database was removed or replaced: no mail is taken until it is back", path=self._path)
        elif self._is_gone and not is_gone:
            log.warning("the database is back", path=self._path)
        self._is_gone = is_gone
        if is_gone:
            raise StoreGone(self._path)

    def _found(self) -> tuple[int, int] | None:
        try:
            seen = Path(self._path).stat()
        except OSError:
            return None
        return seen.st_dev, seen.st_ino


class WriteConnection:
    """The connection that writes. Any thread may use it, but only one at a time.

    SQLite lets writers of several processes poll for its lock, the luckiest first. With `shared` they queue instead:
    whoever waits stands in the door, so that nobody who has just been served can slip in before.
    """

    def __init__(self, path: str, *, shared: bool) -> None:
        self._path = path
        self._shared = shared
        self._file = -1
        self._connection: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._path)
        return self._connection

    def begin_at_once(self) -> bool:
        """Begin to write if that takes no waiting. Raises sqlite3.OperationalError."""
        if self._connection is None or self._shared:
            return False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise
        return True

    def begin(self) -> None:
        """Wait for the turn to write. Raises sqlite3.OperationalError."""
        self._queue()
        try:
            self._be_patient(BUSY_SECONDS)
            self.connection.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._leave()
            raise
        finally:
            self._be_patient(0)

    def _be_patient(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout={round(seconds * 1000)}").close()

    def commit(self) -> None:
        """Raises sqlite3.OperationalError; then `rollback`."""
        self.connection.execute("COMMIT")
        self._leave()

    def rollback(self) -> None:
        if self.connection.in_transaction:  # a full disk may have ended it already
            self.connection.execute("ROLLBACK")
        self._leave()

    def forget(self) -> bool:
        """Empty the log, so that what was overwritten in the file is nowhere any more. Readers may hinder it."""
        self._queue()
        try:
            busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
        finally:
            self._leave()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        if self._file >= 0:
            os.close(self._file)

    def _queue(self) -> None:
        if not self._shared:
            return
        if self._file < 0:
            self._file = open_owned(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        self._lock(fcntl.LOCK_EX, _DOOR)
        try:
            self._lock(fcntl.LOCK_EX, _ROOM)
        finally:
            self._lock(fcntl.LOCK_UN, _DOOR)

    def _leave(self) -> None:
        if self._shared:
            self._lock(fcntl.LOCK_UN, _ROOM)

    def _lock(self, command: int, place: int) -> None:
        fcntl.lockf(self._file, command, 1, place)


class LogConnection:
    """The connection that copies the log into the database (a checkpoint), while another one writes.

    Left to the one that writes, each copy would hold up a commit, and all who share it, for a tenth of a second.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def copy(self) -> None:
        """Copy what can be copied without holding up anybody; a disk without room is the next commit's to tell of."""
        with contextlib.suppress(sqlite3.OperationalError):
            if self._connection is None:
                self._connection = connect(self._path)
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
