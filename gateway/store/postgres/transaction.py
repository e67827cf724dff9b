"""Transactions on PostgreSQL: what they write goes out without waiting for each answer.

Every transaction is serializable: what a use case has read is still so when it commits, whichever gateway another one
runs in, as if they had come one after the other (SQLite's one writer does just that). Where that cannot be, PostgreSQL
ends one of them, and its work is done anew from the start. So work must be such that doing it again does no harm: it
changes nothing but rows. Nor may it go on after an error of the port, which may be that of another caller's statement.

An answer takes a round trip to the server, and a statement its time on both sides. So the transaction is a pipeline
(PostgreSQL's extended query protocol), in which nobody waits for what nobody asks; what callers will ask about is read
for all of them before, and what they write goes at the end, rows of a table together.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar, cast

import psycopg

from gateway.domain.model import Content, Delivery, Fingerprint, Sender
from gateway.domain.model_records import Audit, AuditBatch
from gateway.errors import StoreBusy
from gateway.ports import Tx
from gateway.store.dialects import POSTGRES
from gateway.store.known import BY_ADDRESS, Known
from gateway.store.models import table_name
from gateway.store.postgres.connections import CONFLICTS, DATABASE_ERRORS, FULL, OWN, UNUSABLE, store_error
from gateway.store.postgres.numbering import Numbers
from gateway.store.postgres.unsent import Unsent
from gateway.store.repository import Aftermath, TableTx, repository
from gateway.store.statements import Insert

R = TypeVar("R")

_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
_TURN = 0x74_75_72_6E
"""The number of the lock that one of those holds, whichever gateway they are in, whose work was undone."""
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
MOST_AHEAD = 1000
"""Addresses and fingerprints about which is read before anybody asks."""


class NothingDone(StoreBusy):
    """Others' work was in the way, or the connection has gone: nothing was committed, and it may be tried again."""


class Undecided(Exception):
    """A statement was refused, and nobody knows whose it was."""


@dataclass(slots=True)
class Job:
    """One caller's work, and what came of it: a result, or an error of its own."""

    work: Callable[[Tx], Any]
    concerns: Collection[str | bytes] = ()
    result: Any = None
    error: Exception | None = None
    aftermath: Aftermath | None = None


class Shared:
    """What those who share a transaction have in common."""

    def __init__(self, connection: psycopg.Connection, numbers: Numbers) -> None:
        self.connection = connection
        self.numbers = numbers
        self.known = Known()
        self.unsent = Unsent(repository(POSTGRES))

    def send(self) -> None:
        """Send what was written. Raises psycopg.Error."""
        self.unsent.send(self.connection)


class PostgresTx(TableTx):
    """The port `Tx`: until `Unsent.check` was called at the end, what was written may still turn out not to be.

    If it is careful, it sends each row at once, waits for what the database makes of it, and can be undone alone.
    Otherwise it expects that a row which is added once is new, as nearly all are.
    """

    def __init__(self, shared: Shared, *, is_careful: bool = False) -> None:
        super().__init__(repository(POSTGRES), shared.connection, shared.known)
        self.has_written = False
        self._shared = shared
        self._is_careful = is_careful

    def begin(self) -> None:
        """What comes now can be undone. A question can be refused as well, which ends a transaction."""
        self._connection.execute("SAVEPOINT caller", [])

    def undo(self) -> None:
        """Nothing of it is done."""
        self._shared.known.forget_all()
        self._shared.unsent.forget()
        self._shared.connection.prepare_threshold = None  # see `_end`
        self._connection.execute("ROLLBACK TO caller", [])

    def end(self) -> None:
        """It is done, so far as is known."""
        self._connection.execute("RELEASE caller", [])

    def read_ahead(self, concerns: Iterable[str | bytes]) -> None:
        """Read all that is asked for by these addresses, and which of these fingerprints there are, in one round trip,
        and in another one what senders were told last. Raises psycopg.Error.
        """
        some = list(islice(concerns, MOST_AHEAD))
        addresses = [one for one in some if isinstance(one, str)]
        fingerprints = [one for one in some if isinstance(one, bytes)]
        seen = self._sent(Fingerprint, fingerprint__in=fingerprints) if fingerprints else None
        asked = [(table, self._sent(table, address__in=addresses)) for table in (BY_ADDRESS if addresses else ())]
        receipts: list[int] = []
        if seen:
            self._known.keep_there(self._readable(Fingerprint, seen.fetchall()))
        for table, cursor in asked:
            found = cursor.fetchall()
            rows = self._readable(table, found)
            if len(rows) == len(found):
                self._known.keep_all_of(addresses, table, rows)
                receipts += [row.receipt_id for row in rows if isinstance(row, Sender) and row.receipt_id]
        if receipts:
            self._known.keep_rows(self.find(Delivery, id__in=receipts))

    def _sent(self, table: type, **where: Any) -> psycopg.Cursor:
        """A question for all rows that meet this, whose answer comes later."""
        shape, values = self._of[table].conditions(where)
        return self._shared.connection.execute(self._of[table].select(shape, "id", is_part=False), values)

    def _writes(self) -> None:
        self.has_written = True

    def _added(self, table: type, values: list[Any]) -> int | str:
        """The audit's rows get theirs as late as can be, so that few are missing when they are sealed; nobody asks."""
        if table is AuditBatch:  # without a gap: the database counts them itself
            return int(self._all(self._of[table].insert(Insert.ANSWERED), values[1:])[0][0])
        if table is Audit:
            self._add(table, Insert.UNNUMBERED, values[1:])
            return 0
        if table is not Content:
            values[0] = self._shared.numbers.take(self._shared.connection, table_name(table))
        self._add(table, Insert.WHOLE, values)
        return cast("int | str", values[0])

    def _is_added(self, table: type, values: list[Any]) -> bool:
        if self._is_careful:
            return super()._is_added(table, values)
        self._add(table, Insert.ONCE, values)
        return True

    def _add(self, table: type, how: Insert, values: list[Any]) -> None:
        self._shared.unsent.add(table, how, values)
        if self._is_careful:
            self._shared.send()

    def _change(self, table: type, row_id: int | str, values: list[Any]) -> None:
        self._shared.unsent.change(table, row_id, values)
        if self._is_careful:
            self._shared.send()

    def _all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        self._shared.send()
        return super()._all(statement, values)


