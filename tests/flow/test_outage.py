"""What would have ended while the gateway was away: it is asked about again, and waits a day more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.model import Copy, Invitation
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import CopyState, State
from gateway.flow.inbound import question
from gateway.flow.inbox import recall
from gateway.flow.invitations import due_steps
from gateway.flow.upkeep import outage
from tests.practice import ADA, PAT, TEMPLATES, World
from tests.reading import kinds

WEEK = timedelta(days=7)


@pytest.fixture
async def world():
    world = World(TEMPLATES)
    await world.desk.do(outage.note_alive)
    return world


async def back(world, away):
    """The gateway comes back after so long, and does what is due."""
    await world.desk.do(outage.note_alive)
    world.clock.advance(seconds=away.total_seconds())
    if await world.desk.ask(outage.length):
        for kind in outage.KINDS:
            last = 0
            while last := await world.desk.do(outage.give_grace, kind, last, 2):
                pass
    await timed(world)


async def timed(world):
    for work in (due_steps.run_due, question.run_due, recall.run_expired):
        while await world.desk.do(work, 2):
            pass
    await world.collect()


async def state(world):
    return [one.state for one in await world.rows(Invitation)]


async def test_who_has_not_answered_is_asked_again_and_has_a_day_more(world):
    await world.write(ADA, PAT)
    await back(world, WEEK + timedelta(hours=3))
    assert await state(world) == [State.AWAITING]
    asked = world.mails[-1]
    assert asked.notice == "details-again"
    await world.say("PATIENT 1980-02-03", token=asked.facts["person"]["token"])
    assert await state(world) == [State.INVITED]


async def test_without_an_answer_it_ends_when_that_day_is_over(world):
    await world.write(ADA, PAT)
    await back(world, WEEK + timedelta(hours=3))
    world.clock.advance(hours=23)
    await timed(world)
    assert await state(world) == [State.AWAITING]
    world.clock.advance(days=1)
    await timed(world)
    assert await state(world) == [State.LAPSED]
    assert [one.notice for one in world.mails[1:]] == ["details-again", "lapsed"]


async def test_an_invitee_is_reminded_once_and_has_until_the_end_of_the_next_day(world):
    await world.write(ADA, PAT, tag="secure patient 1980-02-03")
    before = len(world.mails)
    await back(world, timedelta(days=33))
    assert await state(world) == [State.INVITED]
    assert [one.notice for one in world.mails[before:]] == ["reminder"]
    said = (await world.rows(Invitation))[0]
    last = said.schedule_start + timedelta(days=said.extended_to)
    assert last == (world.clock.now() + timedelta(days=1)).astimezone(world.site.zone).date()
    assert f"{last:%-d %B %Y}" in world.mails[-1].html.text
    world.clock.advance(days=2)
    await timed(world)
    assert await state(world) == [State.EXPIRED]


async def test_a_second_outage_moves_an_end_again(world):
    await world.write(ADA, PAT, tag="secure patient 1980-02-03")
    await back(world, timedelta(days=33))
    await back(world, timedelta(days=3))
    assert await state(world) == [State.INVITED]
    world.clock.advance(days=2)
    await timed(world)
    assert await state(world) == [State.EXPIRED]


async def test_what_rests_is_told_again_before_its_mail_is_destroyed(world):
    await world.write(ADA, PAT, tag="secure patient 1980-02-03")
    world.clock.advance(days=31)
    await timed(world)
    assert await state(world) == [State.EXPIRED]
    before = len(world.mails)
    await back(world, timedelta(days=31))
    assert await state(world) == [State.EXPIRED]
    assert [one.notice for one in world.mails[before:]] == ["expired"]
    assert [one.state for one in await world.rows(Copy)] == [CopyState.HELD]


async def test_a_reminder_that_was_missed_is_sent_once_and_moves_nothing(world):
    await world.write(ADA, PAT, tag="secure patient 1980-02-03")
    before = len(world.mails)
    await back(world, timedelta(days=16))
    assert [one.notice for one in world.mails[before:]] == ["reminder"]
    assert [one.extended_to for one in await world.rows(Invitation)] == [0]


async def test_a_question_about_a_mail_waits_a_day_more(world):
    await world.write(ADA, PAT, tag="")
    await world.receive(
        b"From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: (secure) Results\r\n"
        b"Message-ID: <near@riverside.example>\r\n\r\nFine.\r\n"
    )
    await world.collect()
    assert kinds(await world.deliver())[-1] == "near-miss"
    before = len(world.mails)
    await back(world, WEEK + timedelta(hours=3))
    assert [one.answer for one in await world.rows(Question)] == [None]
    assert [one.notice for one in world.mails[before:]] == ["near-miss"]
    world.clock.advance(days=2)
    await timed(world)
    assert [one.answer.value for one in await world.rows(Question)] == ["no answer"]


async def test_a_message_that_could_not_be_read_stays_a_day_longer(world):
    await world.registered()
    await world.write(ADA, PAT)
    (copy,) = await world.rows(Copy)
    await world.desk.do(lambda ctx: ctx.tx.put(replace(copy, expires_at=ctx.now + timedelta(days=2))))
    await back(world, timedelta(days=3))
    assert [one.state for one in await world.rows(Copy)] == [CopyState.INBOX]
    world.clock.advance(hours=25)
    await timed(world)
    assert [one.state for one in await world.rows(Copy)] == [CopyState.OVER]


async def test_a_pause_of_less_than_an_hour_is_no_outage(world):
    await world.write(ADA, PAT)
    world.clock.advance(days=6, hours=20)
    await timed(world)
    await back(world, timedelta(minutes=59))
    assert not await world.desk.ask(outage.length)
