"""Transactions of a command, beside whoever serves from the same database."""

import sqlite3
from collections.abc import Callable
from typing import Self, TypeVar

import peewee

from gateway.ports import ContentStore, Tx
from gateway.store.connections import as_store_errors
from gateway.store.models import models
from gateway.store.repository import Repository, SqliteTx

R = TypeVar("R")


class Transactions:
    """One transaction after the other, beside a gateway that may serve; a context manager.

    What they ask to be done afterwards is done: files of contents that are gone go, and destroyed keys leave the log.
    """

    def __init__(self, database: peewee.SqliteDatabase, content: ContentStore) -> None:
        self._database = database
        self._content = content
        self._repository = Repository(models(database))
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

    def look(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """What is asked of the database itself. Raises StoreBusy, StoreDamaged."""
        with as_store_errors():
            return work(self._database.connection())

    def write(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreFull, StoreDamaged, and what the work raises."""
        with as_store_errors(), self._database.atomic("IMMEDIATE"):
            tx = SqliteTx(self._repository, self._database.connection())
            result = work(tx)
        self._shredded = self._shredded or tx.aftermath.shredded
        tx.aftermath.discard_from(self._content)
        return result
