"""Transactions on PostgreSQL: each caller's work in one of its own, in a thread, beside any number of others.

Every transaction is serializable: what a use case has read is still so when it commits, whichever gateway another one
runs in, as if they had come one after the other (SQLite's one writer does just that). Where that cannot be, PostgreSQL
ends one of them, and its work is done anew from the start. So work must be such that doing it again does no harm: it
changes nothing but rows.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from gateway.errors import StoreBusy
from gateway.ports import ContentStore, Tx
from gateway.store.dialects import POSTGRES
from gateway.store.events import UNHEARD, StoreEvents
from gateway.store.postgres.bell import Bell, tell
from gateway.store.postgres.connections import CONFLICTS, PATIENCE_SECONDS, as_store_errors, connect, open_pool
from gateway.store.repository import Aftermath, Repository, TableTx, repository

R = TypeVar("R")

CONNECTIONS = 8
"""Of one gateway: with more, transactions only wait for each other and for the disk."""
TELL_SECONDS = 0.05
"""How soon other gateways hear of queued mail."""
SILENCE_SECONDS = 3 * PATIENCE_SECONDS
"""How long callers wait for a server that does not even refuse."""
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2
"""Seconds before work is tried again: at random up to twice as long each time, so that no two meet for ever."""
_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _NothingDone(StoreBusy):
    """Others' work was in the way, or the connection has gone: nothing was committed, and it may be tried again."""


class PostgresStore:
    """The port `Store` on a PostgreSQL database, for one event loop. Other processes have other names."""

    def __init__(
        self,
        url: str,
        content: ContentStore,
        events: StoreEvents = UNHEARD,
        *,
        name: str = "",
        connections: int = CONNECTIONS,
    ) -> None:
        self._repository = repository(POSTGRES)
        self._content = content
        self._events = events
        self._name = name or secrets.token_hex(8)
        self._pool = open_pool(url, connections)
        self._threads = ThreadPoolExecutor(connections, "store")
        self._telling: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()

        def ring() -> None:
            loop.call_soon_threadsafe(events.queued)

        self._bell = Bell(url, self._name, ring)
        self._bell.open()

    async def write(self, work: Callable[[Tx], R], *, long: bool = False) -> R:  # noqa: ARG002 - nothing is in its way
        loop = asyncio.get_running_loop()
        begun = loop.time()
        trying = AsyncRetrying(**_again())
        done: tuple[R, Aftermath] = await trying(self._in_thread, self._write, work)
        result, aftermath = done
        self._events.committed(trying.statistics["attempt_number"], loop.time() - begun)
        if aftermath.queued:
            self._events.queued()
            self._telling = self._telling or loop.call_later(TELL_SECONDS, self._tell)
        return result

    async def read(self, work: Callable[[Tx], R]) -> R:
        result: R = await AsyncRetrying(**_again())(self._in_thread, self._read, work)
        return result

    async def close(self) -> None:
        """Finish what was asked for, then let the connections go."""
        if self._telling:
            self._telling.cancel()
        await asyncio.to_thread(self._bell.close)
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._pool.close)

    async def _in_thread(self, call: Callable[[Callable[[Tx], Any]], R], work: Callable[[Tx], Any]) -> R:
        """A server that says nothing at all holds up its thread, until its connection is found to be dead; no caller
        waits for that. Should it commit after all, what it was is known when it is tried again, as after any 451.
        """
        running = asyncio.get_running_loop().run_in_executor(self._threads, call, work)
        try:
            return await asyncio.wait_for(asyncio.shield(running), SILENCE_SECONDS)
        except TimeoutError:
            running.add_done_callback(_forgotten)
            raise StoreBusy("the database does not answer") from None

    def _tell(self) -> None:
        """Tell the other gateways, once for all that was queued since the last time."""
        self._telling = None
        self._threads.submit(self._tell_others)

    def _tell_others(self) -> None:
        with suppress(psycopg.Error, PoolTimeout), self._pool.connection() as connection:  # they look each second, too
            tell(connection, self._name)

    def _read(self, work: Callable[[Tx], R]) -> R:
        with as_store_errors(), self._pool.connection() as connection:
            return look(connection, self._repository, work)

    def _write(self, work: Callable[[Tx], R]) -> tuple[R, Aftermath]:
        with as_store_errors(), self._pool.connection() as connection:
            result, aftermath = transact(connection, self._repository, work, self._content.settle)
        aftermath.discard_from(self._content)
        return result, aftermath


def read_once(url: str, work: Callable[[Tx], R]) -> R:
    """One look at a database. Raises StoreBusy, StoreFull, StoreDamaged."""

    def attempt() -> R:
        with as_store_errors(), connect(url) as connection:
            return look(connection, repository(POSTGRES), work)

    return Retrying(**_again())(attempt)


def write_once(url: str, work: Callable[[Tx], R], content: ContentStore | None = None) -> R:
    """One transaction on a database; contents that are gone are removed from their home, if one is given.

    Raises StoreBusy, StoreFull, StoreDamaged.
    """

    def attempt() -> tuple[R, Aftermath]:
        with as_store_errors(), connect(url) as connection:
            return transact(connection, repository(POSTGRES), work)

    result, aftermath = Retrying(**_again())(attempt)
    if content:
        aftermath.discard_from(content)
    return result


def look(connection: psycopg.Connection, of: Repository, work: Callable[[Tx], R]) -> R:
    """Do the work on a snapshot. Raises psycopg.Error, StoreBusy, and what the work raises."""
    try:
        connection.execute(_READ)
        return work(TableTx(of, connection))
    except psycopg.Error as error:
        if _is_undone(connection, error):
            raise _NothingDone(str(error)) from error
        raise
    finally:
        _roll_back(connection)


def transact(
    connection: psycopg.Connection, of: Repository, work: Callable[[Tx], R], settle: Callable[[], None] = lambda: None
) -> tuple[R, Aftermath]:
    """Do the work and commit it; `settle` is called just before. Raises as `look`."""
    tx = TableTx(of, connection)
    is_committing = False
    try:
        connection.execute(_WRITE)
        result = work(tx)
        settle()
        is_committing = True
        connection.execute("COMMIT")
    except psycopg.Error as error:
        if _is_undone(connection, error) and not (is_committing and connection.broken):
            raise _NothingDone(str(error)) from error
        raise  # of a COMMIT that was cut off nobody knows whether it was done; the caller is told that it was not
    finally:
        _roll_back(connection)
    return result, tx.aftermath


def _is_undone(connection: psycopg.Connection, error: Exception) -> bool:
    """Whether PostgreSQL has ended the transaction, or the connection has gone and all that was begun on it."""
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):  # another server is the primary by now
        connection.close()
    return connection.broken or connection.closed or isinstance(error, CONFLICTS)


def _forgotten(running: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more: its error is no news."""
    if not running.cancelled():
        running.exception()


def _roll_back(connection: psycopg.Connection) -> None:
    """End a transaction that is still open; what went wrong before is what counts."""
    if not connection.closed and connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
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
