"""However many guess at a birthdate at once, in however many processes: three are compared."""

import asyncio
import multiprocessing
from datetime import timedelta

import pytest

from gateway.domain.model import Account
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import State
from gateway.flow.accounts import registration
from gateway.flow.accounts.registration import Check, Proof
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryContent
from tests.practice import BORN, PATIENT, WRONG, World

pytestmark = pytest.mark.peer

GUESSES = 100
"""In each of two processes."""


def world_at(path):
    return World(store=SqliteStore(open_database(path), MemoryContent(), shared=True))


def guess(path, number, ways, token, together, answers):
    """Try many dates at once, by each of these ways in turn; what became of each."""

    async def go():
        world = world_at(path)

        async def one(turn):
            proof = Proof(birthdate=WRONG + timedelta(days=number * GUESSES + turn))
            if ways[turn % len(ways)] == "register":
                return await world.desk.do(registration.register, token, proof, "Mallory", "hash")
            return (await world.desk.do(registration.check, token, proof)).check

        await asyncio.to_thread(together.wait, 60)
        answers.put(await asyncio.gather(*map(one, range(GUESSES))))
        await world.store.close()

    asyncio.run(go())


@pytest.mark.parametrize("ways", [("check",), ("register",), ("check", "register")], ids=" and ".join)
async def test_of_two_hundred_guesses_in_two_processes_three_are_compared(tmp_path, ways):
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    world = world_at(path)
    invitation = await world.invited(PATIENT)
    token = world.link(invitation).removeprefix("/invite/")
    spawn = multiprocessing.get_context("spawn")
    together, answers = spawn.Barrier(2), spawn.Queue()
    processes = [
        spawn.Process(target=guess, args=(path, number, ways, token, together, answers)) for number in range(2)
    ]
    for process in processes:
        process.start()
    said = [answer for _ in processes for answer in await asyncio.to_thread(answers.get, timeout=60)]
    for process in processes:
        await asyncio.to_thread(process.join)
    after = await world.invitation(invitation)
    assert (after.state, after.wrong_birthdates) == (State.LOCKED, 3)
    assert said.count(Check.WRONG) + said.count(Check.LOCKED) <= 3
    assert set(said) <= {None, Check.WRONG, Check.LOCKED, Check.DEAD}
    compared = [row.action for row in await world.rows(Audit) if "wrong" in row.action]
    assert sorted(compared) == ["last wrong birthdate", "wrong birthdate", "wrong birthdate"]
    assert (await world.desk.do(registration.check, token, Proof(birthdate=BORN))).check is Check.DEAD
    assert await world.desk.do(registration.register, token, Proof(birthdate=BORN), "Pat", "hash") is None
    assert not await world.rows(Account)
    await world.store.close()