def look(connection: psycopg.Connection, work: Callable[[Tx], R]) -> R:
    """Do the work on a snapshot. Raises psycopg.Error, NothingDone, and what the work raises."""
    try:
        with _pipeline(connection):
            connection.execute(_READ)
            shared = Shared(connection, Numbers())
            try:
                found = work(PostgresTx(shared))
                shared.send()  # which the server refuses: nothing is written here
                return found
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
            # before it begins, so that it sees what those before it have written
            in_turn = in_turn and _has_turn(connection, pipeline)
            connection.execute(_WRITE)
            numbers.begin(connection)
            shared = Shared(connection, numbers)
            if not is_careful:
                PostgresTx(shared).read_ahead({address for job in jobs for address in job.concerns})
            for job in jobs:
                _run_with_care(pipeline, job, shared) if is_careful else _run(job, shared)
            shared.send()
            pipeline.sync()
            shared.unsent.check()
            settle()
            is_committing = True
            committed = connection.execute("COMMIT")
            if in_turn:
                connection.execute("SELECT pg_advisory_unlock(%s)", [_TURN])
        if committed.statusmessage != "COMMIT":  # a connection that is lost may leave a pipeline without an error
            raise psycopg.OperationalError("the commit was not confirmed")
    except (psycopg.Error, LookupError, UnicodeError) as error:
        connection.prepare_threshold = None  # see `_end`, which lets go of the lock, too
        numbers.forget()  # a server that has taken over may not know that they were given out
        if _is_undone(connection, error) and not (is_committing and connection.broken):
            raise NothingDone(str(error)) from error
        if not is_careful and not is_committing and _is_own(error):
            raise Undecided(str(error)) from error
        raise  # of a COMMIT that was cut off nobody knows whether it was done; the callers are told that it was not
    finally:
        _end(connection)


def _has_turn(connection: psycopg.Connection, pipeline: psycopg.Pipeline) -> bool:
    """Wait for it as long as for any lock. Work that takes longer may have it: then it has to be tried without."""
    connection.execute("SELECT pg_advisory_lock(%s)", [_TURN])
    try:
        pipeline.sync()
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _run(job: Job, shared: Shared) -> None:
    """Raises Undecided where it fails after it has written, psycopg.Error."""
    tx = PostgresTx(shared)
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


def _run_with_care(pipeline: psycopg.Pipeline, job: Job, shared: Shared) -> None:
    """Undone where it fails. Raises what concerns all who share the transaction."""
    tx = PostgresTx(shared, is_careful=True)
    job.result = job.error = job.aftermath = None
    try:
        tx.begin()
        job.result = job.work(tx)
        pipeline.sync()
        shared.unsent.check()
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
