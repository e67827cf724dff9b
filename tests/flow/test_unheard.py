"""Senders that nobody reads mail for, and mail to senders that comes back: somebody at the practice hears."""

from dataclasses import replace

import pytest

from gateway.domain.model import Copy, Delivery, Invitation
from gateway.domain.vocabulary import CopyState, DeliveryKind, Notice, State
from gateway.flow.inbox import messages
from gateway.flow.outbound import deliver
from gateway.ports import Outcome
from tests.practice import ADA, CLEO, HILLSIDE, PATIENT_TAG, RIVERSIDE, SITE, World, bare, mail
from tests.reading import codes, kinds, text

ROBOT = "Records <noreply@riverside.example>"
FRONT, MANAGER = "reception@riverside.example", "max@riverside.example"
GONE = Outcome(550, "5.1.1 no such user")


def with_practice(**changes) -> World:
    return World(site=replace(SITE, practices=(replace(RIVERSIDE, **changes), HILLSIDE)))


@pytest.fixture
def world() -> World:
    return with_practice(fallback=FRONT, managers=(MANAGER,))


async def held(world: World, author: str = ROBOT, tag: str = "secure") -> None:
    await world.receive(mail(subject=f"[{tag}] Your results", sender=author), mail_from=bare(author))


async def fail(world: World, *notices: Notice) -> list:
    """The next hop refuses all that waits of these kinds for good, and takes the rest; what was said about it then."""
    for row in await world.rows(Delivery, kind=DeliveryKind.NOTICE, state="queued"):
        if row.notice in notices:
            await world.desk.do(deliver.record, row, GONE, b"")
    return await world.deliver()


# ---------------------------------------------------------------------------------------------------------- machines


async def test_the_fallback_is_asked_in_a_machines_place_and_may_answer(world):
    await held(world)
    [receipt] = await world.deliver()
    assert receipt["To"] == FRONT
    assert "instead_of: noreply@riverside.example" in text(receipt)
    answers = await world.reply(receipt, "PATIENT 1980-02-03", sender=FRONT)
    assert "invitation" in kinds(answers)
    assert {m["To"] for m in answers} == {FRONT, "pat@home.example"}
    assert kinds(answers) == ["invitation", "transcript"]


async def test_what_is_told_later_goes_there_too(world):
    await held(world)
    await world.deliver()
    await world.days(8)
    told = [one for one in await world.deliver() if one["X-Gateway-Notice"] != Notice.ATTENTION]  # nothing was sent
    assert {m["To"] for m in told} == {FRONT}
    assert kinds(told) == ["details-again", "details-again", "lapsed"]


async def test_others_at_the_practice_may_not_answer(world):
    await held(world)
    [receipt] = await world.deliver()
    await world.reply(receipt, "PATIENT 1980-02-03", sender=CLEO)
    [invitation] = await world.rows(Invitation)
    assert invitation.state is State.AWAITING


async def test_a_machine_that_is_called_like_a_person_is_named_in_the_settings():
    world = with_practice(fallback=FRONT, machines=("ehr@riverside.example",))
    await held(world, "EHR <ehr@riverside.example>")
    [receipt] = await world.deliver()
    assert receipt["To"] == FRONT


async def test_without_a_fallback_the_first_manager_is_asked():
    world = with_practice(managers=(MANAGER,))
    await held(world)
    [receipt] = await world.deliver()
    assert receipt["To"] == MANAGER
    assert codes(next(iter(await world.reply(receipt, "STATUS", sender=MANAGER)))) == ["status"]


async def test_what_a_patient_answers_to_a_machine_is_read(world):
    await held(world, tag=PATIENT_TAG)
    await world.collect()
    account = await world.accept()
    await world.deliver()
    copy = await world.one(Copy, account_id=account.id)
    written = messages.Written(world.content.put(b"Subject: x\r\n\r\nan answer"), "Re", "<answer@x.example>")
    await world.desk.do(messages.reply, account, copy.id, written)
    [answer] = await world.deliver()
    assert (answer["X-Gateway-Notice"], answer["To"]) == ("reply", FRONT)
    back = mail(answer["Reply-To"], "Re: Re", "Thank you.", f"Reception <{FRONT}>")
    await world.receive(back, mail_from=FRONT)
    assert len(await world.rows(Copy, account_id=account.id, state=CopyState.INBOX)) == 2


