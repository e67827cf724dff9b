"""A PostgreSQL database, from which any number of gateways serve: the port of store/databases.py."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Self, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gateway.errors import ConfigError
from gateway.ports import ContentStore, Tx
from gateway.store.events import StoreEvents
from gateway.store.migrations import newest_scripts, titled
from gateway.store.postgres import guards, runner, schema
from gateway.store.postgres.connections import as_store_errors, connect
from gateway.store.postgres.content import ChunkedContent, Objects
from gateway.store.postgres.runner import PostgresStore
from gateway.store.postgres.url import shown_url, url_fault

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """One database of a server. The URL may name several hosts: of a cluster, the one that takes what is written."""

    url: str = field(repr=False)  # with the password
    connections: int
    nodes: ClassVar[bool] = True

    @classmethod
    def of(cls, url: str, password: str, connections: int) -> Self:
        """Raises ConfigError."""
        if fault := url_fault(url):
            raise ConfigError(f"database.url: {fault}")
        given = conninfo_to_dict(url).get("password") or password or None
        return cls(make_conninfo(url, password=given), connections)

    @property
    def name(self) -> str:
        return shown_url(self.url)

    def is_there(self) -> bool:
        return self.schema() > 0

    def schema(self) -> int:
        with _connected(self.url) as connection:
            return schema.schema_of(connection)

    def pending(self) -> Sequence[tuple[int, str]]:
        scripts = newest_scripts()
        with _connected(self.url) as connection:
            schema.refuse_newer(connection, len(scripts))
            return titled(scripts, schema.schema_of(connection))

    def prepare(self) -> None:
        self.migrate()

    def migrate(self) -> Sequence[int]:
        with _connected(self.url) as connection:
            return schema.migrate(connection)

    def damage(self) -> str:
        return ""  # its pages have checksums of its own, if they were asked for: docs/scale.md

    def octets(self) -> int:
        with _connected(self.url) as connection:
            found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
            return int(found[0]) if found else 0

    def log_octets(self) -> int:
        return 0  # the server's own affair, and shared by all its databases

    def read_once(self, work: Callable[[Tx], R]) -> R:
        return runner.read_once(self.url, work)

    def write_once(self, work: Callable[[Tx], R]) -> R:
        return runner.write_once(self.url, work)

    def transactions(self, content: ContentStore) -> "PostgresTransactions":
        return PostgresTransactions(self.url, content)

    def content(self, objects: Objects | None, above: int) -> ChunkedContent:
        return ChunkedContent(self.url, objects, above)

    def store(self, content: ContentStore, name: str, events: StoreEvents, *, alone: bool) -> PostgresStore:  # noqa: ARG002
        return PostgresStore(self.url, content, events, name=name, connections=self.connections)


class PostgresTransactions:
    """One transaction after the other, beside gateways that may serve; a context manager."""

    leaves_gaps: ClassVar = True

    def __init__(self, url: str, content: ContentStore) -> None:
        self._url = url
        self._content = content
        self._connection: psycopg.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        """The same for all of them, as long as it is good."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url)
        yield self._connection

    def read(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreDamaged."""
        return runner.read_on(self._connected, work)

    def write(self, work: Callable[[Tx], R]) -> R:
        """Raises StoreBusy, StoreFull, StoreDamaged, and what the work raises."""
        return runner.write_on(self._connected, work, self._content)

    def missing_triggers(self) -> list[str]:
        """The triggers of our schema that are not there, or do something else. Raises StoreBusy."""
        with self._connected() as connection:
            return guards.missing_triggers(connection)

    def last_number(self, table: str) -> int:
        """The highest number that a row of this table has. Raises StoreBusy."""
        with self._connected() as connection:
            return guards.last_number(connection, table)


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    with as_store_errors(), closing(connect(url)) as connection:
        yield connection
