"""Whoever has a link that was made under a retired key gets a new one as soon as somebody asks."""

import pytest

from gateway.domain.model import Invitation
from gateway.domain.vocabulary import Notice
from gateway.flow import retired_keys
from gateway.flow.administration import invitations
from gateway.flow.administration.invitations import Did
from tests.practice import ADA, BORN, PAT, PATIENT_TAG, World


@pytest.fixture
async def world():
    """Pat is invited, and was reminded a minute ago."""
    world = World()
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.deliver()
    world.clock.advance(hours=2)
    await world.desk.do(invitations.remind, 1)
    await world.deliver()
    world.clock.advance(minutes=1)
    return world


async def retired(world):
    """A rotation, and then the retirement of the key of before."""
    await world.desk.do(retired_keys.note_current)
    world.clock.advance(minutes=1)
    await world.desk.do(retired_keys.note_retired)


async def again(world):
    """The same details are given once more."""
    before = await world.one(Invitation)
    await world.say(f"pat@home.example PATIENT {BORN:%Y-%m-%d}", token=await world.sender_token())
    return before, await world.one(Invitation)


async def test_the_same_details_bring_a_new_link_where_the_old_one_is_dead(world):
    before, after = await again(world)
    assert after.generation == before.generation
    await retired(world)
    before, after = await again(world)
    assert after.generation == before.generation + 1
    assert world.last(Notice.INVITATION)
    world.clock.advance(minutes=1)
    before, after = await again(world)
    assert after.generation == before.generation


async def test_who_was_reminded_with_a_link_that_is_dead_is_reminded_again(world):
    assert await world.desk.do(invitations.remind, 1) is Did.LATELY
    await retired(world)
    assert await world.desk.do(invitations.remind, 1) is Did.REMINDED
    await world.deliver()
    world.clock.advance(minutes=1)
    assert await world.desk.do(invitations.remind, 1) is Did.LATELY


async def test_a_link_of_after_the_rotation_stays_good(world):
    await world.desk.do(retired_keys.note_current)
    world.clock.advance(minutes=61)
    await world.desk.do(invitations.remind, 1)
    await world.deliver()
    await world.desk.do(retired_keys.note_retired)
    assert await world.desk.do(invitations.remind, 1) is Did.LATELY
