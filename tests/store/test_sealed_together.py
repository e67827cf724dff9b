"""The audit on PostgreSQL: many write to it while it is sealed, and nothing is left out of its chain."""

import asyncio
import time
from contextlib import closing, suppress

import pytest

from gateway.admin.audit_check import Walk
from gateway.domain.acts import Act
from gateway.domain.audit_chain import marked
from gateway.domain.model import Fingerprint
from gateway.domain.model_records import Audit, AuditBatch
from gateway.edge.run import sealer
from gateway.edge.run.sealer import Sealer
from gateway.errors import StoreBusy
from gateway.flow.context import Context, Desk
from gateway.flow.upkeep import chain
from gateway.store.postgres import guards
from gateway.store.postgres.connections import connect
from gateway.store.postgres.runner import PostgresStore, read_once
from gateway.testing import FakeClock, MemoryContent, fake_keys
from tests.practice import SITE

pytestmark = pytest.mark.peer

NODES, WRITERS, ROWS = 2, 4, 25
"""Gateways, those who write at the same time in each, and how often each of them writes."""


class Looks:
    """Looks at the audit at this URL."""

    leaves_gaps = True

    def __init__(self, url):
        self.url = url
        self.keys = fake_keys()

    def ask(self, look):
        return read_once(self.url, lambda tx: look(Context(tx, SITE, self.keys, FakeClock().now())))

    def missing_triggers(self):
        with closing(connect(self.url)) as connection:
            return guards.missing_triggers(connection)

    def last_number(self, table):
        with closing(connect(self.url)) as connection:
            return guards.last_number(connection, table)

    def findings(self):
        return [one.says for one in Walk(self).findings()]


@pytest.fixture
def looks(postgres):
    return Looks(postgres)


@pytest.fixture
async def desks(postgres):
    """Some gateways on one database."""
    stores = [PostgresStore(postgres, MemoryContent()) for _ in range(NODES)]
    yield [Desk(store, SITE, fake_keys(), FakeClock()) for store in stores]
    for store in stores:
        await store.close()


def happen(ctx, subject="copy 1", seconds=0.0):
    """Something is recorded, and committed so much later."""
    ctx.audit("gateway", Act.RELEASED, subject)
    time.sleep(seconds)


async def write(desk, who):
    for number in range(ROWS):
        await desk.do(happen, f"{who} {number}", 0.2 if number % 5 == 0 else 0.0)


async def while_sealed(desks, seal):
    """Many write to the audit while it is sealed again and again."""
    writers = [write(desk, f"{node}|{who}") for node, desk in enumerate(desks) for who in range(WRITERS)]
    writing = asyncio.gather(*writers)
    while not writing.done():
        with suppress(StoreBusy):  # others were always in its way: it is tried at the next look
            await seal()
    await writing


async def all_sealed(looks):
    """Everything that was written is in exactly one batch, and the chain is whole."""
    rows = looks.ask(lambda ctx: ctx.tx.find(Audit))
    batches = looks.ask(lambda ctx: ctx.tx.find(AuditBatch))
    numbers = [number for batch in batches for number in marked(batch)]
    assert sorted(numbers) == [row.id for row in rows]
    assert [batch.id for batch in batches] == list(range(1, len(batches) + 1))
    assert looks.findings() == []
    return rows


@pytest.mark.parametrize("settles", [0.0, 0.5])
async def test_what_many_write_while_it_is_sealed_is_in_exactly_one_batch(desks, looks, monkeypatch, settles):
    monkeypatch.setattr(sealer, "SEAL_EVERY", 0.0)
    ours = Sealer(desks[0], settles=settles)
    await while_sealed(desks, ours.look)
    await ours.end()
    rows = await all_sealed(looks)
    written = {f"{node}|{who} {number}" for node in range(NODES) for who in range(WRITERS) for number in range(ROWS)}
    assert sorted(row.subject for row in rows) == sorted(written)


async def test_gateways_that_seal_at_the_same_time_make_one_chain(desks, looks):
    async def seal():
        await asyncio.gather(*(desk.do(chain.seal) for desk in desks))

    await while_sealed(desks, seal)
    await seal()
    await all_sealed(looks)


async def test_a_row_that_appears_late_is_not_put_among_those_that_were_sealed(desks, looks):
    """Its number was taken before a later row was sealed: its work is done again, and it gets another."""
    numbered, sealed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    tries = []

    def slow(ctx):
        happen(ctx, "slow")
        ctx.tx.count(Fingerprint)  # what was written is sent before anything is read
        tries.append(ctx)
        if len(tries) == 1:
            loop.call_soon_threadsafe(numbered.set)
            asyncio.run_coroutine_threadsafe(sealed.wait(), loop).result()

    late = asyncio.create_task(desks[0].do(slow))
    await numbered.wait()
    await desks[1].do(happen, "quick")
    await desks[1].do(chain.seal)
    sealed.set()
    await late
    await desks[1].do(chain.seal)
    assert [row.subject for row in await all_sealed(looks)] == ["quick", "slow"]
    assert len(tries) == 2


async def test_a_number_that_was_left_out_is_no_fault_and_a_row_that_was_removed_is(desks, looks):
    def undone(ctx):
        happen(ctx)
        raise RuntimeError("undone")

    async def two_with_one_undone():
        await desks[0].do(happen)
        with pytest.raises(RuntimeError):
            await desks[0].do(undone)
        await desks[0].do(happen)

    for _ in range(2):
        await two_with_one_undone()
        await desks[0].do(chain.seal)
    await two_with_one_undone()
    numbers = [row.id for row in looks.ask(lambda ctx: ctx.tx.find(Audit))]
    assert len(numbers) == 6
    assert numbers[-1] > 6
    assert looks.findings() == []
    with closing(connect(looks.url)) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_not_removed")
        connection.execute("DELETE FROM audit WHERE id IN (%s, %s)", [numbers[0], numbers[3]])
    faults = [f"row {numbers[0]} was removed", f"row {numbers[3]} was removed"]
    assert looks.findings() == ["the trigger audit_is_not_removed is missing or was changed", *faults]
    with closing(connect(looks.url)) as connection:
        connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_is_not_removed")
    assert looks.findings() == faults
