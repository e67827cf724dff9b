"""Transactions of a command, beside whoever serves from the same database."""

from collections.abc import Callable
from typing import ClassVar, Self, TypeVar

import peewee

from gateway.ports import ContentStore, Tx
from gateway.store.connections import as_store_errors
from gateway.store.damaged import last_number, missing_triggers
from gateway.store.dialects import SQLITE
from gateway.store.repository import SqliteTx, repository

R = TypeVar("R")


class SqliteTransactions:
    """One transaction after the other, beside a gateway that may serve; a context manager.

    What they ask to be done afterwards is done: files of contents that are gone go, and destroyed keys leave the log.
    """

    leaves_gaps: ClassVar = False

    def __init__(self, database: peewee.SqliteDatabase, content: ContentStore) -> None:
        self._database = database
        self._content = content
        self._repository = repository(SQLITE)
        self._shredded = False

    def __enter__(self) -> Self:
        with as_store_errors():
            self._database.connect()
        return self

    def __exit__(self, *_: object) -> None:
        with as_store_errors():
            try:
                if self._shredded:  # readers are waited for as long as for any lock
                    self._database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._database.close()

    def read(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreDamaged."""
        with as_store_errors(), self._database.atomic("DEFERRED"):
            return work(SqliteTx(self._repository, self._database.connection()))

    def missing_triggers(self) -> list[str]:
        """The triggers of our schema that are not there, or say something else. Raises StoreBusy, StoreDamaged."""
        with as_store_errors():
            return missing_triggers(self._database.connection())

    def last_number(self, table: str) -> int:
        """The highest number that a row of this table has ever had. Raises StoreBusy, StoreDamaged."""
        with as_store_errors():
            return last_number(self._database.connection(), table)

    def write(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreFull, StoreDamaged, and what the work raises."""
        with as_store_errors(), self._database.atomic("IMMEDIATE"):
            tx = SqliteTx(self._repository, self._database.connection())
            result = work(tx)
        self._shredded = self._shredded or tx.aftermath.shredded
        tx.aftermath.discard_from(self._content)
        return result
