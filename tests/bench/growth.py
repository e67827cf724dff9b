"""Whether PostgreSQL stays as fast as its tables grow: `python -m tests.bench.growth`.

A database of each size on one server that syncs; each kind of work is done in all of them in turn, round after round,
so that what else the machine does is everybody's. What history there is was written by the server itself
(tests/store/filled.py); what is worked on is made by the gateway's own use cases.
"""

import asyncio
import math
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median

from gateway.domain.acts import Act
from gateway.domain.model import Copy, Delivery, Invitation, Message, WaitingSender
from gateway.domain.model_records import Audit
from gateway.flow.context import Context, Desk
from gateway.flow.invitations import due_steps
from gateway.flow.outbound import deliver
from gateway.flow.outbound.deliver import DeliveryResult
from gateway.flow.upkeep import chain
from gateway.store.models import table_name
from gateway.store.postgres import schema
from gateway.store.postgres.connections import connect
from gateway.store.postgres.runner import PostgresStore
from gateway.testing import DAWN, FakeClock, MemoryContent, fake_keys
from tests.bench.scale import _invite
from tests.peers.postgres import Postgres
from tests.practice import OK, SITE
from tests.store.filled import fill

SIZES = (10_000, 100_000, 1_000_000)
AUDIT_ROWS = 10
"""Of the audit, for each of the other rows."""
AT_A_TIME = 20
ROUNDS = 20
TURNS = 5
"""Of each kind of work in one round."""
GROWING = (Invitation, WaitingSender, Message, Copy, Delivery)
FIRST = 10_000_000_000
"""The number of the first row that a use case makes."""
_SETTLED = """
    UPDATE delivery SET state = 'sent', lease_until = NULL WHERE state <> 'sent';
    UPDATE invitation SET due_at = due_at + 366 * 86400000000 WHERE due_at IS NOT NULL
"""
_AUDIT = """
    SET session_replication_role = replica;
    INSERT INTO audit (id, at, actor, action, subject, detail, place, mac)
    SELECT n, {old} + n, 'pat@home.example', 'viewed', 'copy ' || n, '', '192.0.2.1', sha256(int8send(n))
    FROM generate_series(1, {rows}) AS n;
    INSERT INTO audit_batch (id, at, first_row, last_row, marks, forgotten, head)
    SELECT n, {old} + n * 500, n * 500 - 499, n * 500, decode(repeat('00', 6032), 'hex'), 0, sha256(int8send(n))
    FROM generate_series(1, {rows} / 500) AS n;
    ALTER TABLE audit ALTER COLUMN id RESTART WITH {next};
    RESET session_replication_role
"""
"""All of it is older than it is kept."""


