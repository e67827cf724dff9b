"""The gateway is taken out of use: who gets what back, who is told, and what is left."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from gateway.admin.leaving import preview
from gateway.domain.ledger import LedgerKind
from gateway.domain.model import Content, Copy, Delivery, Invitation
from gateway.domain.model_records import Audit, LedgerEntry
from gateway.domain.needs import NeedKind
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState, Notice, State
from gateway.flow.administration import leaving
from gateway.flow.administration.needs import needs
from gateway.flow.outbound import deliver, queue
from gateway.flow.upkeep import retention
from gateway.mail.bounces import Bounce, Severity
from gateway.ports import Outcome
from tests.practice import ADA, PAT, PATIENT_TAG, SECRET, SITE, TEMPLATES, World

UNA, BEA = "Una <una@home.example>", "Bea <bea@riverside.example>"
OK = Outcome(250, "2.0.0 Ok")
LOCAL = replace(SITE, replies_may_travel=False)


async def leave(world: World, *, runs: int = 1) -> None:
    await world.collect()
    world.mails.clear()
    world.octets.clear()
    until = world.clock.now().date() + timedelta(days=30)
    for _ in range(runs):
        for step in (leaving.hand_back, leaving.end_invitations):
            last = 0
            while last := await world.desk.do(step, last, 1):
                pass
        while await world.desk.do(leaving.tell_accounts, until, 1):
            pass
    await world.collect()


def told(world: World) -> list[tuple[str, str]]:
    return sorted((mail.notice.value, mail.audience.value) for mail in world.mails)


def enclosed(octets: bytes) -> str:
    """The mail that lies in a notice."""
    sent = message_from_bytes(octets, policy=policy.default)
    [attached] = sent.iter_attachments()
    assert attached.get_content_type() == "message/rfc822"
    return attached.get_content().get_content().strip()


@pytest.mark.parametrize("tag", ["secure", PATIENT_TAG])
async def test_what_is_held_goes_back_whole_and_nothing_of_it_is_kept(tag):
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=tag)
    await leave(world)
    [back] = [octets for octets in world.octets if b"X-Gateway-Notice: returned" in octets]
    assert enclosed(back) == SECRET
    assert (await world.one(Copy)).state is CopyState.DESTROYED
    assert (await world.one(Invitation)).state is State.CANCELLED
    row = await world.one(Delivery, kind=DeliveryKind.RETURN)
    assert row.recipient == "ada@riverside.example"
    await world.desk.do(deliver.record, row, OK, b"")
    assert await world.desk.do(deliver.forget_returned, 10) == 0
    world.clock.advance(days=8)  # it may still come back until then
    assert await world.desk.do(retention.returned, 0, 10) == 0
    assert await world.rows(Content) == []
    assert (await world.one(Delivery, kind=DeliveryKind.RETURN)).wrapped_key is None
    assert LedgerKind.COPY in [row.kind for row in await world.rows(LedgerEntry)]


REFUSED = Outcome(550, "5.1.1 No such user")
BOUNCE = Bounce(Severity.PERMANENT, "5.1.1")


@pytest.mark.parametrize("how", ["refused", "bounced"])
async def test_what_its_sender_does_not_take_back_is_set_aside_whole_and_can_be_sent_again(how):
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    await leave(world)
    row = await world.one(Delivery, kind=DeliveryKind.RETURN)
    await world.desk.do(deliver.record, row, REFUSED if how == "refused" else OK, b"")
    if how == "bounced":
        world.clock.advance(days=5)
        await world.desk.do(deliver.bounced, await world.one(Delivery, id=row.id), BOUNCE)
    world.clock.advance(days=20)
    await world.desk.do(retention.returned, 0, 10)
    aside = await world.one(Delivery, id=row.id)
    assert (aside.state, aside.recipient, "5.1.1" in aside.last_reply) == (
        DeliveryState.QUARANTINED,
        "ada@riverside.example",
        True,
    )
    assert NeedKind.SET_ASIDE in [one.kind for one in await world.desk.ask(needs)]
    found = await world.desk.ask(leaving.held)
    assert found.came_back == 1
    assert "1 mails that were handed back were not taken" in "\n".join(preview(found, world.clock.now().date()))
    await world.desk.do(queue.retry, [row.id])
    await world.deliver()
    assert [enclosed(octets) for delivery, _, octets in world.sent if delivery.id == row.id] == [SECRET]


async def test_an_invitee_hears_of_it_only_if_they_were_invited_before():
    world = World(TEMPLATES)
    await world.write(ADA, UNA)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    [invitation] = await world.rows(Delivery, notice=Notice.INVITATION)
    await world.desk.do(deliver.record, invitation, OK, b"")
    await leave(world)
    closing = await world.rows(Delivery, notice=Notice.CLOSING)
    assert [row.recipient for row in closing] == ["pat@home.example"]


async def test_an_invitation_that_has_not_left_never_does():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await leave(world)
    assert await world.rows(Delivery, notice=Notice.CLOSING) == []
    sent = await world.deliver()
    assert not [mail for mail in sent if mail["X-Gateway-Notice"] == "invitation"]


async def test_one_mail_to_several_goes_back_once_and_names_them():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, UNA)
    await leave(world)
    [mail] = [mail for mail in world.mails if mail.notice is Notice.RETURNED]
    assert set(mail.facts["readers"]) == {"pat@home.example", "una@home.example"}
    assert "una@home.example" in mail.rendered.text


async def test_each_sender_gets_their_own():
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    await world.write(BEA, PAT)
    await leave(world)
    back = await world.rows(Delivery, kind=DeliveryKind.RETURN)
    assert sorted(row.recipient for row in back) == ["ada@riverside.example", "bea@riverside.example"]
    assert len(await world.rows(Invitation)) == 1


async def test_where_it_may_not_travel_the_sender_is_told_and_it_is_destroyed():
    world = World(TEMPLATES, site=LOCAL)
    await world.write(ADA, PAT)
    await leave(world)
    assert told(world) == [("returned", "sender")]
    [mail] = world.mails
    assert "destroyed" in mail.rendered.text
    assert SECRET.encode() not in world.octets[0]
    assert await world.rows(Content) == []
    assert (await world.one(Delivery, notice=Notice.RETURNED)).kind is DeliveryKind.NOTICE


async def test_a_question_is_over_and_its_mail_goes_back():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag="secured")
    await leave(world)
    [back] = [octets for octets in world.octets if b"X-Gateway-Notice: returned" in octets]
    assert enclosed(back) == SECRET
    assert await world.rows(Delivery, kind=DeliveryKind.PASS, state=DeliveryState.HELD) == []
    await world.days(8)
    await world.collect()
    assert Notice.NEAR_MISS not in [mail.notice for mail in world.mails]


async def test_people_with_an_inbox_are_told_once_until_when():
    world = World(TEMPLATES)
    await world.registered()
    await leave(world, runs=3)
    assert told(world) == [("closing", "account")]
    assert "/profile/download" in world.mails[0].rendered.text


async def test_run_again_it_does_nothing_twice():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.deliver()
    await leave(world, runs=3)
    assert told(world) == [("closing", "invitee"), ("returned", "sender")]


async def invited_and_answered(world):
    """Pat answers the invitation by mail, which the sender is to read."""
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.deliver()
    invited = next(mail for _, mail, _ in world.sent if mail["X-Gateway-Notice"] == "invitation")
    await world.receive(
        b"From: pat@home.example\r\nTo: %b\r\nSubject: Re\r\nMessage-ID: <1@home.example>\r\n\r\nI feel worse.\r\n"
        % invited["Reply-To"].encode(),
        mail_from="pat@home.example",
        trusted=False,
    )


async def test_what_an_invitee_has_answered_goes_to_those_who_wait():
    world = World(TEMPLATES)
    await invited_and_answered(world)
    assert (await world.desk.ask(leaving.held)).answers == 1
    await leave(world)
    [back] = [octets for octets in world.octets if b"I feel worse." in octets]
    assert "Kept for you" in message_from_bytes(back, policy=policy.default)["Subject"]
    assert (await world.one(Invitation)).state is State.CANCELLED


async def test_an_answer_that_may_not_travel_keeps_its_invitation_open():
    world = World(TEMPLATES, site=LOCAL)
    await invited_and_answered(world)
    await leave(world)
    assert await world.desk.ask(leaving.left_open) == 1
    assert len(await world.rows(Copy, state=CopyState.TO_SENDERS)) == 1


async def test_it_stands_in_the_audit():
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    await world.desk.do(leaving.begin)
    await leave(world)
    acts = [row.action for row in await world.rows(Audit)]
    assert {"began to leave", "handed back", "destroyed"} <= set(acts)


async def test_a_mail_that_cannot_be_opened_costs_itself_alone():
    world = World(TEMPLATES)
    await world.write(ADA, PAT)
    await world.write(BEA, UNA)
    copy = (await world.rows(Copy))[0]
    await world.desk.do(lambda ctx: ctx.tx.put(replace(copy, wrapped_key=b"altered")))
    await leave(world)
    back = [mail for mail in world.mails if mail.notice is Notice.RETURNED]
    assert sorted(mail.facts["enclosed"] for mail in back) == [False, True]
    assert await world.rows(Copy, state=CopyState.HELD) == []
