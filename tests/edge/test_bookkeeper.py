"""Telling the ledger: what was destroyed and what was sent gets there, whatever the disk does meanwhile."""

import pytest

from gateway.domain.ledger import LedgerKind, Sent
from gateway.domain.model import Delivery
from gateway.domain.model_records import LedgerEntry
from gateway.domain.vocabulary import DeliveryState
from gateway.edge.run.bookkeeper import Bookkeeper
from gateway.flow import ledger
from gateway.flow.inbox import recall
from gateway.flow.upkeep import backups
from gateway.ports import Outcome
from gateway.store.ledger import ChainedLedger
from tests.edge.hop import until
from tests.edge.test_outbox import Hops, all_are, pass_through, running
from tests.practice import World, mail


@pytest.fixture
def world():
    return World()


@pytest.fixture
def file(tmp_path, world):
    (tmp_path / "disk").mkdir()
    return ChainedLedger(tmp_path / "disk/gateway.ledger", world.keys)


async def test_what_is_destroyed_waits_for_a_disk_that_is_gone(world, file, caplog):
    copy = await world.written(await world.registered())
    bookkeeper = Bookkeeper(world.desk, file)
    file.file.parent.rmdir()
    await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")
    for _ in range(3):
        await bookkeeper.keep()
    assert [one.subject for one in await world.rows(LedgerEntry)] == [f"{copy.id} RECALLED gone"]
    file.file.parent.mkdir()
    await bookkeeper.keep()
    [line] = file.read().lines
    assert (line.kind, line.subject) == (LedgerKind.COPY, f"{copy.id} RECALLED gone")
    assert await world.rows(LedgerEntry) == []
    assert await world.desk.ask(lambda ctx: ledger.position(ctx.tx)) == file.read().end


async def test_what_a_hop_has_taken_is_told_without_an_address(world, file):
    bookkeeper = Bookkeeper(world.desk, file)
    file.file.parent.rmdir()
    await pass_through(world, 3)
    async with running(world, Hops(), sent=bookkeeper.sent):
        await until(all_are(world, DeliveryState.SENT))
    await bookkeeper.write_down()
    file.file.parent.mkdir()
    await bookkeeper.write_down()
    [line] = file.read().lines
    told = [Sent.read(word) for word in line.subject.split()]
    rows = await world.rows(Delivery)
    assert [one.delivery for one in told] == [one.id for one in rows]
    assert {one.recipient for one in told} == {ledger.recipient_digest(world.keys, one.recipient) for one in rows}
    assert b"far.example" not in file.file.read_bytes()


async def test_what_a_hop_has_refused_is_told_as_given_up(world, file):
    bookkeeper = Bookkeeper(world.desk, file)
    hops = Hops()
    hops.down[""] = Outcome(550, "5.1.1 no such user")
    await world.receive(mail("p1@home.example", subject="Lunch?"), mail_from="")
    async with running(world, hops, sent=bookkeeper.sent):
        await until(all_are(world, DeliveryState.FAILED))
    await bookkeeper.write_down()
    await bookkeeper.keep()
    assert [line.kind for line in file.read().lines] == [LedgerKind.DELIVERY]


async def test_the_database_hears_now_and_then_how_far_the_file_has_come(world, file):
    bookkeeper = Bookkeeper(world.desk, file)
    await bookkeeper.keep()
    file.append([LedgerEntry(at=world.clock.now(), kind=LedgerKind.SENT, subject="1,0,pass,,,00")])
    await bookkeeper.keep()
    assert (await world.desk.ask(lambda ctx: ledger.position(ctx.tx))).number == 0
    world.clock.advance(minutes=1)
    await bookkeeper.keep()
    assert (await world.desk.ask(lambda ctx: ledger.position(ctx.tx))).number == 1


async def test_what_the_last_backup_needs_is_not_forgotten(world, file):
    """An open hold that no backup has, say: that one could be restored, and the hold would be lost."""
    bookkeeper = Bookkeeper(world.desk, file)
    for _ in range(5):
        file.append([LedgerEntry(at=world.clock.now(), kind=LedgerKind.HOLD, subject="placed person 00")])
        world.clock.advance(days=10)
    await world.desk.do(lambda ctx: backups.note(ctx, "one", file.read().lines[1].at))
    await bookkeeper.forget(days=15)
    assert [line.number for line in file.read().lines if line.kind == LedgerKind.HOLD] == [2, 3, 4, 5]
    await world.desk.do(lambda ctx: backups.note(ctx, "two", ctx.now))
    await bookkeeper.forget(days=15)
    assert [line.number for line in file.read().lines if line.kind == LedgerKind.HOLD] == [5]
