"""What a worker that is gone had claimed is sent by others; what one that lives has claimed is its own."""

import pytest

from gateway.edge.run.heartbeat import GAP, GONE, Heartbeat
from gateway.flow.outbound import deliver, heartbeat
from tests.practice import World, mail

STORES = ("memory", "postgres")


@pytest.fixture
async def world():
    """One mail waits."""
    world = World()
    await world.receive(mail(subject="Lunch?"))
    return world


async def test_what_a_worker_claimed_is_free_when_it_is_gone(world):
    assert len(await world.desk.do(deliver.claim, 10, (), "worker 1")) == 1
    assert await world.desk.do(deliver.claim, 10, (), "worker 2") == []
    assert await world.desk.do(heartbeat.free, ["worker 2"]) == 0
    assert await world.desk.do(heartbeat.free, ["worker 1"]) == 1
    (prepared,) = await world.desk.do(deliver.claim, 10, (), "worker 2")
    assert prepared.delivery.attempts == 2


async def test_whoever_is_started_in_its_place_frees_it_at_once(world):
    await world.desk.do(deliver.claim, 10, (), "worker 1")
    await Heartbeat(world.desk, "worker 0").begin()
    assert await world.desk.do(deliver.claim, 10) == []
    await Heartbeat(world.desk, "worker 1").begin()
    assert len(await world.desk.do(deliver.claim, 10)) == 1


@pytest.mark.parametrize(
    ("looks", "beats", "freed"),
    [
        ([0, 10, 20, 30, GONE + 1], [1, 1, 1, 1, 1], True),
        ([0, 10, 20, 30, GONE + 1], [1, 2, 3, 4, 5], False),
        ([0, 10, 20, 30, GONE - 1], [1, 1, 1, 1, 1], False),
        ([0, 10, 20, 20 + GAP + 1], [1, 1, 1, 1], False),  # we could not look either: nobody could show anything
        ([0, 10, 60, 70, 80, 90, 101], [1, 1, 1, 1, 1, 1, 1], True),
    ],
)
def test_a_worker_is_gone_when_it_showed_nothing_while_we_looked(world, looks, beats, freed):
    watching = Heartbeat(world.desk, "worker 0")
    gone = [watching._gone({"worker 1": count}, 1000.0 + at) for at, count in zip(looks, beats, strict=True)]
    assert [bool(names) for names in gone] == [False] * (len(looks) - 1) + [freed]


async def test_each_shows_that_it_lives(world):
    assert await world.desk.do(heartbeat.beat, "worker 0") == {}
    assert await world.desk.do(heartbeat.beat, "worker 1") == {"worker 0": 1}
    assert await world.desk.do(heartbeat.beat, "worker 0") == {"worker 1": 1}
    assert await world.desk.do(heartbeat.beat, "worker 1") == {"worker 0": 2}


async def test_nodes_are_known_by_their_workers(world):
    await world.desk.do(heartbeat.beat, "worker 0")
    assert await world.desk.ask(heartbeat.nodes) == []
    began = world.clock.now()
    for worker in ("a worker 1 of ours worker 0", "two worker 0", "two worker 1"):
        await world.desk.do(heartbeat.beat, worker)
    world.clock.advance(seconds=39)
    await world.desk.do(heartbeat.beat, "two worker 0")
    odd, two = await world.desk.ask(heartbeat.nodes)
    assert (odd.name, odd.workers, odd.seen_at) == ("a worker 1 of ours", 1, began)
    assert (two.name, two.workers, two.seen_at) == ("two", 2, world.clock.now())
    assert odd.lives(world.clock.now())
    world.clock.advance(seconds=1)
    assert not odd.lives(world.clock.now())
    assert two.lives(world.clock.now())