@dataclass(slots=True)
class Grown:
    """A database of so many rows, and the seconds that each kind of work took in it."""

    rows: int
    desk: Desk
    clock: FakeClock
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    claimed: list[Delivery] = field(default_factory=list)
    made: int = 0

    async def timed(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        began = time.perf_counter()
        await work()
        self.took[what].append(time.perf_counter() - began)

    async def round(self) -> None:
        for _ in range(TURNS):
            await self.timed("invite 20", self._invite)
        for _ in range(TURNS):
            await self.timed("claim 20 mails", self._claim)
            await self.timed("record 20 mails", self._record)
        self.clock.advance(days=3)
        for _ in range(TURNS):
            await self.timed("claim and queue 20 reminders", lambda: self.desk.do(due_steps.run_due, AT_A_TIME))
        while self.claimed or await self.desk.do(due_steps.run_due, AT_A_TIME):
            self.claimed.clear()
        while await self._claim():
            await self._record()
        for _ in range(TURNS):
            await self.timed("audit: write 100 rows", lambda: self.desk.do(_happen))
            await self.timed("audit: look 100 rows up", lambda: self.desk.ask(_look_up, self.rows * AUDIT_ROWS))
        await self.timed("audit: seal 500 rows", lambda: self.desk.do(chain.seal))
        await self.timed("audit: forget 500 rows", self._forget)

    async def _invite(self) -> None:
        await self.desk.do(_invite, range(self.made, self.made + AT_A_TIME))
        self.made += AT_A_TIME

    async def _claim(self) -> bool:
        self.claimed = [one.delivery for one in await self.desk.do(deliver.claim, AT_A_TIME)]
        return bool(self.claimed)

    async def _record(self) -> None:
        await self.desk.do(deliver.record_all, [DeliveryResult(one, OK) for one in self.claimed])
        self.claimed = []

    async def _forget(self) -> None:
        assert await self.desk.do(chain.forget, 0, 0)


def _happen(ctx: Context) -> None:
    for number in range(100):
        ctx.audit("pat@home.example", Act.VIEWED, f"copy {number}")


def _look_up(ctx: Context, rows: int) -> None:
    for number in range(100):
        assert ctx.tx.get(Audit, rows - number * rows // 250)


def grown(server: Postgres, rows: int) -> str:
    """A database of so many rows; its URL."""
    url = server.database(f"rows{rows}")
    began = time.monotonic()
    with closing(connect(url)) as connection:
        schema.migrate(connection)
        fill(connection, rows, GROWING)
        old = int((DAWN.timestamp() - 7 * 366 * 86400) * 1e6)
        script = _AUDIT.format(rows=rows * AUDIT_ROWS, old=old, next=rows * AUDIT_ROWS + 1)
        for statement in f"{_SETTLED};{script}".split(";"):
            connection.execute(statement.encode())
        for table in GROWING:
            connection.execute(f"ALTER TABLE {table_name(table)} ALTER COLUMN id RESTART WITH {FIRST}")
        connection.execute("VACUUM ANALYZE")
        [(size,)] = connection.execute("SELECT pg_database_size(current_database())")
    took = time.monotonic() - began
    print(f"{rows:,} invitations: {size / 1e6:,.0f} MB, filled in {took:.0f} s", file=sys.stderr, flush=True)
    return url


async def measure(urls: dict[int, str]) -> list[Grown]:
    """All kinds of work in all databases, one after the other."""
    databases = []
    for rows, url in urls.items():
        clock = FakeClock()
        databases.append(Grown(rows, Desk(PostgresStore(url, MemoryContent()), SITE, fake_keys(), clock), clock))
    for number in range(ROUNDS + 1):
        for one in databases:
            await one.round()
            if number == 0:  # it has made the connections and the plans
                one.took.clear()
    for one in databases:
        await one.desk.store.close()  # type: ignore[attr-defined]
    return databases


def told(databases: list[Grown]) -> str:
    """The median and the 99th percentile of each kind of work, and how many times those of the fewest rows they are."""
    few = databases[0]
    lines = [
        "| work | rows | median | p99 | median, times the first | p99, times the first |",
        "|---|---|---|---|---|---|",
    ]
    for what, first in few.took.items():
        for one in databases:
            rows = one.rows * (AUDIT_ROWS if what.startswith("audit") else 1)
            those = one.took[what]
            ratios = f"{median(those) / median(first):.2f} | {_p99(those) / _p99(first):.2f}"
            lines.append(
                f"| {what} | {rows:,} | {median(those) * 1e3:.1f} ms | {_p99(those) * 1e3:.1f} ms | {ratios} |"
            )
    return "\n".join(lines)


def _p99(figures: list[float]) -> float:
    return sorted(figures)[math.ceil(len(figures) * 0.99) - 1]


def main() -> None:
    server = Postgres(durable=True)
    server.start()
    try:
        sizes = [int(one) for one in sys.argv[1:]] or SIZES
        print(told(asyncio.run(measure({rows: grown(server, rows) for rows in sizes}))))
    finally:
        server.kill()


if __name__ == "__main__":
    main()
