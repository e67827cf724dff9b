"""Gateways on one PostgreSQL server beside one on SQLite: accepting and handing on, by one node and by two."""

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.store.databases import server_at
from tests.bench.contenders import GatewayContender, room
from tests.bench.effort import Effort
from tests.bench.figures import Row, Target
from tests.bench.load import Load, calibrated
from tests.bench.mail_rows import Work
from tests.bench.sink import PATIENCE
from tests.peers.postgres import Postgres

SQLITE = "SQLite"
_ROWS = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables"
LEAST = Target(0.8, 1.0)
"""Of SQLite's rate."""
MANY = {"processes": 20, "senders": 20}
"""A sender for each session: an hour of a practice, in a second."""
ACCEPT = (
    Work("secure mail taken in, 4 KB", Load(4096, **MANY), 200, LEAST),
    Work("secure mail taken in, 4 KB, all by one sender", Load(4096), 200, LEAST),
    Work("secure mail taken in, 1 MB", Load(1_000_000, **MANY), 40, LEAST),
)
THROUGH = (Work("ordinary mail through to the next hop, 4 KB", Load(4096, secure=False, **MANY), 200, LEAST),)


class Node(GatewayContender):
    """One gateway on a PostgreSQL server."""

    def __init__(self, folder: Path, server: Postgres, name: str, first: "Node | None" = None) -> None:
        super().__init__(folder)
        self.url, self._name, self._first = server.of("bench"), name, first
        if first:
            self.sink = first.sink

    def _init(self) -> None:
        super()._init()
        if self._first:
            keys = "gateway.keys"
            (self._folder / keys).write_bytes((self._first._folder / keys).read_bytes())

    def _listeners(self) -> dict[str, str]:
        own = {"GATEWAY_DATABASE__URL": self.url, "GATEWAY_DATABASE__NODE": self._name}
        return super()._listeners() | own

    def _register(self) -> None:
        if not self._first:
            database = server_at(self.url, "", 2)
            database.migrate()
            database.write_once(lambda tx: tx.add(self.account()))

    def queued(self) -> int:
        due = {"state": DeliveryState.QUEUED, "due_at__le": datetime.now(UTC)}
        return server_at(self.url, "", 2).read_once(lambda tx: tx.count(Delivery, **due))


@dataclasses.dataclass(slots=True)
class Site:
    """What is measured: one gateway on SQLite, or some on PostgreSQL."""

    name: str
    gateways: list[GatewayContender]
    server: Postgres | None = None

    @property
    def ports(self) -> list[int]:
        return [one.port for one in self.gateways]

    def told(self) -> tuple[int, int]:
        """Of the server so far: statements, and rows written."""
        if not self.server:
            return 0, 0
        [(statements,)] = self.server.say("SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements")
        [(rows,)] = self.server.say(_ROWS, "bench")
        return int(statements), int(rows)

    def settle(self) -> None:
        """Wait until everything is handed on. Raises TimeoutError."""
        end = time.monotonic() + PATIENCE
        while left := self.gateways[0].queued():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name} still has {left} mails to hand on")
            time.sleep(0.1)


@contextmanager
def sites(folder: Path) -> Iterator[list[Site]]:
    """SQLite, one node, two nodes; each with a server of its own that syncs as a real one does."""
    with ExitStack() as stack:
        found = [Site(SQLITE, [GatewayContender(room(folder, "sqlite"))])]
        for count in (1, 2):
            server = Postgres(durable=True, options=("-c", "shared_preload_libraries=pg_stat_statements"))
            stack.callback(server.stop)
            server.start()
            server.database("bench")
            server.say("CREATE EXTENSION pg_stat_statements")
            first = Node(room(folder, f"{count}-0"), server, "node-0")
            rest = [Node(room(folder, f"{count}-{n}"), server, f"node-{n}", first) for n in range(1, count)]
            found.append(Site(f"PostgreSQL, {count} node{'s' if count > 1 else ''}", [first, *rest], server))
        for gateway in (one for site in found for one in site.gateways):
            stack.callback(gateway.close)
            gateway.start()
        yield found


def measure(folder: Path, effort: Effort) -> list[Row]:
    """The rates as ratios to SQLite's; beside them what PostgreSQL has to do for a mail."""
    rows: list[Row] = []
    with sites(folder) as those:
        for work in (*ACCEPT, *THROUGH):
            if effort.like in work.name:
                rows += _measure_one(those, effort, work)
    return rows


def _measure_one(those: list[Site], effort: Effort, work: Work) -> list[Row]:
    rate = Row("nodes", work.name, "mails/s", work.target, beside=SQLITE)
    per_mail = [Row("nodes", f"{what} a mail: {work.name}", what, fewer=True) for what in ("statements", "rows")]

    def run(site: Site, mails: int) -> float:
        before, sink = site.told(), site.gateways[0].sink
        wanted, began = sink.count() + mails, time.monotonic()
        took = work.load.send(mails, *site.ports)
        if work in THROUGH:
            took = sink.wait_for(wanted) - began
        site.settle()
        rate.add(site.name, mails / took)
        for row, now, then in zip(per_mail, site.told(), before, strict=False):
            if site.server:
                row.add(site.name, (now - then) / mails)
        effort.say(f"{work.name}: {site.name}: {mails} mails, {mails / took:.0f}/s")
        return took

    counts = [calibrated(lambda mails, one=one: run(one, mails), work.first, effort.seconds) for one in those]
    for row in (rate, *per_mail):
        row.rounds.clear()
    for _ in range(effort.rounds):
        for site, mails in zip(those, counts, strict=True):
            os.sync()
            run(site, mails)
    return [rate, *per_mail]
