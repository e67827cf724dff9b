"""Large sealed content in PostgreSQL: its pieces are rows, or lie in an object store, of which a row tells.

Pieces are stored while a mail arrives, each in a transaction of its own, and the row of the content that they belong to
comes last. A trigger (migrations/0002_nodes.sql) refuses a content whose pieces are not there, as after a fail-over to
a server that never heard of them; and it keeps them from being removed until that row is there or will not come. So
what a row names is stored; and whatever removes pieces removes none that a row names, however late, or in vain, it
comes.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from itertools import count
from threading import Lock
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg_pool import ConnectionPool
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from gateway.errors import GatewayError, StoreBusy
from gateway.store.content import Place, SealedContent
from gateway.store.postgres.connections import as_store_errors, open_pool, prepare

R = TypeVar("R")

CONNECTIONS = 4
"""Of one gateway, beside those of its transactions: what holds one is a statement, never a mail."""
AT_A_TIME, TIMES = 1000, 100
"""How many contents a sweep looks at in one statement, and how many such statements it makes before it rests."""

_ADD = "INSERT INTO chunk (content_id, number, sealed) VALUES (%s, %s, %s) ON CONFLICT (content_id, number) DO NOTHING"
_ONE = "SELECT sealed FROM chunk WHERE content_id = %s AND number = %s"
_KEPT = "SELECT DISTINCT content_id FROM chunk WHERE content_id = ANY(%s)"
_LOCK = "SELECT FROM chunk WHERE content_id = ANY(%s) AND number = 0 ORDER BY content_id FOR UPDATE"
_REMOVE = """
    DELETE FROM chunk WHERE content_id = ANY(%s) AND NOT EXISTS (SELECT FROM content WHERE id = content_id)
    RETURNING content_id, sealed IS NULL
"""
# The index alone says which there are; a row is looked at only where no content has its name.
_NEXT = "SELECT content_id FROM chunk WHERE content_id > %s AND number = 0 ORDER BY content_id LIMIT %s"
_UNNAMED = """
    SELECT content_id FROM chunk
    WHERE content_id IN (SELECT id FROM unnest(%s::text[]) AS id EXCEPT SELECT id FROM content WHERE id = ANY(%s))
    AND number = 0 AND at < extract(epoch FROM clock_timestamp() - %s) * 1000000
"""


class Objects(Protocol):
    """An object store: each content in objects of some sealed pieces. Raises StoreBusy or StoreFull."""

    def put(self, content_id: str, number: int, octets: bytes) -> None:
        """Store an object: it is there when this returns."""
        ...

    def pieces(self, content_id: str) -> Iterator[bytes]:
        """The sealed pieces in their order. Raises KeyError where there are none."""
        ...

    def remove(self, content_ids: list[str]) -> None: ...

    def listed(self) -> tuple[list[str], bool]:
        """The next contents, up to a thousand, and whether more follow; after the last one, from the first again."""
        ...

    def remove_old(self, content_id: str, keep: timedelta) -> bool:
        """Remove a content that has been there for longer, by the store's own time; whether it had."""
        ...


class _Cut(StoreBusy):
    """A connection of the pool had died, as all have once the server was restarted: the next one may live."""


