"""What an administrator does to mail that waits: looks, tries again, drops."""

from dataclasses import replace

import pytest

from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.retry import POISON_TRIES
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState, Notice, State
from gateway.flow import deliver, queue
from gateway.ports import Outcome
from tests.practice import ADA, PAT, PATIENT_TAG, TEMPLATES, World, mail
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
    only = await world.desk.ask(queue.listed, 10, [DeliveryState.QUARANTINED])
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


async def test_the_postmaster_hears_once_a_day_and_only_while_there_is_something(world):
    await world.days(2)
    assert await world.rows(Delivery, notice=Notice.ATTENTION) == []
    await world.receive(mail(subject="Lunch?"))
    aside = await poisoned(world, kind=DeliveryKind.PASS)
    await world.days(2)
    told = await world.rows(Delivery, notice=Notice.ATTENTION)
    assert [one.recipient for one in told] == [world.site.postmaster] * 2
    await world.desk.do(queue.drop, [aside])
    await world.days(2)
    assert len(await world.rows(Delivery, notice=Notice.ATTENTION)) == 2
