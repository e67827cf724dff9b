"""A SQLite database that is copied to PostgreSQL: a snapshot, only read, with each value as PostgreSQL holds it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

from gateway.errors import StoreDamaged
from gateway.ports import Tx
from gateway.store.connections import BUSY_SECONDS, as_store_errors, first_fault
from gateway.store.content import pieces_of
from gateway.store.damaged import last_number, version_of
from gateway.store.dialects import SQLITE
from gateway.store.kinds import kind_fault
from gateway.store.models import table_name
from gateway.store.postgres.connections import held_text
from gateway.store.repository import SqliteTx, repository

R = TypeVar("R")
Row = tuple[Any, ...]


class SqliteSource:
    """The database at this path with its spool, as it stands when the context is entered.

    What reads raises StoreBusy, StoreDamaged.
    """

    def __init__(self, path: Path, spool: Path) -> None:
        self._path, self._spool = path, spool
        self.replaced = 0
        """In how many values that were read NUL was replaced since this was set to 0."""

    def __enter__(self) -> Self:
        with as_store_errors(), ExitStack() as stack:
            uri = f"file:{quote(str(self._path.resolve()))}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
            stack.enter_context(closing(self._connection))
            self._connection.text_factory = self._text
            self._version = self._changes()
            self._connection.execute("BEGIN")
            self.schema = version_of(self._connection)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def identity(self) -> tuple[str, int]:
        """Which file it is: its path, and its number in the file system."""
        return str(self._path.resolve()), self._path.stat().st_ino

    def fault(self) -> str:
        """What SQLite's own look through the file finds first; "" for nothing."""
        with as_store_errors():
            return first_fault(self._connection)

    def ask(self, look: Callable[[Tx], R]) -> R:
        """What a use case finds in it."""
        with as_store_errors():
            return look(SqliteTx(repository(SQLITE), self._connection))

    def was_changed(self) -> bool:
        """Whether somebody has written to it since the context was entered; the snapshot ends with that."""
        with as_store_errors():
            self._connection.execute("ROLLBACK")
            return self._changes() != self._version

    def _changes(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _text(self, octets: bytes) -> str:
        """Text as the copy can hold it, counted where it is another one there."""
        try:
            text = octets.decode()
        except UnicodeDecodeError as error:
            raise StoreDamaged("a text in it is none") from error
        held = held_text(text)
        self.replaced += held != text
        return held

    # ------------------------------------------------------------------------------------------------------------ rows

    def rows(self, table: type, after: object = None) -> Iterator[Row]:
        """The rows of a table by their ids, behind this one; each value of its column's kind."""
        name, columns = table_name(table), ", ".join(f'"{one.name}"' for one in fields(table))
        condition = "" if after is None else "WHERE id > ?"
        query = f'SELECT {columns} FROM "{name}" {condition} ORDER BY id'  # noqa: S608 - names of our own
        with as_store_errors():
            for row in self._connection.execute(query, [] if after is None else [after]):
                if fault := kind_fault(table, row):
                    raise StoreDamaged(f"{name} {row[0]}: {fault}; gateway doctor says more")
                yield row

    def count(self, table: type, up_to: object = None) -> int:
        """How many rows there are, all or up to this id."""
        condition = "" if up_to is None else "WHERE id <= ?"
        query = f'SELECT count(*) FROM "{table_name(table)}" {condition}'  # noqa: S608 - as above
        with as_store_errors():
            return int(self._connection.execute(query, [] if up_to is None else [up_to]).fetchone()[0])

    def last_number(self, table: type) -> int:
        """The highest number that was ever given to a row, as far as is known; 0 for none."""
        name = table_name(table)
        with as_store_errors():
            [[kept]] = self._connection.execute(f'SELECT coalesce(max(id), 0) FROM "{name}"')  # noqa: S608 - as above
            return max(int(kept), last_number(self._connection, name))

    # --------------------------------------------------------------------------------------------------- large content

    def large(self) -> Iterator[str]:
        """The contents that lie in files, by their ids."""
        with as_store_errors():
            for (content_id,) in self._connection.execute("SELECT id FROM content WHERE inline IS NULL ORDER BY id"):
                yield content_id

    def pieces(self, content_id: str) -> Iterator[Row]:
        """The pieces of a file, none if it is missing, as rows of `chunk`: content, number, time of writing, octets."""
        with suppress(FileNotFoundError), (self._spool / content_id).open("rb") as file:
            at = os.fstat(file.fileno()).st_mtime_ns // 1000
            for number, sealed in enumerate(pieces_of(file)):
                yield content_id, number, at, sealed

    def missing(self) -> Iterator[str]:
        """The contents whose file is not there, or empty."""
        return (one for one in self.large() if not self._size(one))

    def left_out(self) -> int:
        """How many files there are that no content names."""
        names = (one.name for one in os.scandir(self._spool)) if self._spool.is_dir() else iter(())
        return sum(1 for name in names if not self._is_named(name))

    def _size(self, content_id: str) -> int:
        with suppress(FileNotFoundError):
            return (self._spool / content_id).stat().st_size
        return 0

    def _is_named(self, name: str) -> bool:
        query = "SELECT 1 FROM content WHERE id = ? AND inline IS NULL"
        return self._connection.execute(query, [name]).fetchone() is not None
