"""A backup is restored: what the ledger tells is done again, and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from gateway.domain.acts import Act
from gateway.domain.address import address
from gateway.domain.ledger import LedgerKind, LedgerLine, Sent
from gateway.domain.model import TABLES, Account, Content, Copy, Delivery, Invitation
from gateway.domain.model_questions import Question
from gateway.domain.model_records import Audit, LedgerEntry, LegalHold
from gateway.domain.vocabulary import Answer, CopyState, DeliveryKind, DeliveryState, Notice, State
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.housekeeping import keep_house
from gateway.flow import ledger
from gateway.flow.accounts import account as accounts
from gateway.flow.administration import holds
from gateway.flow.inbox import recall
from gateway.flow.upkeep import holding, outage, replay
from gateway.flow.upkeep.replay import Replayed
from tests.flow.test_people import erased, traces
from tests.practice import PATIENT, World, mail
from tests.reading import kinds


@pytest.fixture
def world():
    return World()


def lines_of(entries) -> list[LedgerLine]:
    return [LedgerLine(number, one.at, one.kind, one.subject, "") for number, one in enumerate(entries, 1)]


async def restored(world: World, meanwhile: Callable[[], Awaitable[object]]) -> Replayed:
    """The database as it was before this happened, and what the ledger tells of it done again."""
    tables = {table: dict(rows) for table, rows in world.store._tables.items()}
    sent = len(world.sent)
    await meanwhile()
    told = await world.rows(LedgerEntry)
    for delivery, _, _ in world.sent[sent:]:
        subject = str(ledger.sent(world.keys, delivery))
        told.append(LedgerEntry(at=world.clock.now(), kind=LedgerKind.SENT, subject=subject))
    world.store._tables = tables
    return await world.desk.do(replay.follow, replay.to_follow(lines_of(told)))


async def test_a_recalled_message_stays_recalled_and_its_content_is_gone(world):
    pat = await world.registered()
    copy = await world.written(pat)
    await world.deliver()
    done = await restored(world, lambda: world.desk.do(recall.take_back, copy, "", "ada@riverside.example"))
    assert done.destroyed == 1
    [copy] = await world.rows(Copy)
    assert (copy.state, copy.wrapped_key) == (CopyState.RECALLED, None)
    assert await world.rows(Content) == []
    assert await world.rows(Delivery, state=DeliveryState.QUEUED) == []


async def test_who_was_erased_is_named_by_no_row(world):
    await world.invited(PATIENT)
    await world.written(await world.registered("quinn@home.example"))
    await world.deliver()
    for at in map(address, ("pat@home.example", "quinn@home.example")):
        await restored(world, partial(erased, world, at))
        named = traces({table: await world.rows(table) for table in TABLES}, at.key)
        assert named <= {"Audit"}, at


async def test_what_a_legal_hold_keeps_has_ended_and_is_kept(world):
    copy = await world.written(await world.registered())
    line = LedgerLine(1, world.clock.now(), LedgerKind.COPY, f"{copy.id} RECALLED kept", "")
    assert (await world.desk.do(replay.follow, [line])).destroyed == 0
    [copy] = await world.rows(Copy)
    assert (copy.state, copy.kept, copy.wrapped_key is None) == (CopyState.RECALLED, True, False)
    released = LedgerLine(2, world.clock.now(), LedgerKind.COPY, f"{copy.id} RECALLED gone", "")
    assert (await world.desk.do(replay.follow, [released])).destroyed == 1


@pytest.mark.parametrize("on_practice", [False, True])
async def test_a_hold_that_was_placed_later_stands_before_anything_is_destroyed(world, on_practice):
    """Without it the first sweep would destroy what it had kept."""
    copy = await world.written(await world.registered())

    async def meanwhile():
        place = partial(holds.hold_practice, practice_id="riverside") if on_practice else holds.hold_person
        words = () if on_practice else (address("pat@home.example"),)
        await world.desk.do(partial(place, reason="a claim"), *words)
        await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")

    await restored(world, meanwhile)
    await keep_house(world.desk, Traffic())
    [copy] = await world.rows(Copy)
    assert (copy.state, copy.kept, copy.wrapped_key is None) == (CopyState.RECALLED, True, False)
    [hold] = await world.rows(LegalHold)
    assert (hold.address, hold.practice_id) == (("", "riverside") if on_practice else ("pat@home.example", ""))
    assert "placed again after a restore" in hold.reason
    assert await world.desk.ask(holding.unplaced, lines_of(await world.rows(LedgerEntry))) == []


async def test_a_hold_that_was_released_is_released_and_what_it_kept_goes(world):
    copy = await world.written(await world.registered())
    await world.desk.do(holds.hold_person, address("pat@home.example"), "a claim")
    await world.desk.do(recall.take_back, copy, "", "ada@riverside.example")

    async def meanwhile():
        await world.desk.do(holds.release_person, address("pat@home.example"))

    await restored(world, meanwhile)
    [hold] = await world.rows(LegalHold)
    assert hold.released_by == "gateway"
    await keep_house(world.desk, Traffic())
    assert [one.wrapped_key for one in await world.rows(Copy)] == [None]


async def test_a_hold_on_somebody_whom_the_backup_does_not_know_is_told(world):
    lines = []

    async def meanwhile():
        await world.desk.do(holds.hold_person, address("quinn@home.example"), "a claim")
        lines.extend(lines_of(await world.rows(LedgerEntry)))

    await restored(world, meanwhile)
    assert await world.rows(LegalHold) == []
    assert await world.desk.ask(holding.unplaced, lines) == lines
    assert "quinn" not in lines[0].subject
    released = replace(lines[0], number=2, subject=lines[0].subject.replace("placed", "released"))
    assert await world.desk.ask(holding.unplaced, [*lines, released]) == []


async def test_an_erased_account_is_erased_and_nobody_is_told_twice(world):
    pat = await world.registered()
    await world.written(pat)
    await world.deliver()
    done = await restored(world, lambda: world.desk.do(accounts.erase, pat))
    assert done.destroyed == 2
    [account] = await world.rows(Account)
    assert account.is_erased
    assert [one.actor for one in await world.rows(Audit, action=Act.ERASED)] == ["gateway"]
    assert [one.wrapped_key for one in await world.rows(Copy)] == [None]
    assert await world.rows(Delivery, state=DeliveryState.QUEUED) == []


async def test_what_was_sent_is_not_sent_again_and_what_was_not_is(world):
    await world.receive(mail("p1@home.example", subject="Lunch?"))
    done = await restored(world, world.deliver)
    assert done.sent == 1
    [delivery] = await world.rows(Delivery)
    assert (delivery.state, delivery.wrapped_key) == (DeliveryState.SENT, None)
    assert await world.rows(Content) == []
    await world.receive(mail("p2@home.example", subject="Lunch?"))
    assert len(await world.deliver()) == 1


async def test_a_mail_to_somebody_else_under_the_same_number_is_sent(world):
    """The ledger of another time, in which the number was another mail's."""
    await world.receive(mail("p1@home.example", subject="Lunch?"))
    [delivery] = await world.rows(Delivery)
    word = str(ledger.sent(world.keys, delivery)).replace(ledger.recipient_digest(world.keys, delivery.recipient), "00")
    line = LedgerLine(1, world.clock.now(), LedgerKind.SENT, word, "")
    assert (await world.desk.do(replay.follow, [line])).sent == 0
    assert len(await world.deliver()) == 1


