"""Transactions on PostgreSQL: what they write goes out without waiting for each answer.

Every transaction is serializable: what a use case has read is still so when it commits, whichever gateway another one
runs in, as if they had come one after the other (SQLite's one writer does just that). Where that cannot be, PostgreSQL
ends one of them, and its work is done anew from the start. So work must be such that doing it again does no harm: it
changes nothing but rows.

An answer takes a round trip to the server. So the transaction is a pipeline (PostgreSQL's extended query protocol): a
statement that nobody waits for is sent, and the next one with it. For that a new row's number must be known before: the
numbers of its table are taken some at a time.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any, TypeVar, cast

import psycopg

from gateway.domain.model import Delivery, Sender
from gateway.domain.model_records import Audit, AuditBatch
from gateway.errors import StoreBusy
from gateway.ports import Tx
from gateway.store.dialects import POSTGRES
from gateway.store.known import BY_ADDRESS, Known
from gateway.store.models import table_name
from gateway.store.postgres.connections import CONFLICTS, DATABASE_ERRORS, FULL, OWN, UNUSABLE, store_error
from gateway.store.repository import Aftermath, TableTx, repository
from gateway.store.statements import Statements

R = TypeVar("R")

_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_TURN = 0x74_75_72_6E
"""The number of the lock that one of those holds, whichever gateway they are in, whose work was undone."""
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
MOST_NUMBERS = 100
FADING = 0.97
"""What is left of the expectation after a transaction that needed fewer."""
MOST_AHEAD = 1000
"""Addresses about which is read before anybody asks, and the rows of a table that are kept of it."""
_TAKE = (
    "SELECT name, nextval(pg_get_serial_sequence(name, 'id')) "
    "FROM unnest(%s::text[], %s::int8[]) AS wanted (name, count), generate_series(1, count)"
)


class NothingDone(StoreBusy):
    """Others' work was in the way, or the connection has gone: nothing was committed, and it may be tried again."""


class Undecided(Exception):
    """A statement was refused, and nobody knows whose it was."""


@dataclass(slots=True)
class Job:
    """One caller's work, and what came of it: a result, or an error of its own."""

    work: Callable[[Tx], Any]
    concerns: Collection[str] = ()
    result: Any = None
    error: Exception | None = None
    aftermath: Aftermath | None = None


class Numbers:
    """The numbers that new rows get: as many are asked for at the beginning as lately one transaction needed."""

    def __init__(self) -> None:
        self._coming: psycopg.Cursor | None = None
        self._free: defaultdict[str, deque[int]] = defaultdict(deque)
        self._used: Counter[str] = Counter()
        self._expected: dict[str, float] = {}

    def begin(self, connection: psycopg.Connection) -> None:
        """A transaction has begun; its pipeline answers later."""
        tables = self._expected.keys() | self._used.keys()
        self._expected = {table: max(self._used[table], FADING * self._expected.get(table, 0)) for table in tables}
        self._used.clear()
        wanted = {table: min(ceil(count), MOST_NUMBERS) for table, count in self._expected.items()}
        missing = {table: short for table, count in wanted.items() if (short := count - len(self._free[table])) > 0}
        self._coming = self._ask(connection, missing) if missing else None

    def forget(self) -> None:
        """Those that are left over are not used any more: newer rows have higher numbers, whoever writes them."""
        for known in (self._free, self._used, self._expected):
            known.clear()

    def take(self, connection: psycopg.Connection, table: str) -> int:
        """The next number of a table. Raises psycopg.Error."""
        self._arrive()
        if not self._free[table]:
            self._coming = self._ask(connection, {table: max(1, self._used[table])})
            self._arrive()
        self._used[table] += 1
        return self._free[table].popleft()

    def _arrive(self) -> None:
        """Wait for those that were asked for."""
        coming, self._coming = self._coming, None
        for table, number in coming or ():
            self._free[table].append(number)

    def _ask(self, connection: psycopg.Connection, wanted: Mapping[str, int]) -> psycopg.Cursor:
        return connection.execute(_TAKE, [list(wanted), list(wanted.values())])


