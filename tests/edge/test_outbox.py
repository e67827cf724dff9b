"""The outbox: what is claimed reaches its hop and is recorded, whatever other mails and other hops do."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from gateway.domain.model import Content, Copy, Delivery
from gateway.domain.vocabulary import DeliveryKind, DeliveryState
from gateway.edge.outbox import outbox as outbox_module
from gateway.edge.outbox import recorder
from gateway.edge.outbox.outbox import Outbox
from gateway.errors import StoreBusy
from gateway.flow.outbound import deliver
from gateway.flow.outbound.write_out import PreparedDelivery, together
from gateway.ports import Outcome
from gateway.testing import FakeMailer
from tests.edge.hop import until
from tests.practice import OK, World, mail

NOBODY = Outcome(0, "connection refused", reached=False)


class Hops(FakeMailer):
    """Hops that take what they are given, when they are open; `calls` are the transactions, `most` those at once."""

    def __init__(self, **down):
        super().__init__()
        self.calls, self.closed, self.down = [], set(), down
        self.now = self.most = 0

    async def send(self, hop, mail):
        self.calls.append((hop, mail.recipients))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0.001)
            await until(lambda: hop not in self.closed)
            if outcome := self.down.get(hop):
                return (outcome,) * len(mail.recipients)
            return await super().send(hop, mail)
        finally:
            self.now -= 1


@asynccontextmanager
async def running(world, hops, **more):
    outbox = Outbox(world.desk, world.writer, hops, **more)
    task = asyncio.create_task(outbox.run())
    outbox.wake()
    yield outbox
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def states(world):
    return [one.state for one in await world.rows(Delivery)]


def all_are(world, state):
    return lambda: {row.state for row in world.store._tables[Delivery].values()} == {state}


async def pass_through(world, count=1, *recipients):
    for number in range(count):
        await world.receive(mail(subject=f"Lunch {number}"), *(recipients or (f"p{number}@far.example",)))


async def test_recipients_of_one_mail_travel_together():
    world, hops = World(), Hops()
    to = tuple(f"p{number}@far.example" for number in range(150))
    await pass_through(world, 1, *to)
    await pass_through(world, 1, "joe@far.example")
    async with running(world, hops):
        await until(all_are(world, DeliveryState.SENT))
    assert [len(recipients) for _, recipients in hops.calls] == [100, 50, 1]
    assert sorted(recipient for _, _, recipient, _ in hops.sent) == sorted([*to, "joe@far.example"])
    assert await world.rows(Content) == []


def test_only_what_is_the_same_travels_together():
    row = Delivery(kind=DeliveryKind.PASS, recipient="a", content_id="c", created_at=None, due_at=None)
    rows = [
        row,
        replace(row, mail_from="other"),
        replace(row, content_id="other"),
        replace(row, hop="other"),
        replace(row, id=1, kind=DeliveryKind.RELAY),
        replace(row, id=2, kind=DeliveryKind.RELAY),
        row,
    ]
    assert sorted(map(len, together(PreparedDelivery(one) for one in rows))) == [1, 1, 1, 1, 1, 2]


async def test_a_mail_is_sent_when_a_commit_wakes_us():
    world, hops = World(), Hops()
    async with running(world, hops) as outbox:
        await asyncio.sleep(0.01)
        await pass_through(world)
        outbox.wake()
        await until(all_are(world, DeliveryState.SENT))
    assert len(hops.calls) == 1


async def test_more_mails_at_once_while_the_hop_keeps_up():
    world, hops = World(), Hops()
    await pass_through(world, 120)
    async with running(world, hops):
        await until(all_are(world, DeliveryState.SENT))
    assert hops.most == 20
    assert len(hops.sent) == 120


async def test_a_hop_that_is_down_is_not_tried_for_each_mail():
    world, hops = World(), Hops(**{"": NOBODY})
    await pass_through(world, 50)
    async with running(world, hops):
        await until(lambda: all(row.last_reply for row in world.store._tables[Delivery].values()))
    assert len(hops.calls) <= 2
    rows = await world.rows(Delivery)
    assert {(row.state, row.attempts, row.lease_until) for row in rows} == {(DeliveryState.QUEUED, 1, None)}
    assert len({row.due_at for row in rows}) > 40  # spread, so that they do not come back together


async def test_a_slow_hop_does_not_hold_up_the_others(monkeypatch):
    monkeypatch.setattr(outbox_module, "MOST_CLAIMED", 10)
    monkeypatch.setattr(outbox_module, "MOST_FOR_ONE_HOP", 10)
    monkeypatch.setattr(outbox_module, "MOST_IN_HAND", 40)
    world, hops = World(), Hops()
    for number in range(40):
        await world.receive(mail(), f"p{number}@hospital.example")
    await pass_through(world, 5)
    hops.closed.add("hospital.example")
    async with running(world, hops):
        await until(lambda: len(hops.sent) == 5)
        claimed = [row for row in await world.rows(Delivery) if row.lease_until]
        assert 10 <= len(claimed) < 20
        hops.closed.clear()
        await until(all_are(world, DeliveryState.SENT))
    assert len(hops.sent) == 45


async def test_each_recipient_has_an_outcome_of_their_own():
    world = World()
    await pass_through(world, 1, "a@far.example", "b@far.example", "c@far.example")
    hops = FakeMailer(Outcome(250, "ok"), Outcome(550, "5.1.1 no"), Outcome(451, "4.7.1 later"))
    async with running(world, hops) as outbox:
        await until(lambda: len(world.store._tables[Delivery]) == 4)
        outbox.wake()
        await until(lambda: len(hops.sent) == 2)
    rows = await world.rows(Delivery)
    assert [row.state.value for row in rows[:3]] == ["sent", "failed", "queued"]
    report = next(octets for _, _, recipient, octets in hops.sent if recipient == "ada@riverside.example")
    assert b"rfc822; b@far.example" in report
    assert b"Subject: Lunch 0" in report
    assert len(await world.rows(Content)) == 1


def tried(row, times):
    return row.attempts == times and row.lease_until is None


async def test_mail_that_cannot_be_read_does_not_stop_the_others():
    world, hops = World(), Hops()
    await pass_through(world, 3)
    doomed = (await world.rows(Delivery))[0]
    del world.content.octets[doomed.content_id]
    for tries in (1, 2, 3):
        async with running(world, hops):
            await until(lambda tries=tries: tried(world.store._tables[Delivery][doomed.id], tries))
        world.clock.advance(hours=1)
    await world.deliver()
    assert await states(world) == [DeliveryState.QUARANTINED, *(DeliveryState.SENT,) * 3]
    told = next(raw for delivery, _, raw in world.sent if delivery.kind is DeliveryKind.REPORT)
    assert b"could not be prepared" in told


async def test_mail_whose_home_is_down_waits_and_is_not_set_aside():
    world, hops = World(), Hops()
    await pass_through(world, 1)
    chunks = world.content.chunks

    def is_down(*_):
        raise StoreBusy("the database is away")
        yield

    world.content.chunks = is_down
    for tries in range(1, deliver.POISON_TRIES + 2):
        async with running(world, hops):
            await until(lambda tries=tries: tried(world.store._tables[Delivery][1], tries))
        world.clock.advance(hours=4)
    assert (await world.one(Delivery, id=1)).last_reply == "it cannot be read here now: the database is away"
    world.content.chunks = chunks
    async with running(world, hops):
        await until(all_are(world, DeliveryState.SENT))


async def test_a_row_that_cannot_be_opened_does_not_stop_the_claim():
    world = World()
    await pass_through(world, 2)
    [doomed, _] = await world.rows(Delivery)
    await world.store.write(lambda tx: tx.put(replace(doomed, wrapped_key=b"altered")))
    for _ in range(3):
        await world.deliver()
        world.clock.advance(hours=1)
    await world.deliver()
    assert await states(world) == [DeliveryState.QUARANTINED, DeliveryState.SENT, DeliveryState.SENT]


async def test_what_is_in_hand_is_not_sent_twice_when_its_lease_runs_out():
    world, hops = World(), Hops()
    hops.closed.add("")
    await pass_through(world)
    async with running(world, hops) as outbox:
        await until(lambda: hops.now == 1)
        world.clock.advance(days=31)
        outbox.wake()
        await asyncio.sleep(0.02)
        hops.closed.clear()
        await until(all_are(world, DeliveryState.SENT))
    assert len(hops.sent) == 1


async def test_what_a_hop_has_taken_is_sent_though_its_lease_ran_out_and_it_was_claimed_again():
    world = World()
    await pass_through(world)
    [prepared] = await world.desk.do(deliver.claim, 10)
    world.clock.advance(days=3)
    assert len(await world.desk.do(deliver.claim, 10)) == 1
    await world.desk.do(deliver.record_all, [deliver.DeliveryResult(prepared.delivery, OK)])
    assert await states(world) == [DeliveryState.SENT]


async def test_what_has_not_begun_is_put_back_when_we_end():
    world, hops = World(), Hops()
    await pass_through(world, 30)
    hops.closed.add("")
    async with running(world, hops):
        await until(lambda: hops.now == 2)
        asyncio.get_running_loop().call_later(0.05, hops.closed.clear)
    rows = await world.rows(Delivery)
    assert len(hops.sent) == [row.state for row in rows].count(DeliveryState.SENT)
    assert {(row.attempts, row.lease_until) for row in rows if row.state is DeliveryState.QUEUED} == {(0, None)}


# --------------------------------------------------------------------------------------------------------- recording


async def test_a_result_that_cannot_be_recorded_spoils_no_other(monkeypatch):
    world, hops = World(), Hops()
    await pass_through(world, 30)
    honest = deliver.record_all

    def record_all(ctx, results):
        recorded = honest(ctx, results)
        if any(one.id == 7 for one in recorded):
            raise LookupError
        return recorded

    monkeypatch.setattr(deliver, "record_all", record_all)
    async with running(world, hops):
        await until(lambda: [r.state for r in world.store._tables[Delivery].values()].count(DeliveryState.SENT) == 29)
    assert len(hops.sent) == 30
    assert (await states(world))[6] is DeliveryState.QUEUED


async def test_what_was_sent_is_remembered_until_the_store_has_time(monkeypatch):
    monkeypatch.setattr(recorder, "PAUSE", 0.01)
    world, hops = World(), Hops()
    await pass_through(world, 3)
    honest, busy = deliver.record_all, [StoreBusy, StoreBusy]

    def record_all(ctx, results):
        if busy:
            raise busy.pop()
        return honest(ctx, results)

    monkeypatch.setattr(deliver, "record_all", record_all)
    async with running(world, hops):
        await until(all_are(world, DeliveryState.SENT))
    assert len(hops.sent) == 3


async def test_a_claim_that_was_committed_without_our_hearing_of_it_is_put_back(monkeypatch):
    """A server that goes away during a commit may have done it all the same."""
    world, hops = World(), Hops()
    await pass_through(world, 2)
    write, cut_off = world.store.write, [deliver.claim]

    async def cut(work, **how):
        done = await write(work, **how)
        if cut_off and any(one.lease_until for one in await world.rows(Delivery)):
            cut_off.pop()
            raise StoreBusy("the commit was not confirmed")
        return done

    monkeypatch.setattr(world.store, "write", cut)
    async with running(world, hops) as outbox:
        await until(lambda: not cut_off)
        outbox.wake()
        await until(all_are(world, DeliveryState.SENT))
    assert len(hops.sent) == 2
    assert [one.attempts for one in await world.rows(Delivery)] == [1, 1]


@pytest.mark.parametrize("waiting", [0, 1])
async def test_content_stays_while_somebody_waits_for_it(waiting):
    world = World()
    await pass_through(world, 1, "a@far.example", "b@far.example")
    prepared_deliveries = await world.desk.do(deliver.claim, 10)
    results = [deliver.DeliveryResult(prepared.delivery, Outcome(250, "ok")) for prepared in prepared_deliveries]
    await world.desk.do(deliver.record_all, results[waiting:])
    assert len(await world.rows(Content)) == waiting
    assert await world.rows(Copy) == []


async def test_what_has_waited_for_most_of_its_lease_is_left_to_others():
    world, hops = World(), Hops()
    hops.closed.add("")
    await pass_through(world, 30)
    async with running(world, hops) as outbox:
        await until(lambda: hops.now and any(lane.waiting for lane in outbox._lanes.values()))
        sent_by_then = hops.now
        world.clock.advance(minutes=20)
        hops.closed.clear()
        await until(lambda: not outbox._in_hand)
        assert len(hops.calls) == sent_by_then
        world.clock.advance(minutes=20)  # the leases end
        outbox.wake()
        await until(all_are(world, DeliveryState.SENT))
    assert len(hops.calls) == 30


async def test_a_late_record_does_not_undo_what_another_has_recorded():
    world = World()
    await pass_through(world)
    [late] = await world.desk.do(deliver.claim, 10)
    world.clock.advance(minutes=40)
    [other] = await world.desk.do(deliver.claim, 10)
    await world.desk.do(deliver.put_back, [late.delivery])
    assert await world.desk.do(deliver.claim, 10) == []
    sent = deliver.DeliveryResult(other.delivery, Outcome(250, "Ok"))
    assert [one.state for one in await world.desk.do(deliver.record_all, [sent])] == [DeliveryState.SENT]
    failed = deliver.DeliveryResult(late.delivery, Outcome(550, "no"))
    assert [one.state for one in await world.desk.do(deliver.record_all, [failed])] == [DeliveryState.SENT]
    assert await states(world) == [DeliveryState.SENT]


async def test_an_invitation_that_moved_while_it_waited_in_hand_is_not_sent():
    world, hops = World(), Hops()
    hops.closed.add("")
    await pass_through(world, 2)
    await world.receive(mail(subject="[secure patient 1980-02-03] Results"))
    async with running(world, hops) as outbox:
        await until(lambda: len(hops.calls) == 2)
        move = mail("bot@secure.riverside.example", "x", "pat@home.example MOVE pat@right.example")
        await world.receive(move, authenticated=True)
        world.clock.advance(seconds=5)
        hops.closed.clear()
        outbox.wake()
        await until(lambda: "pat@right.example" in [recipient for _, _, recipient, _ in hops.sent])
    assert "pat@home.example" not in [recipient for _, _, recipient, _ in hops.sent]