# --------------------------------------------------------------------------------------------- mail that comes back


async def test_a_receipt_that_is_refused_is_told_to_the_fallback_who_may_answer(world):
    await held(world, ADA)
    [told] = await fail(world, Notice.RECEIPT)
    assert (told["X-Gateway-Notice"], told["To"]) == ("unheard", FRONT)
    answers = await world.reply(told, "pat@home.example PATIENT 1980-02-03", sender=FRONT)
    assert "invitation" in kinds(answers)


async def test_a_receipt_that_bounces_later_is_told_as_well(world):
    await held(world, ADA)
    await world.deliver()
    delivery = world.sent[-1][0]
    report = (
        b"From: <>\r\nSubject: failed\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
    )
    report += (
        b"\r\n--b\r\n\r\nfailed\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
    )
    report += b"Final-Recipient: rfc822; ada@riverside.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    await world.receive(report, world.writer.envelope_sender(delivery), mail_from="", trusted=False)
    assert kinds(await world.deliver()) == ["unheard"]


async def test_without_a_fallback_all_managers_hear_and_without_those_the_postmaster():
    world = with_practice(managers=(MANAGER, "mo@riverside.example"))
    await held(world, ADA)
    assert {m["To"] for m in await fail(world, Notice.RECEIPT)} == {MANAGER, "mo@riverside.example"}
    world = with_practice()
    await held(world, ADA)
    assert [m["To"] for m in await fail(world, Notice.RECEIPT)] == [SITE.postmaster]


async def test_when_the_fallback_itself_is_dead_the_managers_hear(world):
    await held(world)
    [told] = await fail(world, Notice.RECEIPT)
    assert (told["X-Gateway-Notice"], told["To"]) == ("unheard", MANAGER)


async def test_nothing_lapses_unheard(world):
    await held(world, ADA)
    said = await fail(world, Notice.RECEIPT)
    for _ in range(8):
        await world.days(1)
        said += await fail(world, Notice.DETAILS_AGAIN, Notice.LAPSED)
    assert kinds(said) == ["unheard"] * 4
    assert "'state': 'lapsed'" in text(said[-1])


async def test_a_mail_about_that_which_comes_back_too_ends_there(world):
    await held(world, ADA)
    for row in await world.rows(Delivery):
        await world.desk.do(deliver.record, row, GONE, b"")
    assert await fail(world, Notice.UNHEARD) == []


async def test_what_may_pass_tells_nobody(world):
    await held(world, ADA)
    await world.deliver(Outcome(451, "4.3.0 later"))
    assert [one.notice for one in await world.rows(Delivery)] == [Notice.RECEIPT]


async def test_a_question_about_a_mail_is_asked_of_the_fallback(world):
    await held(world, ADA, "secured")
    [asked] = await fail(world, Notice.NEAR_MISS)
    assert (asked["X-Gateway-Notice"], asked["To"]) == ("near-miss", FRONT)
    assert "stage: again" in text(asked)
    assert "receipt" in kinds(await world.reply(asked, "YES", sender=FRONT))


async def test_that_a_mail_was_destroyed_is_told_to_the_fallback(world):
    await held(world, ADA, "secured")
    await world.deliver()
    await world.days(8)
    for row in await world.rows(Delivery, notice=Notice.NEAR_MISS, state="queued"):
        await world.desk.do(deliver.record, row, Outcome(250, "ok") if row.id < 3 else GONE, b"")
    told = [one for one in await world.deliver() if one["To"] == FRONT]
    assert kinds(told) == ["near-miss"]
    assert "stage: over" in text(told[0])
    assert "readers: ['pat@home.example']" in text(told[0])
