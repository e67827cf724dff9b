"""Reminders beside each other: one at a time, none before its invitation, no two within an hour."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.model import Delivery, Invitation
from gateway.domain.vocabulary import DeliveryState, Notice, Purpose
from gateway.ports import Outcome
from tests.practice import ADA, PAT, PATIENT_TAG, SITE, TEMPLATES, World
from tests.reading import kinds

STORES = ("memory", "postgres")

LATER = Outcome(451, "4.3.0 Later")


@pytest.fixture
async def world():
    world = World(TEMPLATES)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    return world


def to_pat(messages):
    return [kind for kind in kinds(messages) if kind in ("invitation", "reminder")]


async def remind(world):
    """REMIND is said; what came of it."""
    await world.say("REMIND", token=world.keys.token(Purpose.WAITING_SENDER, 1))
    return world.last(Notice.TRANSCRIPT).facts["results"][0]["code"]


async def test_an_invitation_that_a_hop_puts_off_goes_in_the_place_of_its_reminder(world):
    """The newest facts, one mail, and never the reminder first."""
    while to_pat(await world.deliver(LATER)):
        pass
    await world.days(3)
    assert to_pat(await world.deliver()) == ["invitation"]
    await world.days(1)
    assert to_pat(await world.deliver()) == []
    assert [one.last_step_day for one in await world.rows(Invitation)] == [3]


async def test_a_reminder_that_is_claimed_with_its_invitation_is_left_out(world):
    await remind(world)
    assert to_pat(await world.deliver()) == ["invitation"]


async def test_two_reminders_that_a_hop_puts_off_are_one(world):
    await world.deliver()
    await world.days(3)
    assert to_pat(await world.deliver(LATER)) == ["reminder"]
    await world.days(12)
    assert to_pat(await world.deliver()) == ["reminder"]
    left = await world.rows(Delivery, notice=Notice.REMINDER)
    assert [one.state for one in left] == [DeliveryState.DROPPED, DeliveryState.SENT]


async def test_remind_just_before_a_planned_reminder_stands_for_it(world):
    await world.deliver()
    await world.days(2)
    world.clock.at = datetime(2026, 3, 5, 8, 30, tzinfo=UTC)
    assert await remind(world) == "reminded"
    assert to_pat(await world.deliver()) == ["reminder"]
    world.clock.advance(minutes=31)
    await world.tick()
    assert to_pat(await world.deliver()) == []
    assert [one.last_step_day for one in await world.rows(Invitation)] == [3]


async def test_remind_just_after_one_says_so(world):
    await world.deliver()
    world.clock.at = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
    await world.tick()
    assert to_pat(await world.deliver()) == ["reminder"]
    world.clock.advance(minutes=59)
    assert await remind(world) == "reminded_lately"
    assert to_pat(await world.deliver()) == []
    world.clock.advance(minutes=2)
    assert await remind(world) == "reminded"


@pytest.mark.parametrize(("invited", "due"), [(27, 3), (15, 15)])
async def test_a_day_that_there_was_not_is_the_next_one(invited, due):
    """Apia went from 29 to 31 December 2011: what was due on the 30th came on the 31st, once."""
    apia = replace(SITE, zone=ZoneInfo("Pacific/Apia"))
    world = World(TEMPLATES, site=apia)
    world.clock.at = datetime(2011, 12, invited, 12, tzinfo=apia.zone).astimezone(UTC)
    await world.write(ADA, PAT, tag=PATIENT_TAG)
    await world.deliver()
    reminded = []
    for _ in range(24 * (due + 2)):
        world.clock.advance(hours=1)
        await world.tick()
        if to_pat(await world.deliver()):
            reminded.append(world.clock.now().astimezone(apia.zone))
    planned = [day for day in (3, 15) if day <= due]
    assert len(reminded) == len(planned)
    assert reminded[-1].date() == date(2011, 12, 31)
