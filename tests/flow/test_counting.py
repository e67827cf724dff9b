"""What may happen only so often is counted."""

import pytest

from gateway.flow.counting import count, take_back
from gateway.testing import MemoryTx


async def test_each_time_is_counted_up_to_the_most(world):
    assert [await world.desk.do(count, "tries", 3) for _ in range(5)] == [1, 2, 3, 0, 0]
    assert await world.desk.do(count, "other tries", 3) == 1


async def test_what_is_taken_back_is_counted_again(world):
    for _ in range(3):
        await world.desk.do(count, "tries", 3)
    await world.desk.do(take_back, "tries", 3)
    assert [await world.desk.do(count, "tries", 3) for _ in range(2)] == [3, 0]


@pytest.mark.parametrize("world", ["memory"], indirect=True)
async def test_of_a_thousand_turns_few_are_looked_at_and_none_is_taken_in_vain(world, monkeypatch):
    asked, added = [], []
    one, add_once = MemoryTx.one, MemoryTx.add_once

    def noting_one(tx, *args, **where):
        asked.append(where)
        return one(tx, *args, **where)

    def noting_add_once(tx, row):
        added.append(add_once(tx, row))
        return added[-1]

    monkeypatch.setattr(MemoryTx, "one", noting_one)
    monkeypatch.setattr(MemoryTx, "add_once", noting_add_once)
    for _ in range(30):
        await world.desk.do(count, "failures", 1000)
    assert len(asked) <= 30 * 10
    assert added == [True] * 30
