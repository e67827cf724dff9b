"""Transactions on SQLite: one writer thread that commits many callers' work at once, and readers beside it.

WAL with `synchronous=FULL`: a commit is on the disk when it returns. Each caller runs in a savepoint of its own, so
that an error of its own undoes its own work alone; an error of the disk fails all that share the commit.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import peewee

from gateway.errors import StoreBusy, StoreFull
from gateway.ports import ContentStore, Tx
from gateway.store.models import models
from gateway.store.repository import Aftermath, Repository, SqliteTx

R = TypeVar("R")

BUSY_SECONDS = 5
READERS = 2
BATCH = 256
STATEMENTS = 512
"""Compiled statements that each connection keeps: all shapes that there are."""
_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "foreign_keys": 1,
    "secure_delete": 1,
    "busy_timeout": BUSY_SECONDS * 1000,
}


def open_database(path: Path) -> peewee.SqliteDatabase:
    """The database at this path, every connection of it with the same pragmas."""
    return peewee.SqliteDatabase(str(path), pragmas=_PRAGMAS, timeout=BUSY_SECONDS, cached_statements=STATEMENTS)


def read_once(database: peewee.SqliteDatabase, work: Callable[[Tx], R]) -> R:
    """One look at a database that nobody serves from here. Raises StoreBusy."""
    try:
        with database.connection_context():
            return work(SqliteTx(Repository(models(database)), database.connection()))
    except _DATABASE_ERRORS as error:
        raise _store_error(error) from error


def write_once(database: peewee.SqliteDatabase, work: Callable[[Tx], R]) -> R:
    """One transaction on a database that nobody serves yet. Raises StoreBusy."""
    try:
        with database.connection_context(), database.atomic("IMMEDIATE"):
            return work(SqliteTx(Repository(models(database)), database.connection()))
    except _DATABASE_ERRORS as error:
        raise _store_error(error) from error


@dataclass(slots=True)
class _Job:
    work: Callable[[Tx], Any]
    done: "Future[Any]"
    aftermath: Aftermath | None = None
    result: Any = None


class SqliteStore:
    """The port `Store` on one SQLite file. `on_queued` is called, from the writer's thread, after each commit that
    queued a delivery; `watch` is entered around each commit, with the number of those who share it.
    """

    def __init__(
        self,
        database: peewee.SqliteDatabase,
        content: ContentStore,
        on_queued: Callable[[], None] = lambda: None,
        watch: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        self._database = database
        self._repository = Repository(models(database))
        self._content = content
        self._on_queued = on_queued
        self._watch = watch
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._writer = threading.Thread(target=self._write_forever, name="store-writer", daemon=True)
        self._writer.start()

    async def write(self, work: Callable[[Tx], R]) -> R:
        done: Future[R] = Future()
        self._jobs.put(_Job(work, done))
        return await asyncio.wrap_future(done)

    async def read(self, work: Callable[[Tx], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def close(self) -> None:
        """Finish what was asked for, then let the file go."""
        self._jobs.put(None)
        self._writer.join()
        # Each reader closes its own connection: a connection belongs to its thread.
        barrier = threading.Barrier(READERS)
        for closing in [self._readers.submit(self._close_reader, barrier) for _ in range(READERS)]:
            closing.result()
        self._readers.shutdown()

    def _close_reader(self, barrier: threading.Barrier) -> None:
        barrier.wait()
        self._database.close()

    def _read(self, work: Callable[[Tx], R]) -> R:
        try:
            connection = self._database.connection()
            connection.execute("BEGIN")
            try:
                return work(SqliteTx(self._repository, connection))
            finally:
                connection.execute("ROLLBACK")
        except _DATABASE_ERRORS as error:
            raise _store_error(error) from error

    def _write_forever(self) -> None:
        while True:
            jobs = self._next_jobs()
            if jobs:
                self._commit(jobs)
            else:
                self._database.close()
                return

    def _next_jobs(self) -> list[_Job]:
        """Wait for one caller, then take all who wait already; empty when the store is closing."""
        jobs: list[_Job] = []
        while len(jobs) < BATCH and (not jobs or not self._jobs.empty()):
            job = self._jobs.get()
            if job is None:
                if jobs:
                    self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with self._watch(len(jobs)):
                self._commit_all(jobs, self._database.connection())
        except Exception as error:  # the thread must outlive whatever a disk may do; every caller hears of it
            reason = _store_error(error)
            for job in jobs:
                if not job.done.done():
                    job.done.set_exception(reason)
            return
        self._after([job.aftermath for job in jobs if job.aftermath])
        for job in jobs:
            if job.aftermath:
                job.done.set_result(job.result)

    def _commit_all(self, jobs: list[_Job], connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for job in jobs:
                self._run(job, connection)
            self._content.settle()  # files that the rows name must be there as surely as the rows
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk may have rolled it back already
                connection.execute("ROLLBACK")
            raise

    def _run(self, job: _Job, connection: sqlite3.Connection) -> None:
        if not job.done.set_running_or_notify_cancel():
            return
        tx = SqliteTx(self._repository, connection)
        connection.execute("SAVEPOINT caller")
        try:
            job.result = job.work(tx)
            job.aftermath = tx.aftermath
        except sqlite3.OperationalError:
            raise  # the disk's, not the caller's: nobody's work may be committed
        except Exception as error:
            connection.execute("ROLLBACK TO caller")
            job.done.set_exception(error)
        connection.execute("RELEASE caller")

    def _after(self, aftermaths: list[Aftermath]) -> None:
        for content_id in (content_id for after in aftermaths for content_id in after.discarded):
            self._content.discard(content_id)
        if any(after.shredded for after in aftermaths):
            # A destroyed key must not live on in the log. Readers may hinder it; the next one tries again.
            self._database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        if any(after.queued for after in aftermaths):
            self._on_queued()


_DATABASE_ERRORS = (sqlite3.OperationalError, peewee.OperationalError)
"""Of a statement, and of opening a connection."""


def _store_error(error: BaseException) -> Exception:
    cause = error if isinstance(error, sqlite3.Error) else error.__cause__ or error.__context__ or error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM):
        return StoreFull(str(error))
    if isinstance(error, _DATABASE_ERRORS):
        return StoreBusy(str(error))
    return error if isinstance(error, Exception) else RuntimeError(str(error))
