"""Timed work is one worker's: a lease that is kept while it is renewed, and passes on when it is not."""

from datetime import timedelta

import pytest

from gateway.flow import lease

STORES = ("memory", "postgres")


@pytest.fixture
def hold(world):
    async def hold(holder, **later):
        world.clock.advance(**later)
        return await world.desk.do(lease.hold, holder)

    return hold


async def test_whoever_holds_the_lease_keeps_it_while_they_renew_it(hold):
    assert await hold("one")
    for _ in range(5):
        assert not await hold("other", seconds=7)
        assert await hold("one", seconds=7)


async def test_a_lease_that_is_not_renewed_passes_on_when_its_term_is_over(hold):
    assert await hold("one")
    assert not await hold("other", seconds=lease.TERM.total_seconds() - 1)
    assert await hold("other", seconds=1)
    assert not await hold("one")


async def test_a_lease_is_given_up_by_its_holder_alone(world, hold):
    assert await hold("one")
    await world.desk.do(lease.give_up, "other")
    assert not await hold("other")
    await world.desk.do(lease.give_up, "one")
    assert await hold("other")


async def test_a_lease_of_a_time_that_is_still_far_off_binds_nobody(world, hold):
    assert await hold("one")
    world.clock.at -= timedelta(days=1)
    assert await hold("other")
