"""Where everything is kept, whichever database that is: opened, migrated, looked at, and what is served from.

This is the one place that knows of both kinds. Whoever gets a `Database` need not ask which it is, but for `nodes`:
whether other gateways may serve from it at the same time.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

import peewee

from gateway.errors import ConfigError
from gateway.ports import ContentStore, Store, Tx
from gateway.store import connections, migrations, runner
from gateway.store.content import SealedContent, SpooledContent
from gateway.store.events import StoreEvents
from gateway.store.snapshot import wipe_left
from gateway.store.transactions import SqliteTransactions

if TYPE_CHECKING:
    from gateway.store.postgres.content import Objects

R = TypeVar("R")


class OpenStore(Store, Protocol):
    """What is served from."""

    async def close(self) -> None:
        """Finish what was asked for, then let the database go."""
        ...


class Transactions(Protocol):
    """One transaction after the other, beside gateways that may serve."""

    leaves_gaps: ClassVar[bool]
    """Whether rows of the audit may be numbered with gaps: a number of work that was undone is not given again."""

    def read(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreDamaged."""
        ...

    def write(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreFull, StoreDamaged, and what the work raises."""
        ...

    def missing_triggers(self) -> Sequence[str]:
        """The triggers of our schema that are not there, or say something else. Raises StoreBusy, StoreDamaged."""
        ...

    def last_number(self, table: str) -> int:
        """The highest number that a row of this table has ever had. Raises StoreBusy, StoreDamaged."""
        ...


class Database(Protocol):
    """One database. Everything here raises StoreBusy, StoreFull or StoreDamaged where it cannot be reached or read."""

    nodes: ClassVar[bool]
    """Whether any number of gateways may serve from it."""

    @property
    def name(self) -> str:
        """As people are told of it: nothing secret is in it."""
        ...

    def is_there(self) -> bool:
        """Whether there is a database that has a schema; a server that does not answer is no answer: StoreBusy."""
        ...

    def schema(self) -> int:
        """The version of its schema, 0 for none."""
        ...

    def pending(self) -> Sequence[tuple[int, str]]:
        """What `migrate` would apply: each script's number, and its first words. Raises ConfigError as that does."""
        ...

    def prepare(self) -> None:
        """Make it ready to be served from. Raises as `migrate`."""
        ...

    def migrate(self) -> Sequence[int]:
        """Bring the schema up to date; the numbers that were applied. Raises ConfigError for one newer than ours."""
        ...

    def damage(self) -> str:
        """The first thing that the database itself finds wrong; "" for nothing."""
        ...

    def octets(self) -> int:
        """What it takes on the disk."""
        ...

    def log_octets(self) -> int:
        """What of its log lies beside it."""
        ...

    def read_once(self, work: Callable[[Tx], R]) -> R:
        """One look."""
        ...

    def write_once(self, work: Callable[[Tx], R]) -> R:
        """One transaction."""
        ...

    def transactions(self, content: ContentStore) -> AbstractContextManager[Transactions]:
        """Several, beside gateways that may serve."""
        ...

    def content(self, objects: "Objects | None", above: int) -> SealedContent:
        """The home of what is too large for its row; what is larger than `above` octets may go to an object store."""
        ...

    def store(self, content: ContentStore, name: str, events: StoreEvents, *, alone: bool) -> OpenStore:
        """What one event loop serves from, under a name of its own. `alone`: no other process writes."""
        ...


def server_at(url: str, password: str, connections: int) -> Database:
    """The PostgreSQL database of this URL, for so many connections of each process. Raises ConfigError."""
    try:
        from gateway.store.postgres.server import PostgresServer  # noqa: PLC0415 - an extra that few need
    except ImportError as error:
        raise ConfigError(
            "database.url: PostgreSQL needs packages that are not installed; "
            'write what has them: pip install "secure-mail-gateway[postgresql]"'
        ) from error
    return PostgresServer.of(url, password, connections)


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file, and the folder of large content beside it: for the gateway of one machine."""

    path: Path
    spool: Path
    nodes: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def _opening(self) -> peewee.SqliteDatabase:
        return connections.open_database(self.path)

    def is_there(self) -> bool:
        return self.path.exists() and self.path.stat().st_size > 0

    def schema(self) -> int:
        return connections.schema_of(self._opening)

    def pending(self) -> Sequence[tuple[int, str]]:
        return migrations.pending(self._opening)

    def prepare(self) -> None:
        """Nobody else serves: what an interrupted run has left beside the file goes."""
        wipe_left(self.path)
        self.migrate()
        connections.make_shrinkable(self._opening)

    def migrate(self) -> Sequence[int]:
        return migrations.migrate(self._opening)

    def damage(self) -> str:
        return connections.damage_of(self._opening)

    def octets(self) -> int:
        return self.path.stat().st_size

    def log_octets(self) -> int:
        log = self.path.with_name(f"{self.path.name}-wal")
        return log.stat().st_size if log.exists() else 0

    def read_once(self, work: Callable[[Tx], R]) -> R:
        return runner.read_once(self._opening, work)

    def write_once(self, work: Callable[[Tx], R]) -> R:
        return runner.write_once(self._opening, work)

    def transactions(self, content: ContentStore) -> SqliteTransactions:
        return SqliteTransactions(self._opening, content)

    def content(self, objects: "Objects | None", above: int) -> SpooledContent:  # noqa: ARG002 - beside the file
        return SpooledContent(self.spool)

    def store(self, content: ContentStore, name: str, events: StoreEvents, *, alone: bool) -> OpenStore:  # noqa: ARG002
        return runner.SqliteStore(self._opening, content, events, shared=not alone)