async def test_a_mail_that_was_given_up_is_not_sent(world):
    await world.receive(mail("p1@home.example", subject="Lunch?"))
    [delivery] = await world.rows(Delivery)

    async def refused():
        from gateway.ports import Outcome

        await world.deliver(Outcome(550, "5.1.1 no such user"))

    assert (await restored(world, refused)).destroyed == 1
    assert await world.deliver() == []
    assert (await world.one(Delivery, id=delivery.id)).state is DeliveryState.DROPPED


async def test_a_reminder_that_was_sent_counts_and_wrong_birthdates_do_too(world):
    await world.invited(PATIENT)
    await world.deliver()

    async def meanwhile():
        await world.days(4)
        await world.deliver()
        await world.try_birthdate(times=2)

    assert (await restored(world, meanwhile)).moved == 1
    invitation = await world.one(Invitation)
    assert (invitation.last_step_day, invitation.wrong_birthdates) == (3, 2)
    await world.tick()
    assert await world.deliver() == []
    await world.try_birthdate()
    assert (await world.one(Invitation)).state is State.LOCKED


async def test_an_invitation_that_was_locked_stays_locked_and_one_with_a_new_link_keeps_the_new_one(world):
    await world.invited(PATIENT)
    await world.deliver()
    await world.collect()
    await restored(world, lambda: world.try_birthdate(times=3))
    invitation = await world.one(Invitation)
    assert invitation.state is State.LOCKED
    stands = LedgerLine(9, world.clock.now(), LedgerKind.INVITATION, str(ledger.standing(invitation)), "")
    again = stands.subject.replace("locked 1", "invited 7")
    later = LedgerLine(10, world.clock.now(), LedgerKind.INVITATION, again, "")
    await world.desk.do(replay.follow, replay.to_follow([stands, later]))
    invitation = await world.one(Invitation)
    assert (invitation.state, invitation.generation) == (State.LOCKED, 7)  # it has no details that came later


async def test_an_answered_question_is_answered_and_its_mail_left_once(world):
    await world.receive(mail(subject="[secured] Results"))
    [asked] = await world.deliver()
    assert kinds([asked]) == ["near-miss"]
    await restored(world, lambda: world.reply(asked, "PLAIN"))
    assert (await world.one(Question)).answer is Answer.PLAIN
    assert [one.state for one in await world.rows(Delivery, kind="pass")] == [DeliveryState.SENT]
    assert [one.state for one in await world.rows(Copy)] == [CopyState.PASSED]
    assert await world.deliver() == []


async def test_after_a_restore_what_ended_meanwhile_gets_more_time(world):
    await world.invited(PATIENT)
    await world.deliver()
    await world.desk.do(outage.note_alive)
    assert not await world.desk.ask(outage.length)
    await world.desk.do(outage.note_away)
    assert await world.desk.ask(outage.length) > outage.OUTAGE
    assert await world.desk.do(replay.begin_anew) == 0


async def test_a_report_of_the_day_is_not_repeated(world):
    await world.desk.do(lambda ctx: ctx.tx.add(_aside(ctx)))
    world.clock.advance(hours=12)
    told = Sent(delivery=99, created=0, kind="notice", notice=Notice.ATTENTION, about="", recipient="00")
    await world.desk.do(replay.follow, [LedgerLine(1, world.clock.now(), LedgerKind.SENT, str(told), "")])
    await world.tick()
    assert await world.rows(Delivery, notice=Notice.ATTENTION) == []
    world.clock.advance(days=1)
    await world.tick()
    assert len(await world.rows(Delivery, notice=Notice.ATTENTION)) == 1


def _aside(ctx):

    return Delivery(
        kind=DeliveryKind.NOTICE,
        recipient="pat@home.example",
        state=DeliveryState.QUARANTINED,
        created_at=ctx.now,
        due_at=ctx.now,
    )
