"""What has served its time is removed: rows, in small batches, and nothing that anybody still needs."""

from dataclasses import replace

import pytest

from gateway.domain.model import Content, Copy, Delivery, Invitation, Message, WaitingSender
from gateway.domain.model_drafts import Draft
from gateway.domain.model_questions import Question
from gateway.domain.model_records import Audit
from gateway.domain.site import Retention
from gateway.domain.vocabulary import DeliveryState, Purpose, State
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.housekeeping import keep_house
from gateway.flow import copies
from gateway.flow.outbound import deliver
from gateway.flow.upkeep import retention
from tests.practice import ADA, BEA, PAT, PATIENT_TAG, SITE, TEMPLATES, World, mail

SHORT = replace(SITE, retention=Retention(sent=30, traces=60, audit=90))


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr("gateway.edge.run.housekeeping.PAUSE", 0)
    monkeypatch.setattr("gateway.edge.run.housekeeping.AT_A_TIME", 3)
    return World(TEMPLATES, site=SHORT)


async def after(world, days):
    world.clock.advance(days=days)
    await world.tick()
    await world.deliver()
    await keep_house(world.desk, Traffic())


async def test_to_whom_mail_was_sent_is_forgotten_after_its_days(world):
    for number in range(10):
        await world.receive(mail(f"p{number}@home.example", subject="Lunch?"))
    await world.deliver()
    await after(world, 29)
    assert len(await world.rows(Delivery)) == 10
    await after(world, 2)
    (newest,) = await world.rows(Delivery)  # so that its number is not used again
    assert newest.id == 10
    await world.receive(mail(subject="Lunch?"))
    assert [one.id for one in await world.rows(Delivery)] == [10, 11]


async def test_what_waits_stays_and_what_was_set_aside_is_dropped(world):
    for number in range(5):
        await world.receive(mail(f"p{number}@home.example", subject="Lunch?"))
    waits, poison, *_ = await world.rows(Delivery)
    await world.desk.do(lambda ctx: ctx.tx.put(replace(waits, due_at=ctx.now.replace(year=2030))))
    await world.desk.do(deliver.record_poison, replace(poison, attempts=3), "TemplateError")
    await world.deliver()
    contents = len(await world.rows(Content))
    world.clock.advance(days=31)
    await keep_house(world.desk, Traffic())
    left = await world.rows(Delivery)
    assert [(one.id, one.state) for one in left[:1]] == [(waits.id, DeliveryState.QUEUED)]
    assert poison.id not in {one.id for one in left}
    assert len(await world.rows(Content)) < contents


async def test_a_message_is_forgotten_with_its_last_copy_and_answers_to_it_stay(world):
    account = await world.registered()
    for number in range(4):
        await world.write(ADA, PAT, tag="secure", body=f"{number}")
    assert len(await world.rows(Copy)) == 4
    kept = await world.rows(Copy)
    messages = await world.rows(Message)

    for copy in (kept[0], kept[3]):
        await world.desk.do(copies.destroy, copy)
    answer = replace(messages[1], reply_to_id=messages[0].id)
    await world.desk.do(lambda ctx: ctx.tx.put(answer))
    draft = Draft(account_id=account.id, copy_id=kept[0].id, sealed=b"", changed_at=world.clock.now())
    await world.desk.do(lambda ctx: ctx.tx.add(draft))
    await after(world, 59)
    assert len(await world.rows(Copy)) == 4
    await after(world, 2)
    assert [one.id for one in await world.rows(Copy)] == [kept[1].id, kept[2].id, kept[3].id]  # the newest
    assert [(one.id, one.reply_to_id) for one in await world.rows(Message)] == [
        (messages[1].id, None),
        (messages[2].id, None),
        (messages[3].id, None),  # the newest
    ]
    assert await world.rows(Draft) == []


async def test_an_invitation_that_came_to_nothing_is_forgotten_and_one_with_wrong_birthdates_later(world):
    for number in range(4):
        await world.write(ADA, f"p{number}@home.example", tag=PATIENT_TAG)
    await world.try_birthdate()
    for one in await world.rows(Invitation):
        await world.say("CANCEL", token=world.keys.token(Purpose.WAITING_SENDER, one.id))
    assert {one.state for one in await world.rows(Invitation)} == {State.CANCELLED}
    await after(world, 31)
    await after(world, 31)
    assert [one.typed for one in await world.rows(Invitation)] == ["p3@home.example"]
    assert len(await world.rows(WaitingSender)) == 1
    await world.write(ADA, PAT)
    await after(world, 31)
    assert [one.typed for one in await world.rows(Invitation)] == ["pat@home.example"]


async def test_the_number_in_a_link_is_never_that_of_another_row(world):
    """An old invitation may be what the newest sender waits for, and the newest copy is held by it."""
    await world.write(ADA, "p0@home.example", tag=PATIENT_TAG)
    await world.write(ADA, "p1@home.example", tag=PATIENT_TAG)
    await world.write(BEA, "p0@home.example", tag=PATIENT_TAG)
    newest = {table: max(one.id for one in await world.rows(table)) for table in (Copy, Invitation, WaitingSender)}
    for sender, one in ((ADA, 1), (ADA, 2), (BEA, 3)):
        token = world.keys.token(Purpose.WAITING_SENDER, one)
        await world.say("CANCEL", author=sender, token=token)
    await after(world, 61)
    await after(world, 61)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    for table, number in newest.items():
        assert max(one.id for one in await world.rows(table)) == number + 1


async def test_living_invitations_accounts_and_inboxes_stay(world):
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.accept()
    before = await world.rows(Copy), await world.rows(Message), await world.rows(Invitation), await world.rows(Content)
    for _ in range(8):
        await after(world, 31)
    assert before == (
        await world.rows(Copy),
        await world.rows(Message),
        await world.rows(Invitation),
        await world.rows(Content),
    )


async def test_questions_and_the_audit_end_as_well(world):
    await world.write(ADA, PAT, tag="secured")
    await world.days(8)
    first = (await world.rows(Audit))[0]
    await after(world, 61)
    await after(world, 1)
    assert len(await world.rows(Copy)) == 1  # the newest
    await after(world, 30)
    assert first.id not in {one.id for one in await world.rows(Audit)}
    assert len(await world.rows(Question)) == 1  # the newest


async def test_a_sweep_never_takes_more_than_it_may(world):
    for number in range(10):
        await world.receive(mail(f"p{number}@home.example", subject="Lunch?"))
    await world.deliver()
    world.clock.advance(days=31)
    assert await world.desk.do(retention.deliveries, 0, 4) == 4
    assert len(await world.rows(Delivery)) == 6


async def test_house_keeping_ends_when_we_end(world):
    for number in range(10):
        await world.receive(mail(f"p{number}@home.example", subject="Lunch?"))
    await world.deliver()
    world.clock.advance(days=31)
    await keep_house(world.desk, Traffic(), lambda: True)
    assert len(await world.rows(Delivery)) == 7  # what had begun
    await keep_house(world.desk, Traffic())
    assert len(await world.rows(Delivery)) == 1
