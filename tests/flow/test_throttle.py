"""Tries are counted for all who serve from one database; rows say nothing of whose they are, and do not pile up."""

import asyncio

import pytest

from gateway.domain.model_records import TryWindow
from gateway.flow import throttle
from gateway.flow.throttle import Count
from gateway.flow.upkeep import retention

STORES = ("memory", "sqlite", "postgres")

TWO = Count("account|pat@home.example", 2)
OTHER = Count("client|192.0.2.1", 3)


async def take(world, *counts):
    return await world.desk.do(throttle.take, *counts)


async def test_a_try_is_counted_before_it_is_made_until_the_period_is_over(world):
    assert [await take(world, TWO) for _ in range(3)] == [True, True, False]
    world.clock.advance(minutes=15)
    assert [await take(world, TWO) for _ in range(3)] == [True, True, False]
    assert len(await world.rows(TryWindow)) == 1


async def test_an_honest_try_does_not_count(world):
    await take(world, TWO)
    await take(world, TWO)
    await world.desk.do(throttle.give_back, TWO)
    assert [await take(world, TWO) for _ in range(2)] == [True, False]
    await world.desk.do(throttle.give_back, TWO)
    await world.desk.do(throttle.give_back, TWO)
    await world.desk.do(throttle.give_back, TWO)
    assert not await world.rows(TryWindow)
    assert [await take(world, TWO) for _ in range(3)] == [True, True, False]


async def test_many_at_once_gain_nothing(world):
    taken = await asyncio.gather(*(take(world, OTHER, TWO) for _ in range(40)))
    assert sorted(taken, reverse=True) == [True] * 2 + [False] * 38
    assert sorted(one.tries for one in await world.rows(TryWindow)) == [2, 3]


async def test_where_a_client_has_used_up_its_tries_nothing_more_is_counted(world):
    for number in range(5):
        await take(world, OTHER, Count(f"account|{number}", 10))
    assert len(await world.rows(TryWindow)) == 1 + OTHER.limit


async def test_rows_tell_nobody_who_tried_what(world):
    await take(world, OTHER, TWO)
    digests = [one.digest for one in await world.rows(TryWindow)]
    assert [len(one) for one in digests] == [32, 32]
    assert "pat@" not in str(await world.rows(TryWindow))


async def test_a_clock_that_was_set_back_keeps_nobody_out_for_long(world):
    for _ in range(3):
        await take(world, TWO)
    world.clock.advance(minutes=-14)  # two nodes' clocks differ: it goes on counting
    assert not await take(world, TWO)
    world.clock.advance(minutes=-1)
    assert await take(world, TWO)


async def test_windows_that_are_over_are_removed_in_steps(world):
    for number in range(25):
        await take(world, Count(str(number), 1))
    world.clock.advance(minutes=10)
    await take(world, TWO)
    world.clock.advance(minutes=5)
    assert throttle.forget in retention.SWEEPS
    more = [await world.desk.do(throttle.forget, 0, 10) for _ in range(3)]
    assert more == [1, 1, 0]
    assert len(await world.rows(TryWindow)) == 1


async def test_a_flood_of_clients_is_cleared_as_it_comes(world):
    for number in range(100):
        await take(world, Count(f"of the flood {number}", 1))
    world.clock.advance(minutes=15)
    for number in range(64):
        await take(world, Count(f"another {number}", 1))
    assert len(await world.rows(TryWindow)) == 64


@pytest.mark.parametrize("world", ["memory", "sqlite"], indirect=True)
async def test_there_are_never_more_windows_than_so_many(world, monkeypatch):
    monkeypatch.setattr(throttle, "MOST", 40)
    for number in range(200):
        await take(world, Count(str(number), 1))
        assert len(await world.rows(TryWindow)) < 40 + 32
    assert not await take(world, Count("199", 1))
