"""Turns at what takes long: clients one after another, however much each of them asks for."""

import asyncio

import pytest

from gateway.errors import TryAgain
from gateway.portal.turns import Asker, Places, Turns

PLACES = Places(at_once=1, waiting=6, of_a_client=4, of_a_link=2)


class Work:
    """Notes who got a turn, in which order."""

    def __init__(self, places=PLACES):
        self.turns = Turns(places)
        self.order = []
        self.goes_on = asyncio.Event()
        self.asked = []

    async def ask(self, client, link=""):
        task = asyncio.create_task(self._take(Asker(client, link)))
        self.asked.append(task)
        await asyncio.sleep(0)
        return task

    async def _take(self, asker):
        async with self.turns.turn(asker):
            self.order.append(asker.client)
            await self.goes_on.wait()

    async def end(self):
        self.goes_on.set()
        return [isinstance(one, TryAgain) for one in await asyncio.gather(*self.asked, return_exceptions=True)]


@pytest.fixture
async def work():
    return Work()


async def test_clients_take_turns(work):
    for client in "aaaabb":
        await work.ask(client)
    await work.ask("c")
    assert await work.end() == [False] * 7
    assert work.order == list("aabcaba")


async def test_a_client_has_few_turns_at_once(work):
    for _ in range(10):
        await work.ask("a")
    await work.ask("b")
    assert await work.end() == [False] * 4 + [True] * 6 + [False]
    assert work.order == list("aabaa")


async def test_a_client_does_not_take_all_turns_at_once():
    work = Work(Places(at_once=3, at_once_of_a_client=2, of_a_client=4))
    for client in "aaaab":
        await work.ask(client)
    await asyncio.sleep(0)
    assert work.order == list("aab")
    assert await work.end() == [False] * 5
    assert work.order == list("aabaa")


async def test_a_link_has_fewer_however_many_clients_use_it(work):
    for client in "abcdef":
        await work.ask(client, "a link")
    await work.ask("g", "another link")
    assert await work.end() == [False] * 2 + [True] * 4 + [False]


async def test_a_newcomer_gets_the_place_of_who_has_most(work):
    for client in "aaaabbb":
        await work.ask(client)
    await work.ask("c")
    await work.ask("d")
    assert await work.end() == [False] * 3 + [True] + [False] * 2 + [True] + [False] * 2
    assert work.order == list("aabcdab")


async def test_with_a_place_each_the_last_one_is_sent_away(work):
    for client in "abcdefgh":
        await work.ask(client)
    assert await work.end() == [False] * 7 + [True]


async def test_who_stops_waiting_or_fails_leaves_nothing_behind(work):
    for client in "aabb":
        await work.ask(client)
    for task in work.asked[:3]:
        task.cancel()
    await asyncio.wait(work.asked[:3])
    await asyncio.sleep(0)
    assert work.order == ["a", "b"]
    with pytest.raises(ZeroDivisionError):
        await _fails(work)
    work.goes_on.set()
    await asyncio.gather(*work.asked, return_exceptions=True)
    assert (work.turns._running, work.turns._waiting, work.turns._held) == ({}, {}, {})


async def _fails(work):
    work.goes_on.set()
    async with work.turns.turn(Asker("z")):
        1 / 0  # noqa: B018
