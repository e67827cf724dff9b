"""Transactions on PostgreSQL: each caller's work in one of its own, in a thread, beside any number of others.

Every transaction is serializable: what a use case has read is still so when it commits, whichever gateway another one
runs in, as if they had come one after the other (SQLite's one writer does just that). Where that cannot be, PostgreSQL
ends one of them, and its work is done anew from the start. So work must be such that doing it again does no harm: it
changes nothing but rows. Whose work was undone queue, whichever gateway they are in: done again at the same time, they
would only undo each other once more.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar

import peewee
import psycopg
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from gateway.errors import StoreBusy
from gateway.ports import ContentStore, Tx
from gateway.store.dialects import POSTGRES
from gateway.store.models import models
from gateway.store.postgres.connections import CONFLICTS, PATIENCE_SECONDS, as_store_errors, connect, open_pool
from gateway.store.repository import Aftermath, Repository, TableTx

R = TypeVar("R")
Done = TypeVar("Done")

CONNECTIONS = 8
"""Of one gateway: with more, transactions only wait for each other and for the disk."""
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2
"""Seconds before work is tried again: at random up to twice as long each time, so that no two meet for ever."""
_TURN = 0x74_75_72_6E
"""The number of the lock that one of those holds whose work was undone, while it is done again."""
_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _NothingDone(StoreBusy):
    """Others' work was in the way, or the connection has gone: nothing was committed, and it may be tried again."""


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
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async for attempt in AsyncRetrying(**_again()):
            with attempt:
                tries = attempt.retry_state.attempt_number
                done: tuple[R, Aftermath] = await self._in_thread(partial(self._write, in_turn=tries > 1), work)
        result, aftermath = done
        self._on_commit(tries, loop.time() - begun)
        if aftermath.queued:
            self._on_queued()
        return result

    async def read(self, work: Callable[[Tx], R]) -> R:
        result: R = await AsyncRetrying(**_again())(self._in_thread, self._read, work)
        return result

    async def close(self) -> None:
        """Finish what was asked for, then let the connections go."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._pool.close)

    async def _in_thread(self, call: Callable[[Callable[[Tx], Any]], Done], work: Callable[[Tx], Any]) -> Done:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, work)

    def _read(self, work: Callable[[Tx], R]) -> R:
        with as_store_errors(), self._pool.connection() as connection:
            return look(connection, self._repository, work)

    def _write(self, work: Callable[[Tx], R], *, in_turn: bool) -> tuple[R, Aftermath]:
        with as_store_errors(), self._pool.connection() as connection:
            result, aftermath = transact(connection, self._repository, work, self._content.settle, in_turn=in_turn)
        aftermath.discard_from(self._content)
        return result, aftermath


def read_once(url: str, work: Callable[[Tx], R]) -> R:
    """One look at a database. Raises StoreBusy, StoreFull, StoreDamaged."""

    def attempt() -> R:
        with as_store_errors(), connect(url) as connection:
            return look(connection, repository(), work)

    return Retrying(**_again())(attempt)


def write_once(url: str, work: Callable[[Tx], R]) -> R:
    """One transaction on a database. Raises StoreBusy, StoreFull, StoreDamaged."""

    def attempt() -> R:
        with as_store_errors(), connect(url) as connection:
            return transact(connection, repository(), work)[0]

    return Retrying(**_again())(attempt)


def look(connection: psycopg.Connection, of: Repository, work: Callable[[Tx], R]) -> R:
    """Do the work on a snapshot. Raises psycopg.Error, StoreBusy, and what the work raises."""
    try:
        connection.execute(_READ)
        return work(TableTx(of, connection))
    except psycopg.OperationalError as error:
        if _is_undone(connection, error):
            raise _NothingDone(str(error)) from error
        raise
    finally:
        _roll_back(connection)


def transact(
    connection: psycopg.Connection,
    of: Repository,
    work: Callable[[Tx], R],
    settle: Callable[[], None] = lambda: None,
    *,
    in_turn: bool = False,
) -> tuple[R, Aftermath]:
    """Do the work and commit it; `settle` is called just before. `in_turn`: it was undone before. Raises as `look`."""
    tx = TableTx(of, connection)
    is_committing = False
    try:
        if in_turn:  # before it begins, so that it sees what those before it have written
            connection.execute("SELECT pg_advisory_lock(%s)", [_TURN])
        connection.execute(_WRITE)
        result = work(tx)
        settle()
        is_committing = True
        connection.execute("COMMIT")
    except psycopg.OperationalError as error:
        if _is_undone(connection, error) and not (is_committing and connection.broken):
            raise _NothingDone(str(error)) from error
        raise  # of a COMMIT that was cut off nobody knows whether it was done; the caller is told that it was not
    finally:
        _roll_back(connection)
        if in_turn:
            with suppress(psycopg.Error):  # a connection that has gone holds no lock
                connection.execute("SELECT pg_advisory_unlock_all()")
    return result, tx.aftermath


def _is_undone(connection: psycopg.Connection, error: Exception) -> bool:
    """Whether PostgreSQL has ended the transaction, or the connection has gone and all that was begun on it."""
    return connection.broken or isinstance(error, CONFLICTS)


def _roll_back(connection: psycopg.Connection) -> None:
    """End a transaction that is still open; what went wrong before is what counts."""
    if connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")


def _again() -> dict[str, Any]:
    """When work is tried again, and for how long."""
    return {
        "retry": retry_if_exception_type(_NothingDone),
        "wait": wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        "stop": stop_after_delay(PATIENCE_SECONDS),
        "reraise": True,
    }


@cache
def repository() -> Repository:
    """The statements of all tables, written once."""
    return Repository(models(peewee.PostgresqlDatabase("gateway")), POSTGRES)
