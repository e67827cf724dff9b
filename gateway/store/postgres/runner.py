"""Transactions on PostgreSQL: each caller's work in one of its own, in a thread, beside any number of others.

Every transaction is serializable: what a use case has read is still so when it commits, whichever gateway another one
runs in, as if they had come one after the other (SQLite's one writer does just that). Where that cannot be, PostgreSQL
ends one of them, and its work is done anew from the start. So work must be such that doing it again does no harm: it
changes nothing but rows.
"""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import peewee
import psycopg

from gateway.errors import StoreBusy
from gateway.ports import ContentStore, Tx
from gateway.store.dialects import POSTGRES
from gateway.store.models import models
from gateway.store.postgres.connections import (
    CONFLICTS,
    PATIENCE_SECONDS,
    as_store_errors,
    connect,
    open_pool,
)
from gateway.store.repository import Aftermath, Repository, TableTx

R = TypeVar("R")

CONNECTIONS = 8
"""Of one gateway: with more, transactions only wait for each other and for the disk."""
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2
"""Seconds before work is tried again: at random up to twice as long each time, so that no two meet for ever."""
_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresStore:
    """The port `Store` on a PostgreSQL database, for one event loop.

    `on_queued` is called in the loop after each commit that queued a delivery; `on_commit` after each commit, with how
    often the work was done, and the seconds that it took.
    """

    def __init__(
        self,
        url: str,
        content: ContentStore,
        on_queued: Callable[[], None] = lambda: None,
        on_commit: Callable[[int, float], None] = lambda _tries, _seconds: None,
        *,
        connections: int = CONNECTIONS,
    ) -> None:
        self._repository = repository()
        self._content = content
        self._on_queued = on_queued
        self._on_commit = on_commit
        self._pool = open_pool(url, connections)
        self._threads = ThreadPoolExecutor(connections, "store")

    async def write(self, work: Callable[[Tx], R], *, long: bool = False) -> R:  # noqa: ARG002 - nothing is in its way
        begun = time.monotonic()
        result, aftermath, tries = await self._in_thread(self._write, work)
        self._on_commit(tries, time.monotonic() - begun)
        if aftermath.queued:
            self._on_queued()
        return result

    async def read(self, work: Callable[[Tx], R]) -> R:
        result: R = await self._in_thread(self._read, work)
        return result

    async def close(self) -> None:
        """Finish what was asked for, then let the connections go."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._pool.close)

    def _in_thread(self, call: Callable[..., R], *arguments: Any) -> "asyncio.Future[R]":
        return asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    def _read(self, work: Callable[[Tx], R]) -> R:
        return self._connected(lambda connection: look(connection, self._repository, work))

    def _write(self, work: Callable[[Tx], R]) -> tuple[R, Aftermath, int]:
        result, tx, tries = self._connected(
            lambda connection: transact(connection, self._repository, work, self._content.settle)
        )
        for content_id in tx.aftermath.discarded:
            with suppress(OSError):  # all is committed: nobody may hear of a failure; the next start sweeps
                self._content.discard(content_id)
        return result, tx.aftermath, tries

    def _connected(self, call: Callable[[psycopg.Connection], R]) -> R:
        """Do it on a connection; on another where that was cut before anything could have been committed."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with as_store_errors(), self._pool.connection() as connection:
                    return call(connection)
            except ConnectionCut:
                if time.monotonic() > until:
                    raise


class ConnectionCut(StoreBusy):
    """The connection has gone, and with it all that was begun on it; nothing was committed."""


def look(connection: psycopg.Connection, of: Repository, work: Callable[[Tx], R]) -> R:
    """Do the work on a snapshot. Raises psycopg.Error, ConnectionCut, and what the work raises."""
    try:
        connection.execute(_READ)
        return work(TableTx(of, connection))
    except psycopg.OperationalError as error:
        _see_whether_cut(connection, error)
        raise
    finally:
        _roll_back(connection)


def transact(
    connection: psycopg.Connection, of: Repository, work: Callable[[Tx], R], settle: Callable[[], None] = lambda: None
) -> tuple[R, TableTx, int]:
    """Do the work and commit it, again where others were in the way; its result, and how often it was done.

    `settle` is called just before each commit. Raises psycopg.Error, StoreBusy after some seconds of conflicts,
    ConnectionCut, and what the work raises.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE
    tries = 0
    while True:
        tries += 1
        tx = TableTx(of, connection)
        is_committing = False
        try:
            connection.execute(_WRITE)
            result = work(tx)
            settle()
            is_committing = True
            connection.execute("COMMIT")
        except CONFLICTS as conflict:
            _roll_back(connection)
            if time.monotonic() > until:
                raise StoreBusy(f"others' work was in the way {tries} times: {conflict}") from conflict
            time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
            pause = min(pause * 2, LONGEST_PAUSE)
        except psycopg.OperationalError as error:
            _roll_back(connection)
            if not is_committing:  # else nobody can know, and the caller is told that it was not done
                _see_whether_cut(connection, error)
            raise
        except BaseException:
            _roll_back(connection)
            raise
        else:
            return result, tx, tries


def _see_whether_cut(connection: psycopg.Connection, error: Exception) -> None:
    if connection.broken:
        raise ConnectionCut(str(error)) from error


def _roll_back(connection: psycopg.Connection) -> None:
    with suppress(psycopg.Error):  # what went wrong before is what counts
        connection.execute("ROLLBACK")


def read_once(url: str, work: Callable[[Tx], R]) -> R:
    """One look at a database. Raises StoreBusy, StoreFull, StoreDamaged."""
    with as_store_errors(), connect(url) as connection:
        return look(connection, repository(), work)


def write_once(url: str, work: Callable[[Tx], R]) -> R:
    """One transaction on a database. Raises StoreBusy, StoreFull, StoreDamaged."""
    with as_store_errors(), connect(url) as connection:
        return transact(connection, repository(), work)[0]


@cache
def repository() -> Repository:
    """The statements of all tables, written once."""
    return Repository(models(peewee.PostgresqlDatabase("gateway")), POSTGRES)