class PostgresTx(TableTx):
    """The port `Tx`. `check` must be called at the end: until then what was written may still turn out not to be.

    If it is careful, it waits for what the database makes of each row, and can be undone alone. Otherwise it expects
    that a row which is added once is new, as nearly all are, and does not wait for the answer: `check` hears of it.
    """

    def __init__(
        self,
        connection: psycopg.Connection,
        numbers: Numbers,
        known: Known | None = None,
        *,
        is_careful: bool = False,
    ) -> None:
        super().__init__(repository(POSTGRES), connection, known)
        self.has_written = False
        self._is_careful = is_careful
        self._numbers = numbers
        self._updates: list[tuple[psycopg.Cursor, str]] = []

    def check(self) -> None:
        """Whether all that was sent was done, once it is answered. Raises LookupError."""
        for cursor, what in self._updates:
            super()._updated(cursor, what)
        self._updates.clear()

    def undo(self) -> None:
        """Nothing of it is done."""
        self._updates.clear()
        self._known.forget_all()
        if self.has_written:
            cast("psycopg.Connection", self._connection).prepare_threshold = None  # see `_end`
            self._connection.execute("ROLLBACK TO caller", [])

    def end(self) -> None:
        """It is done, so far as is known."""
        if self.has_written:
            self._connection.execute("RELEASE caller", [])

    def read_ahead(self, concerns: Iterable[str]) -> None:
        """Read all that is asked for by these addresses in one round trip, and in another one what their senders were
        told last. Raises psycopg.Error.
        """
        addresses = list(islice(concerns, MOST_AHEAD))
        asked, receipts = [], []
        for table in BY_ADDRESS if addresses else ():
            statements = self._of[table]
            shape, values = statements.conditions({"address__in": addresses})
            statement = statements.select(shape, "id", is_part=True)
            asked.append((table, self._connection.execute(statement, [*values, MOST_AHEAD, 0])))
        for table, cursor in asked:
            found = cursor.fetchall()
            rows = self._readable(table, found)
            if len(rows) == len(found) < MOST_AHEAD:
                self._known.keep_all_of(addresses, table, rows)
                receipts += [row.receipt_id for row in rows if isinstance(row, Sender) and row.receipt_id]
        if receipts:
            self._known.keep_rows(self.find(Delivery, id__in=receipts))

    def _is_added(self, table: type, statement: str, values: list[Any]) -> bool:
        if self._is_careful:
            return super()._is_added(table, statement, values)
        self._updated(self._connection.execute(statement, values), table.__name__)
        return True

    def _writes(self) -> None:
        if self._is_careful and not self.has_written:
            self._connection.execute("SAVEPOINT caller", [])
        self.has_written = True

    def _added(self, table: type, statements: Statements, values: list[Any]) -> int:
        """The audit's rows get theirs as late as can be, so that few are missing when they are sealed; nobody asks."""
        connection = cast("psycopg.Connection", self._connection)
        if table is AuditBatch:  # without a gap: the database counts them itself
            return int(self._all(statements.insert_numbered, values[1:])[0][0])
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
        with _pipeline(connection):
            connection.execute(_READ)
            try:
                return work(PostgresTx(connection, Numbers()))
            finally:
                connection.execute("COMMIT")
    except psycopg.Error as error:
        if _is_undone(connection, error):
            raise NothingDone(str(error)) from error
        raise
    finally:
        _end(connection)


