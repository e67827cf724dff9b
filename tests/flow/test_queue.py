"""What an administrator does to mail that waits: looks, tries again, drops."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.model_records import Audit
from gateway.domain.retry import POISON_TRIES
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState, Notice, State
from gateway.flow.outbound import deliver, queue
from gateway.flow.outbound.queue import Sieve
from gateway.flow.upkeep import retention
from gateway.ports import Outcome
from tests.practice import ADA, OK, PAT, PATIENT_TAG, TEMPLATES, World, mail
from tests.reading import kinds

LATER = Outcome(451, "4.3.0 Later")


@pytest.fixture
def world():
    return World(TEMPLATES)


async def poisoned(world, **which):
    """Such a delivery could not be prepared three times."""
    row = await world.one(Delivery, **which)
    for attempts in range(1, POISON_TRIES + 1):
        await world.desk.do(deliver.record_poison, replace(row, attempts=attempts), "TemplateError")
    return row.id


async def test_what_waits_is_listed_and_what_was_set_aside(world):
    await world.receive(mail(subject="Lunch?"))
    await world.write(ADA, PAT)
    aside = await poisoned(world, kind=DeliveryKind.NOTICE)
    everything = await world.desk.ask(queue.listed, 10)
    assert {one.state for one in everything} == {DeliveryState.QUEUED, DeliveryState.QUARANTINED}
    only = await world.desk.ask(queue.listed, 10, Sieve([DeliveryState.QUARANTINED]))
    assert [one.id for one in only] == [aside]


async def test_what_was_set_aside_is_sent_when_it_is_tried_again(world):
    await world.receive(mail(subject="Lunch?"))
    aside = await poisoned(world, kind=DeliveryKind.PASS)
    assert [message["Subject"] for message in await world.deliver()] != ["Lunch?"]
    assert await world.desk.do(queue.retry, [aside, 999]) == [aside]
    assert "Lunch?" in [message["Subject"] for message in await world.deliver()]


async def test_what_waits_for_its_hop_is_tried_at_once(world):
    await world.receive(mail(subject="Lunch?"))
    await world.deliver(LATER)
    assert await world.deliver() == []
    (row,) = await world.rows(Delivery)
    await world.desk.do(queue.retry, [row.id])
    assert len(await world.deliver()) == 1


@pytest.mark.parametrize("tell", [True, False])
async def test_what_is_dropped_is_destroyed_and_told_to_its_sender(world, tell):
    await world.receive(mail(subject="Lunch?"))
    (row,) = await world.rows(Delivery)
    assert await world.desk.do(queue.drop, [row.id], tell=tell) == [row.id]
    assert await world.rows(Content) == []
    reports = await world.deliver()
    assert [report.get_content_type() for report in reports] == ["multipart/report"] * tell
    assert await world.desk.do(queue.drop, [row.id]) == []


async def test_what_was_set_aside_was_told_already(world):
    await world.receive(mail(subject="Lunch?"))
    aside = await poisoned(world, kind=DeliveryKind.PASS)
    assert len(await world.deliver()) == 1
    await world.desk.do(queue.drop, [aside])
    assert await world.deliver() == []
    assert await world.rows(Content) == []


async def test_an_invitation_that_cannot_be_written_is_told_to_its_senders(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await poisoned(world, notice=Notice.INVITATION)
    assert [one.state for one in await world.rows(Invitation)] == [State.UNDELIVERABLE]
    assert "undeliverable" in kinds(await world.deliver())
    assert [one.state for one in await world.rows(Copy)] == [CopyState.HELD]


async def test_the_postmaster_hears_of_each_mail_that_is_set_aside_and_not_again_the_next_day(world):
    await world.days(2)
    assert await world.rows(Delivery, notice=Notice.ATTENTION) == []
    await world.receive(mail(subject="Lunch?"))
    aside = await poisoned(world, kind=DeliveryKind.PASS)
    for _ in range(2):
        await world.days(1)
        await world.deliver()
    told = await world.rows(Delivery, notice=Notice.ATTENTION)
    assert [one.recipient for one in told] == [world.site.postmaster]
    await world.receive(mail(subject="Dinner?"))
    another = await poisoned(world, kind=DeliveryKind.PASS, state=DeliveryState.QUEUED)
    await world.days(1)
    await world.deliver()
    assert len(await world.rows(Delivery, notice=Notice.ATTENTION)) == 2
    await world.desk.do(queue.drop, [aside, another])
    await world.days(8)
    assert len(await world.rows(Delivery, notice=Notice.ATTENTION)) == 2


# ------------------------------------------------------------------------------------------------- paused and released


async def test_what_is_paused_is_neither_sent_nor_given_up_nor_forgotten(world):
    await world.receive(mail(subject="Lunch?"))
    (row,) = await world.rows(Delivery)
    assert await world.desk.do(queue.hold, [row.id, 999]) == [row.id]
    world.clock.advance(days=400)
    assert await world.deliver() == []
    await world.desk.do(retention.deliveries, 0, 100)
    assert [one.state for one in await world.rows(Delivery)] == [DeliveryState.PAUSED]
    assert await world.desk.do(queue.retry, [row.id]) == []
    assert await world.desk.do(queue.release, [row.id]) == [row.id]
    assert await world.deliver(LATER) != []
    assert [one.state for one in await world.rows(Delivery)] == [DeliveryState.QUEUED]
    assert await world.desk.do(queue.release, [row.id]) == []
    acts = [(one.actor, one.action) for one in await world.rows(Audit, subject=f"delivery {row.id}")]
    assert acts == [(ADMINISTRATOR, Act.PAUSED), (ADMINISTRATOR, Act.RESUMED)]


async def test_what_left_while_it_was_paused_is_not_sent_twice(world):
    await world.receive(mail(subject="Lunch?"))
    ((prepared),) = await world.desk.do(deliver.claim, 10)
    await world.desk.do(queue.hold, [prepared.delivery.id])
    await world.desk.do(deliver.record, prepared.delivery, OK, b"")
    assert [one.state for one in await world.rows(Delivery)] == [DeliveryState.SENT]


async def test_what_failed_for_now_while_it_was_paused_stays_paused(world):
    await world.receive(mail(subject="Lunch?"))
    ((prepared),) = await world.desk.do(deliver.claim, 10)
    await world.desk.do(queue.hold, [prepared.delivery.id])
    await world.desk.do(deliver.record, prepared.delivery, LATER, b"")
    assert [one.state for one in await world.rows(Delivery)] == [DeliveryState.PAUSED]


async def test_what_waits_is_sifted(world):
    await world.receive(mail(subject="Lunch?", to="omar@hillside.example"))
    world.clock.advance(hours=1)
    await world.receive(mail(to="eve@hospital.example"))
    relay = Sieve(hop="hospital.example")
    assert [one.recipient for one in await world.desk.ask(queue.listed, 10, relay)] == ["eve@hospital.example"]
    assert await world.desk.ask(queue.by_hop, Sieve()) == {"": 1, "hospital.example": 1}
    for sieve in (Sieve(hop=""), Sieve(recipient="OMAR"), Sieve(before=world.clock.now() - timedelta(minutes=30))):
        assert [one.recipient for one in await world.desk.ask(queue.listed, 10, sieve)] == ["omar@hillside.example"]


async def test_one_delivery_is_shown_whatever_has_become_of_it(world):
    await world.receive(mail(to="eve@hospital.example"), queue_id="e6ba28a6275b")
    (row,) = await world.rows(Delivery, hop="hospital.example")
    shown = await world.desk.ask(queue.shown, row.id)
    assert (shown.delivery.queue_id, shown.message_id, shown.size > 100) == ("e6ba28a6275b", 1, True)
    await world.desk.do(queue.drop, [row.id])
    shown = await world.desk.ask(queue.shown, row.id)
    assert shown.delivery.state is DeliveryState.DROPPED
    assert [one.action for one in shown.audit] == ["dropped"]
    assert await world.desk.ask(queue.shown, 999) is None
