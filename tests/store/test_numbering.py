"""Numbers of new rows on PostgreSQL: known before they are needed, and not kept for long."""

import asyncio

import pytest

from gateway.domain.model import Meta, Sender
from gateway.store.postgres import runner
from gateway.store.postgres.runner import PostgresStore
from gateway.testing import MemoryContent

pytestmark = pytest.mark.peer


def add_senders(practice, count):
    def add(tx):
        rows = [Sender(practice_id=practice, address=f"dr{n}@x.example", typed="", name="") for n in range(count)]
        return [tx.add(row).id for row in rows]

    return add


async def test_numbers_that_are_left_over_are_not_kept_by_a_gateway_that_is_never_idle(postgres, monkeypatch):
    monkeypatch.setattr(runner, "NUMBERS_SECONDS", 0.3)
    stores = [PostgresStore(postgres, MemoryContent()) for _ in range(2)]
    await stores[0].write(add_senders("riverside", 65))  # for which 128 were asked
    [earlier] = await stores[1].write(add_senders("hill", 1))
    for number in range(8):
        await asyncio.sleep(0.1)
        await stores[0].write(lambda tx, number=number: tx.add(Meta(name=str(number), value=b"")))
    [later] = await stores[0].write(add_senders("valley", 1))
    assert later > earlier
    for store in stores:
        await store.close()