def commit(
    connection: psycopg.Connection,
    jobs: Sequence[Job],
    numbers: Numbers,
    settle: Callable[[], None] = lambda: None,
    *,
    is_careful: bool = True,
    in_turn: bool = False,
) -> None:
    """Do the work of all in one transaction, each undone alone where it fails; `settle` is called before the commit.

    What was undone before is done `in_turn`: done again at the same time, those would only undo each other once more.
    If careful, each one's work is done in a savepoint, and its answers are waited for: what is refused is undone alone.
    Otherwise that refuses all: raises Undecided, and they may be done again with care. Raises psycopg.Error for what
    fails all of them, NothingDone where others were in the way.
    """
    is_committing = False
    try:
        with _pipeline(connection) as pipeline:
            if in_turn:  # before it begins, so that it sees what those before it have written
                connection.execute("SELECT pg_advisory_lock(%s)", [_TURN])
                pipeline.sync()
            connection.execute(_WRITE)
            numbers.begin(connection)
            known = Known()
            PostgresTx(connection, numbers, known).read_ahead({address for job in jobs for address in job.concerns})
            if is_careful:
                for job in jobs:
                    _run_with_care(pipeline, job, PostgresTx(connection, numbers, known, is_careful=True))
            else:
                done = [_run(job, PostgresTx(connection, numbers, known)) for job in jobs]
                pipeline.sync()
                for tx in done:
                    tx.check()
            settle()
            is_committing = True
            committed = connection.execute("COMMIT")
            if in_turn:
                connection.execute("SELECT pg_advisory_unlock(%s)", [_TURN])
        if committed.statusmessage != "COMMIT":  # a connection that is lost may leave a pipeline without an error
            raise psycopg.OperationalError("the commit was not confirmed")
    except (psycopg.Error, LookupError) as error:
        connection.prepare_threshold = None  # see `_end`, which lets go of the lock, too
        if _is_undone(connection, error) and not (is_committing and connection.broken):
            raise NothingDone(str(error)) from error
        if not is_committing and _is_own(error):
            raise Undecided(str(error)) from error
        raise  # of a COMMIT that was cut off nobody knows whether it was done; the callers are told that it was not
    finally:
        _end(connection)


def _run(job: Job, tx: PostgresTx) -> PostgresTx:
    """Raises Undecided where it fails after it has written, psycopg.Error."""
    job.result = job.error = job.aftermath = None
    try:
        job.result = job.work(tx)
        job.aftermath = tx.aftermath
    except psycopg.Error:
        raise  # it may be of what another one has sent
    except Exception as error:
        if tx.has_written:
            raise Undecided(str(error)) from error
        job.error = error
    return tx


def _run_with_care(pipeline: psycopg.Pipeline, job: Job, tx: PostgresTx) -> None:
    """Undone where it fails. Raises what concerns all who share the transaction."""
    job.result = job.error = job.aftermath = None
    try:
        job.result = job.work(tx)
        pipeline.sync()
        tx.check()
        tx.end()
        job.aftermath = tx.aftermath
    except Exception as error:
        job.error = _of_caller(error)
        try:
            pipeline.sync()
        except psycopg.errors.PipelineAborted:
            pass  # by what we have heard of
        except psycopg.Error as late:
            job.error = _of_caller(late)
        tx.undo()


@contextmanager
def _pipeline(connection: psycopg.Connection) -> Iterator[psycopg.Pipeline]:
    """A pipeline whose first error is the one that is heard of, and nothing is left in it."""
    with connection.pipeline() as pipeline:
        try:
            yield pipeline
        except BaseException:
            with suppress(psycopg.Error):
                pipeline.sync()
            raise


def _of_caller(error: Exception) -> Exception:
    """An error that is the caller's own. Raises what concerns all who share the transaction."""
    if not _is_own(error):
        raise error
    return store_error(error)


def _is_own(error: Exception) -> bool:
    """Whether it is of what one caller asked for, and of nobody else."""
    return isinstance(error, OWN) or not isinstance(error, (*CONFLICTS, *FULL, *UNUSABLE, *DATABASE_ERRORS))


def _is_undone(connection: psycopg.Connection, error: Exception) -> bool:
    """Whether PostgreSQL has ended the transaction, or the connection has gone and all that was begun on it."""
    if isinstance(error, UNUSABLE):
        connection.close()
    return connection.broken or connection.closed or isinstance(error, CONFLICTS)


def _end(connection: psycopg.Connection) -> None:
    """A connection on which something was rolled back is not used again: psycopg then takes all that it has prepared
    there for gone, and in a pipeline it may hear of that too late.
    """
    is_idle = connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
    if not is_idle or connection.prepare_threshold is None:
        connection.close()
