"""Transactions on PostgreSQL: what they write goes out without waiting for each answer.

Every transaction is serializable: what a use case has read is still so when it commits, whichever gateway another one
runs in, as if they had come one after the other (SQLite's one writer does just that). Where that cannot be, PostgreSQL
ends one of them, and its work is done anew from the start. So work must be such that doing it again does no harm: it
changes nothing but rows.

An answer takes a round trip to the server. So the transaction is a pipeline (PostgreSQL's extended query protocol): a
statement that nobody waits for is sent, and the next one with it. For that a new row's number must be known before: the
numbers of its table are taken some at a time.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import psycopg

from gateway.domain.model_records import Audit
from gateway.errors import StoreBusy
from gateway.ports import Tx
from gateway.store.dialects import POSTGRES
from gateway.store.models import table_name
from gateway.store.postgres.connections import CONFLICTS, DATABASE_ERRORS, FULL, UNUSABLE, store_error
from gateway.store.repository import Aftermath, TableTx, repository
from gateway.store.statements import Statements

R = TypeVar("R")

_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
MOST_NUMBERS = 100
_TAKE = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"


class NothingDone(StoreBusy):
    """Others' work was in the way, or the connection has gone: nothing was committed, and it may be tried again."""


class Undecided(Exception):
    """A statement was refused, and nobody knows whose it was."""


@dataclass(slots=True)
class Job:
    """One caller's work, and what came of it: a result, or an error of its own."""

    work: Callable[[Tx], Any]
    result: Any = None
    error: Exception | None = None
    aftermath: Aftermath | None = None


class Numbers:
    """The numbers that new rows get: as many are asked for at the beginning as the last transaction needed.

    Those that are left over are not used later: newer rows have higher numbers, whichever gateway writes them.
    """

    def __init__(self) -> None:
        self._coming: dict[str, psycopg.Cursor] = {}
        self._free: dict[str, deque[int]] = {}
        self._used: Counter[str] = Counter()

    def begin(self, connection: psycopg.Connection) -> None:
        """A transaction has begun; its pipeline answers later."""
        self._free.clear()
        self._coming = {table: self._ask(connection, table, count) for table, count in self._used.items()}
        self._used.clear()

    def take(self, connection: psycopg.Connection, table: str) -> int:
        """The next number of a table. Raises psycopg.Error."""
        free = self._free.setdefault(table, deque())
        if not free:
            cursor = self._coming.pop(table, None) or self._ask(connection, table, 1)
            free.extend(number for (number,) in cursor)
        self._used[table] += 1
        return free.popleft()

    def _ask(self, connection: psycopg.Connection, table: str, count: int) -> psycopg.Cursor:
        return connection.execute(_TAKE, [table, min(count, MOST_NUMBERS)])


class PostgresTx(TableTx):
    """The port `Tx`. `check` must be called at the end: until then what was written may still turn out not to be."""

    def __init__(self, connection: psycopg.Connection, numbers: Numbers) -> None:
        super().__init__(repository(POSTGRES), connection)
        self._numbers = numbers
        self._updates: list[tuple[psycopg.Cursor, str]] = []

    def check(self) -> None:
        """Whether all that was sent was done, once it is answered. Raises LookupError."""
        for cursor, what in self._updates:
            super()._updated(cursor, what)
        self._updates.clear()

    def forget(self) -> None:
        """What was sent is undone."""
        self._updates.clear()

    def _added(self, table: type, statements: Statements, values: list[Any]) -> int:
        """The audit's rows get theirs as late as can be, so that few are missing when they are sealed; nobody asks."""
        connection = cast("psycopg.Connection", self._connection)
        if table is Audit:
            connection.execute(statements.insert_unnumbered, values[1:])
            return 0
        values[0] = self._numbers.take(connection, table_name(table))
        connection.execute(statements.insert, values)
        return cast("int", values[0])

    def _updated(self, done: Any, what: str) -> None:
        self._updates.append((done, what))


def look(connection: psycopg.Connection, work: Callable[[Tx], R]) -> R:
    """Do the work on a snapshot. Raises psycopg.Error, NothingDone, and what the work raises."""
    try:
        with connection.pipeline():
            connection.execute(_READ)
            result = work(PostgresTx(connection, Numbers()))
            connection.execute("ROLLBACK")
        return result
    except psycopg.Error as error:
        if _is_undone(connection, error):
            raise NothingDone(str(error)) from error
        raise
    finally:
        _roll_back(connection)


def commit(
    connection: psycopg.Connection,
    jobs: Iterable[Job],
    numbers: Numbers,
    settle: Callable[[], None] = lambda: None,
    *,
    is_careful: bool = True,
) -> None:
    """Do the work of all in one transaction, each undone alone where it fails; `settle` is called before the commit.

    If careful, it waits for the answers to each one's statements, so that it is known whose were refused. Otherwise
    that refuses all: raises Undecided, and they may be done again with care. Raises psycopg.Error for what fails all
    of them, NothingDone where others were in the way.
    """
    is_committing = False
    try:
        with connection.pipeline() as pipeline:
            connection.execute(_WRITE)
            numbers.begin(connection)
            done: list[PostgresTx] = []
            for job in jobs:
                tx = PostgresTx(connection, numbers)
                _run(connection, pipeline, job, tx, is_first=not done, is_careful=is_careful)
                done.append(tx)
            if not is_careful:
                pipeline.sync()
                for tx in done:
                    tx.check()
            settle()
            is_committing = True
            connection.execute("COMMIT")
    except (psycopg.Error, LookupError) as error:
        if _is_undone(connection, error) and not (is_committing and connection.broken):
            raise NothingDone(str(error)) from error
        if not is_committing and not isinstance(error, (*FULL, *DATABASE_ERRORS)):
            raise Undecided(str(error)) from error
        raise  # of a COMMIT that was cut off nobody knows whether it was done; the callers are told that it was not
    finally:
        _roll_back(connection)


def _run(
    connection: psycopg.Connection,
    pipeline: psycopg.Pipeline,
    job: Job,
    tx: PostgresTx,
    *,
    is_first: bool,
    is_careful: bool,
) -> None:
    """Before the first there is nothing that would have to be saved."""
    if not is_first:
        connection.execute("SAVEPOINT caller")
    job.result = job.error = job.aftermath = None
    try:
        job.result = job.work(tx)
        if is_careful:
            pipeline.sync()
            tx.check()
        job.aftermath = tx.aftermath
    except Exception as error:
        job.error = _own(error)
        try:
            pipeline.sync()
        except psycopg.Error as late:
            job.error = _own(late)
        tx.forget()
        connection.execute("ROLLBACK" if is_first else "ROLLBACK TO caller")
        if is_first:
            connection.execute(_WRITE)
    else:
        if not is_first:
            connection.execute("RELEASE caller")


def _own(error: Exception) -> Exception:
    """An error that is the caller's own. Raises what concerns all who share the transaction."""
    if isinstance(error, (*CONFLICTS, *FULL, *UNUSABLE, *DATABASE_ERRORS)):
        raise error
    return store_error(error)


def _is_undone(connection: psycopg.Connection, error: Exception) -> bool:
    """Whether PostgreSQL has ended the transaction, or the connection has gone and all that was begun on it."""
    if isinstance(error, UNUSABLE):
        connection.close()
    return connection.broken or connection.closed or isinstance(error, CONFLICTS)


def _roll_back(connection: psycopg.Connection) -> None:
    """End a transaction that is still open; what went wrong before is what counts."""
    if not connection.closed and connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
