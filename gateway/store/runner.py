"""Transactions on SQLite: many callers' work in one commit, and readers beside it.

Each caller runs in a savepoint of its own, so that an error of its own undoes its own work alone; an error of the disk
fails all that share the commit.

The callers' work runs in the event loop's thread, in slices; only what waits (a BEGIN that is not free at once, COMMIT,
emptying the log) runs in a thread, while the next callers gather. A thread that ran the work would give up Python's
lock at each statement and wait up to 5 ms to have it back from a busy loop: beside one that is busy for 90 % of the
time, 20 callers had 41 to 76 mails a second taken in at a p99 of 1.5 s, and 280 to 360 at 0.3 to 0.5 s when the loop
did it itself. Work that is known to be long goes to the thread all the same (`long`), so the loop never stands still.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, local
from typing import Any, TypeVar

import peewee
import structlog

from gateway.errors import StoreBusy
from gateway.ports import ContentStore, Tx
from gateway.store.connections import (
    BUSY_SECONDS,
    DATABASE_ERRORS,
    LogConnection,
    Place,
    WriteConnection,
    as_store_errors,
    connect,
    store_error,
)
from gateway.store.dialects import SQLITE
from gateway.store.events import UNHEARD, StoreEvents
from gateway.store.repository import Aftermath, SqliteTx, repository

log = structlog.get_logger()

R = TypeVar("R")

READERS = 2
BATCH = 256
PATIENCE_SECONDS = BUSY_SECONDS + 1
"""How long callers wait for another process: a little longer than for SQLite's own lock."""
SLICE_SECONDS = 0.005
"""How long callers' work keeps the loop before others have their turn."""
GATHER_SECONDS = 0.02
"""How long work may join a commit that is under way."""
COPY_SECONDS = 0.5
"""How soon what was committed is copied from the log into the database, beside the callers."""
SHRED_SECONDS = 1.0
"""How soon a destroyed key leaves the disk: emptying the log costs two fsyncs, so not after each commit."""


def read_once(database: peewee.SqliteDatabase, work: Callable[[Tx], R]) -> R:
    """One look at a database that nobody serves from here. Raises StoreBusy, StoreFull, StoreDamaged."""
    with as_store_errors(), database.connection_context():
        return work(SqliteTx(repository(SQLITE), database.connection()))


def write_once(database: peewee.SqliteDatabase, work: Callable[[Tx], R]) -> R:
    """One transaction on a database that nobody serves yet. Raises StoreBusy, StoreFull, StoreDamaged."""
    with as_store_errors(), database.connection_context(), database.atomic("IMMEDIATE"):
        return work(SqliteTx(repository(SQLITE), database.connection()))


@dataclass(slots=True)
class _Job:
    work: Callable[[Tx], Any]
    done: "asyncio.Future[Any]"
    long: bool
    aftermath: Aftermath | None = None
    result: Any = None
    error: Exception | None = None


