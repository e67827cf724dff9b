"""Nothing grows for ever: 300 days of mail on a real database, and what they leave behind.

Fifty mails a day, which is what one clinician and a desk write; with `MAILS=200` in the environment, 200 a day.
"""

import asyncio
import gc
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.domain.model import Copy, Delivery, Invitation, Message
from gateway.domain.model_records import Audit, AuditBatch, LedgerEntry
from gateway.domain.site import Retention
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.bookkeeper import Bookkeeper
from gateway.edge.run.housekeeping import keep_house
from gateway.flow.inbox import recall
from gateway.flow.outbound import deliver
from gateway.flow.outbound.deliver import DeliveryResult
from gateway.store import connections
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.ledger import ChainedLedger
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from tests.practice import OK, SITE, World

pytestmark = [pytest.mark.measured, pytest.mark.timeout(600)]

DAYS, MAILS = 300, int(os.environ.get("MAILS", "50"))
LEVEL = 160
"""The day by which the longest of these has come round: what is kept for 30 days and then remembered for 60."""
KEPT = replace(SITE, keep_days=30, retention=Retention(sent=30, traces=60, audit=90))
TABLES = (Delivery, Copy, Message, Invitation, Audit, AuditBatch, LedgerEntry)
LARGE = "x" * 100_000


@dataclass(frozen=True, slots=True)
class Figures:
    rows: int
    database: int
    ledger: int
    files: int
    memory: int
    descriptors: int


@pytest.fixture
async def world(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.edge.run.housekeeping.PAUSE", 0)
    monkeypatch.setitem(connections._PRAGMAS, "synchronous", "off")  # no power is cut here
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    content = SpooledContent(tmp_path / "spool")
    store = SqliteStore(open_database(path), content)
    yield World(site=KEPT, store=store, content=content)
    await store.close()


async def write(world, day, number, to, subject):
    head = f"From: ada@riverside.example\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{day}.{number}@x.example>"
    body = LARGE if number % 40 == 0 else "Fine."
    await world.receive(f"{head}\r\n\r\n{body}\r\n".encode(), to)


async def a_day(world, day, books):
    """Ordinary mail, secure mail to people with an account, and to strangers of whom nobody says who they are."""
    known = [f"known{number}@home.example" for number in range(20)]
    strangers = [f"stranger{day}.{number}@home.example" for number in range(MAILS // 20)]
    mails = [(to, "[secure] Results") for to in known + strangers]
    mails += [(f"{to}", "Lunch?") for to in (known * MAILS)[: MAILS - len(mails)]]
    await asyncio.gather(*(write(world, day, number, *one) for number, one in enumerate(mails)))
    while prepared_deliveries := await world.desk.do(deliver.claim, 200):
        await world.desk.do(deliver.record_all, [DeliveryResult(one.delivery, OK) for one in prepared_deliveries])
    world.clock.advance(days=1)
    await world.tick()
    while await world.desk.do(recall.run_expired, 100):
        pass
    await books.keep()
    await books.forget(KEPT.retention.traces)
    await keep_house(world.desk, Traffic())


def figures(counts, tmp_path):
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return Figures(
        rows=sum(counts),
        database=(tmp_path / "gateway.db").stat().st_size,
        ledger=(tmp_path / "gateway.ledger").stat().st_size,
        files=len(list((tmp_path / "spool").iterdir())),
        memory=resident,
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
    )


async def test_300_days_of_mail_level_off(world, tmp_path):
    for number in range(20):
        await world.registered(f"known{number}@home.example")
    seen = []
    books = Bookkeeper(world.desk, ChainedLedger(tmp_path / "gateway.ledger", world.keys, []))
    for day in range(DAYS):
        await a_day(world, day, books)
        if day >= LEVEL and day % 10 == 0:
            gc.collect()
            counts = [await world.store.read(lambda tx, table=table: tx.count(table)) for table in TABLES]
            seen.append(figures(counts, tmp_path))
    half = len(seen) // 2
    for name in Figures.__slots__:
        before, after = (max(getattr(one, name) for one in part) for part in (seen[:half], seen[half:]))
        assert after <= before * 1.05 + 2, (name, [getattr(one, name) for one in seen])
