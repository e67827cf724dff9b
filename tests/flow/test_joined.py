"""Another mail joins an open invitation: no date moves, but near the end, where it would die with it."""

from datetime import timedelta

import pytest

from gateway.domain.model import Copy, Invitation
from gateway.domain.vocabulary import CopyState, State
from tests.practice import ADA, BEA, PATIENT_TAG, World, bare, mail
from tests.reading import kinds, text


async def send(world: World, author: str = ADA, tag: str = "secure", to: str = "pat@home.example") -> list:
    """A secure mail to Pat; the mails that it brings."""
    await world.receive(mail(to, f"[{tag}] Results", sender=author), mail_from=bare(author))
    return await world.deliver()


async def the_one(world: World) -> Invitation:
    [invitation] = await world.rows(Invitation)
    return invitation


@pytest.mark.parametrize("day", [27, 28, 30])
async def test_near_the_end_an_invitation_starts_its_days_afresh_and_everybody_hears(world, day):
    await send(world, tag=PATIENT_TAG)
    before = await the_one(world)
    await world.days(day)
    await world.deliver()
    said = await send(world, BEA)
    assert kinds(said) == ["receipt", "reminder"]
    after = await the_one(world)
    today = world.clock.now().date()
    assert (after.schedule_start, after.last_step_day, after.generation) == (today, 0, before.generation)
    until = (today + timedelta(days=30)).isoformat()
    for one in said:
        assert until in text(one)
    await world.days(30)
    assert (await the_one(world)).state is State.INVITED
    await world.days(1)
    assert (await the_one(world)).state is State.EXPIRED


@pytest.mark.parametrize("day", [0, 1, 15, 26])
async def test_before_that_no_date_moves_and_the_invitee_is_left_alone(world, day):
    await send(world, tag=PATIENT_TAG)
    before = await the_one(world)
    await world.days(day)
    await world.deliver()
    assert "reminder" not in kinds(await send(world, BEA))
    assert (await the_one(world)).schedule_start == before.schedule_start


async def test_so_does_a_question_that_nobody_has_answered(world):
    await send(world)
    await world.days(6)
    await send(world, BEA)
    await world.days(6)
    assert {copy.state for copy in await world.rows(Copy)} == {CopyState.HELD}
    await world.days(1)
    assert (await the_one(world)).state is State.LAPSED


async def test_and_mail_that_is_kept_for_a_while(world):
    await send(world, tag=PATIENT_TAG)
    await world.collect()
    await world.try_birthdate(times=3)
    await world.days(29)
    await send(world, BEA)
    await world.days(29)
    assert {copy.state for copy in await world.rows(Copy)} == {CopyState.HELD}


async def test_moving_to_an_invitation_that_ends_joins_it_in_the_same_way(world):
    await send(world, tag=PATIENT_TAG, to="pat@right.example")
    await world.days(29)
    await send(world, BEA, tag=PATIENT_TAG)
    await world.deliver()
    octets = mail("bot@secure.riverside.example", "x", "pat@home.example MOVE pat@right.example", BEA)
    await world.receive(octets, mail_from=bare(BEA), authenticated=True)
    assert "reminder" in kinds(await world.deliver())
