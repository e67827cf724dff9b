"""Connections to PostgreSQL: what each one sets, what its errors mean to callers, and the pool that they wait in."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper
from psycopg_pool import ConnectionPool, PoolTimeout

from gateway.errors import StoreBusy, StoreDamaged, StoreFull

STATEMENTS = 512
"""Prepared statements that each connection keeps: all shapes that there are."""
PATIENCE_SECONDS = 6.0
"""How long callers wait for a connection, or for the work of others to let theirs through."""
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "application_name": "secure-mail-gateway",
        "client_encoding": "utf8",
        "options": " ".join(
            (
                "-c synchronous_commit=on",  # a commit is on the disk when it returns, however the server is set
                "-c lock_timeout=5s",
                "-c idle_in_transaction_session_timeout=60s",  # a gateway that hangs lets others go on
                "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",  # one that is gone
                # whoever has looked through a whole table is in the way of everybody who adds to it (SSI), and of a
                # small table that is what planners choose
                "-c enable_seqscan=off",
            )
        ),
        "connect_timeout": "5",
        "keepalives_idle": "10",  # seconds: a server whose machine has gone is noticed
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "25000",  # milliseconds
    }
)
"""What a connection asks for where the URL does not (libpq's names)."""
FULL = (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory, psycopg.errors.IoError)
_DAMAGED = (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted)
CONFLICTS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
"""What comes of others' work at the same time: the same work may succeed when it is tried again."""
OWN = (psycopg.errors.ObjectNotInPrerequisiteState,)
"""What our own triggers say where a caller may try again: the pieces of its content are not there."""
UNUSABLE = (
    psycopg.errors.ReadOnlySqlTransaction,  # another server is the primary by now
    psycopg.errors.InvalidSqlStatementName,  # the driver takes for prepared what is not, as after a broken pipeline
    psycopg.errors.PipelineAborted,  # by something of which the driver has not told us
)
"""What ends a connection, and nothing else."""
DATABASE_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, PoolTimeout)
"""Of the server or of others' work, not of what a caller asked."""


def held_text(text: str) -> str:
    """Text as PostgreSQL can hold it: NUL, which a stranger may write anywhere, is U+FFFD."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text


class _Text(StrDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(held_text(obj))


def connect(url: str) -> psycopg.Connection:
    """One connection that begins no transaction by itself. Raises StoreBusy."""
    with as_store_errors():
        connection = psycopg.connect(url, autocommit=True, **_parameters(url))
        prepare(connection)
        return connection


def open_pool(url: str, size: int, configure: Callable[[psycopg.Connection], None] | None = None) -> ConnectionPool:
    """A pool of so many connections, which are made when they are needed; one that has died is made anew."""
    return ConnectionPool(
        url,
        min_size=0,
        max_size=size,
        kwargs={"autocommit": True, **_parameters(url)},
        configure=configure or prepare,
        timeout=PATIENCE_SECONDS,
        reconnect_timeout=PATIENCE_SECONDS,
        name="gateway",
        open=True,
    )


def prepare(connection: psycopg.Connection) -> None:
    """Have text go over as this database can hold it, and numbers all alike: each statement is prepared once."""
    connection.adapters.register_dumper(str, _Text)
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.prepared_max = STATEMENTS


def _parameters(url: str) -> dict[str, Any]:
    said = psycopg.conninfo.conninfo_to_dict(url)
    wanted = {name: value for name, value in SETTINGS.items() if name not in said}
    if "target_session_attrs" not in said:
        wanted["target_session_attrs"] = "read-write"  # of several hosts, the one that takes what is written
    return wanted


def store_error(error: BaseException) -> Exception:
    """What callers hear of an error that was not theirs."""
    if isinstance(error, FULL):
        return StoreFull(_line(error))
    if isinstance(error, _DAMAGED):
        return StoreDamaged(_line(error))
    if isinstance(error, DATABASE_ERRORS):
        return StoreBusy(_line(error))
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


@contextlib.contextmanager
def as_store_errors() -> Iterator[None]:
    """Raises StoreBusy, StoreFull or StoreDamaged for what a server may raise of itself."""
    try:
        yield
    except (*DATABASE_ERRORS, *_DAMAGED) as error:
        raise store_error(error) from error