class SqliteStore:
    """The port `Store` on one SQLite file, for one event loop. `shared`: other processes write too."""

    def __init__(
        self,
        database: peewee.SqliteDatabase,
        content: ContentStore,
        events: StoreEvents = UNHEARD,
        *,
        shared: bool = False,
    ) -> None:
        self._path = database.database
        self._repository = repository(SQLITE)
        self._content = content
        self._events = events
        self._waiting: deque[_Job] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._place = Place(self._path)
        self._disk = WriteConnection(self._path, shared=shared)
        self._disk_thread = ThreadPoolExecutor(1, "store-disk")
        self._turn: Future[None] | None = None
        self._log = LogConnection(self._path)
        self._log_thread = ThreadPoolExecutor(1, "store-log")
        self._copying: asyncio.TimerHandle | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._must_forget = False
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._reader = local()

    # ------------------------------------------------------------------------------------------------------ callers

    async def write(
        self,
        work: Callable[[Tx], R],
        *,
        long: bool = False,
        concerns: Collection[str | bytes] = (),  # noqa: ARG002 - what is asked for is at hand
    ) -> R:
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(work, done, long))
        self._start()
        return await done

    async def read(self, work: Callable[[Tx], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Finish what was asked for, then let the file go."""
        if self._forgetting:
            self._forget_now()
        while self._writing:
            await asyncio.wait([self._writing])
        if self._turn:  # still waited for: whoever asked has given up
            self._turn.add_done_callback(lambda _: self._disk.rollback())
        if self._copying:
            self._copying.cancel()
        await asyncio.get_running_loop().run_in_executor(self._log_thread, self._log.close)
        self._log_thread.shutdown()
        await self._in_thread(self._disk.close)
        self._disk_thread.shutdown()
        barrier = Barrier(READERS)  # each reader closes its own connection
        loop = asyncio.get_running_loop()
        closing = [loop.run_in_executor(self._readers, self._close_reader, barrier) for _ in range(READERS)]
        await asyncio.gather(*closing)
        self._readers.shutdown()

    # ------------------------------------------------------------------------------------------------------ readers

    def _read(self, work: Callable[[Tx], R]) -> R:
        try:
            if not hasattr(self._reader, "connection"):
                self._reader.connection = connect(self._path)
            connection = self._reader.connection
            connection.execute("BEGIN")
            try:
                return work(SqliteTx(self._repository, connection))
            finally:
                connection.execute("ROLLBACK")
        except DATABASE_ERRORS as error:
            raise store_error(error) from error

    def _close_reader(self, barrier: Barrier) -> None:
        barrier.wait()
        if hasattr(self._reader, "connection"):
            self._reader.connection.close()

    # ------------------------------------------------------------------------------------------------------- writer

    def _start(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())

    async def _write_waiting(self) -> None:
        """Commit after commit, for as long as anybody waits."""
        try:
            while self._waiting or self._must_forget:
                if self._must_forget:
                    await self._forget()
                if self._waiting:
                    await self._commit()
        finally:
            self._writing = None

    async def _commit(self) -> None:
        jobs: list[_Job] = []
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await self._begin()
            try:
                await self._run_all(jobs)
                await self._in_thread(self._make_durable, jobs)
            except BaseException:
                await self._in_thread(self._disk.rollback)
                raise
        except Exception as error:  # whatever a disk may do, the next ones are served; every caller hears of it
            self._fail(jobs or self._take_all(), store_error(error))
            return
        self._events.committed(len(jobs), loop.time() - started)
        self._after(jobs)

    async def _begin(self) -> None:
        """Wait for our turn among the processes, but no longer than callers should. Raises StoreBusy, StoreGone."""
        self._place.check()  # before anything is opened: SQLite would make a file where there is none
        if self._turn is None and self._disk.begin_at_once():
            return
        if self._turn is None:  # else still waited for: the callers before gave up
            self._turn = self._disk_thread.submit(self._disk.begin)
        turn = asyncio.wrap_future(self._turn)
        done, _ = await asyncio.wait([turn], timeout=PATIENCE_SECONDS)
        if not done:
            raise StoreBusy("another process keeps the database")
        self._turn = None
        turn.result()

    async def _run_all(self, jobs: list[_Job]) -> None:
        """Run those who wait, and those who come while it takes no longer than they should."""
        loop = asyncio.get_running_loop()
        started = sliced = loop.time()
        while self._waiting and len(jobs) < BATCH and loop.time() - started < GATHER_SECONDS:
            job = self._waiting.popleft()
            if job.done.cancelled():
                continue
            jobs.append(job)
            if job.long:
                await self._in_thread(self._run, job)
            else:
                self._run(job)
            if loop.time() - sliced > SLICE_SECONDS:
                await asyncio.sleep(0)
                sliced = loop.time()

    def _run(self, job: _Job) -> None:
        connection = self._disk.connection
        tx = SqliteTx(self._repository, connection)
        connection.execute("SAVEPOINT caller")
        try:
            job.result = job.work(tx)
            job.aftermath = tx.aftermath
        except DATABASE_ERRORS:
            raise  # the disk's, not the caller's: nobody's work may be committed
        except Exception as error:
            connection.execute("ROLLBACK TO caller")
            job.error = error
        connection.execute("RELEASE caller")

    def _take_all(self) -> list[_Job]:
        jobs = list(self._waiting)
        self._waiting.clear()
        return jobs

    # ----------------------------------------------------------------------------------------------------- after it

    def _make_durable(self, jobs: list[_Job]) -> None:
        self._place.check()  # once more: work may have joined a commit that began before the file went
        self._content.settle()  # files that the rows name must be there as surely as the rows
        self._disk.commit()
        for job in jobs:
            if job.aftermath:
                job.aftermath.discard_from(self._content)

    def _after(self, jobs: list[_Job]) -> None:
        """Tell the callers, and do what their work asked for."""
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(job.error) if job.error else job.done.set_result(job.result)
        aftermaths = [job.aftermath for job in jobs if job.aftermath]
        if self._copying is None:
            self._copying = asyncio.get_running_loop().call_later(COPY_SECONDS, self._copy)
        if any(after.shredded for after in aftermaths):
            self._forget_soon()
        if any(after.queued for after in aftermaths):
            self._events.queued()

    def _copy(self) -> "asyncio.Future[None]":
        if self._copying:
            self._copying.cancel()
        self._copying = None
        return asyncio.get_running_loop().run_in_executor(self._log_thread, self._log.copy)

    def _fail(self, jobs: list[_Job], reason: Exception) -> None:
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(reason)

    def _forget_soon(self) -> None:
        if self._forgetting is None:
            self._forgetting = asyncio.get_running_loop().call_later(SHRED_SECONDS, self._forget_now)

    def _forget_now(self) -> None:
        if self._forgetting:
            self._forgetting.cancel()
        self._forgetting, self._must_forget = None, True
        self._start()

    async def _forget(self) -> None:
        """A destroyed key must not live on in the log; where readers hinder it, the next time."""
        self._must_forget = False
        if self._turn:  # our turn to write is still waited for, and may have come: it is used first
            self._forget_soon()
            return
        try:
            await self._copy()  # so that callers wait for little more than what has changed meanwhile
            forgotten = await self._in_thread(self._disk.forget)
        except DATABASE_ERRORS as error:
            log.warning("the database's log cannot be emptied; trying again", error=str(error))
            forgotten = False
        if not forgotten:
            self._forget_soon()

    def _in_thread(self, work: Callable[..., R], *args: Any) -> "asyncio.Future[R]":
        return asyncio.get_running_loop().run_in_executor(self._disk_thread, work, *args)