class ChunkedContent(SealedContent):
    """Larger content in rows; with `objects`, what is larger than `above` octets lies there.

    Connections are made when they are needed: a process may be forked before. Ages are told by PostgreSQL's own time.
    """

    def __init__(self, url: str, objects: Objects | None = None, above: int = 1_000_000) -> None:
        self._url = url
        self._objects, self._above = objects, above
        self._opening = Lock()
        self._pool: ConnectionPool | None = None
        self._remover = ThreadPoolExecutor(1, "content-remover")
        self._doomed: deque[str] = deque()
        self._after = ""

    def close(self) -> None:
        """Let the connections go, once what was abandoned is removed."""
        self._remover.shutdown()
        if self._pool:
            self._pool.close()

    def place(self, content_id: str) -> Place:
        return _Growing(self, self._objects, self._above, content_id) if self._objects else _Rows(self, content_id)

    def pieces(self, content_id: str) -> Iterator[bytes]:
        for number in count():
            found = self.do(_ONE, [content_id, number])
            if not found and number == 0:
                raise KeyError(content_id)
            if not found:
                return
            if found[0][0] is None:
                yield from self._in_store(content_id)
                return
            yield found[0][0]

    def _in_store(self, content_id: str) -> Iterator[bytes]:
        if self._objects is None:
            raise StoreBusy("this content lies in an object store, and objects.bucket names none")
        return self._objects.pieces(content_id)

    def add(self, content_id: str, number: int, sealed: bytes | None) -> None:
        """Store a piece, or with none that the content lies in the object store. Raises StoreBusy, StoreFull."""
        self.do(_ADD, [content_id, number, sealed])

    # ------------------------------------------------------------------------------------------------------ removing

    def discard(self, *content_ids: str) -> None:
        if content_ids:
            with suppress(GatewayError):  # what is left, a sweep finds
                self._remove(list(content_ids))

    def abandon(self, content_id: str) -> None:
        """Remove it beside the caller, who may be the event loop; what cannot be removed now, `sweep` will."""
        self._doomed.append(content_id)
        with suppress(RuntimeError):  # we have ended
            self._remover.submit(self._remove_doomed)

    def _remove_doomed(self) -> None:
        """All at once: without a database the first waits in vain, and none after it."""
        self.discard(*(self._doomed.popleft() for _ in range(len(self._doomed))))

    def _remove(self, content_ids: list[str]) -> int:
        """Remove those that no row names, and none whose row is about to come; how many went."""

        def remove(connection: psycopg.Connection) -> list[tuple[str, bool]]:
            with connection.transaction():
                connection.execute(_LOCK, [content_ids])  # waits for a row that is being added: then it can be seen
                return connection.execute(_REMOVE, [content_ids]).fetchall()

        removed = self._with_connection(remove)
        if self._objects and (in_store := [content_id for content_id, is_in_store in removed if is_in_store]):
            self._objects.remove(in_store)
        return len({content_id for content_id, _ in removed})

    def sweep(self, today: date, keep: timedelta) -> int:  # noqa: ARG002 - the server knows the time
        """Look at the next contents, from the first again after the last; how many were removed."""
        gone = self._sweep_objects(keep) if self._objects else 0
        for _ in range(TIMES):
            names = [name for (name,) in self.do(_NEXT, [self._after, AT_A_TIME])]
            unnamed = [name for (name,) in self.do(_UNNAMED, [names, names, keep])] if names else []
            gone += self._remove(unnamed) if unnamed else 0
            self._after = names[-1] if len(names) == AT_A_TIME else ""
            if not self._after:
                break
        return gone

    def _sweep_objects(self, keep: timedelta) -> int:
        """Remove objects of which no row tells: what is left where the store was down, or rows were lost."""
        assert self._objects  # noqa: S101 - the caller has looked
        gone = 0
        for _ in range(TIMES):
            names, more_follow = self._objects.listed()
            known = {name for (name,) in self.do(_KEPT, [names])}
            gone += sum(self._objects.remove_old(name, keep) for name in names if name not in known)
            if not more_follow:
                break
        return gone

    # ---------------------------------------------------------------------------------------------------- statements

    def do(self, statement: str, parameters: list[Any]) -> list[Any]:
        """Run one statement, which may be run twice. Raises StoreBusy, StoreFull, StoreDamaged."""

        def run(connection: psycopg.Connection) -> list[Any]:
            done = connection.execute(statement, parameters, binary=True)  # else each octet comes as two digits
            return done.fetchall() if done.description else []

        return self._with_connection(run)

    def _with_connection(self, work: Callable[[psycopg.Connection], R]) -> R:
        trying = Retrying(retry=retry_if_exception_type(_Cut), stop=stop_after_attempt(CONNECTIONS + 1), reraise=True)
        done: R = trying(self._once, work)
        return done

    def _once(self, work: Callable[[psycopg.Connection], R]) -> R:
        with as_store_errors(), self._connections().connection() as connection:
            try:
                return work(connection)
            except psycopg.OperationalError as error:
                if connection.broken:
                    raise _Cut(str(error)) from error
                raise

    def _connections(self) -> ConnectionPool:
        with self._opening:
            if self._pool is None:
                self._pool = open_pool(self._url, CONNECTIONS, _prepare)
        return self._pool


def _prepare(connection: psycopg.Connection) -> None:
    """A piece is not waited for until it is on the disk: the commit of the content's row, which is, flushes the log up
    to itself, and all pieces before it. Nor need transactions be serializable that read nothing of what they write.
    """
    prepare(connection)
    connection.execute("SET synchronous_commit = off")
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED


class _Rows:
    """The port `Place`: a row for each piece."""

    def __init__(self, content: ChunkedContent, content_id: str) -> None:
        self._content, self._id = content, content_id
        self._numbers = count()

    def append(self, sealed: bytes) -> None:
        self._content.add(self._id, next(self._numbers), sealed)

    def complete(self) -> None: ...

    def sync(self) -> None: ...

    def abandon(self) -> None:
        self._content.abandon(self._id)


class _Growing:
    """The port `Place`: in memory until it is known whether it goes to rows or, larger than `above`, to objects."""

    PIECES = 4
    """In one object: with the sealing of each, a little more than a MiB."""

    def __init__(self, content: ChunkedContent, objects: Objects, above: int, content_id: str) -> None:
        self._content, self._objects, self._above, self._id = content, objects, above, content_id
        self._held: list[bytes] = []
        self._numbers = count()
        self._is_large = False

    def append(self, sealed: bytes) -> None:
        self._held.append(sealed)
        if not self._is_large and sum(map(len, self._held)) > self._above:
            self._content.add(self._id, 0, None)  # first of all: of what is in the store, a row tells
            self._is_large = True
        if self._is_large:
            self._put(self.PIECES)

    def complete(self) -> None:
        if self._is_large:
            self._put(1)
            return
        rows = _Rows(self._content, self._id)
        for sealed in self._held:
            rows.append(sealed)
        self._held.clear()

    def sync(self) -> None: ...

    def abandon(self) -> None:
        self._held.clear()
        self._content.abandon(self._id)

    def _put(self, least: int) -> None:
        """Store what is held, in whole objects, as long as there are so many pieces."""
        while len(self._held) >= least:
            self._objects.put(self._id, next(self._numbers), b"".join(self._held[: self.PIECES]))
            del self._held[: self.PIECES]
