"""A serving process follows the keys that the database names, and does not ask without end for what is not there."""

import pytest

from gateway.edge.run.key_watch import AGAIN, KeyWatch
from gateway.errors import ConfigError, WrongKey
from gateway.flow.context import Desk
from gateway.flow.upkeep import key_use
from gateway.store.key_file import new_ring
from gateway.store.sealing import SiteKeys
from gateway.testing import FakeClock, MemoryStore
from tests.practice import SITE


class Place:
    """A desk whose keys are read from here; how often they were."""

    def __init__(self):
        self.ring, self.reads, self.fault = new_ring(), 0, None
        self.store = MemoryStore()
        self.desk = self.with_(SiteKeys(self.ring, self.read))
        self.watch = KeyWatch(self.desk, "worker 0")

    def with_(self, keys):
        return Desk(self.store, SITE, keys, FakeClock())

    def read(self):
        self.reads += 1
        if self.fault:
            raise self.fault
        return self.ring

    async def rotate(self):
        """Somebody else has made a new key, and says so in the database."""
        new = self.ring.rotated()
        await self.with_(SiteKeys(new)).do(key_use.begin)
        return new

    async def serving(self):
        return await self.desk.ask(lambda ctx: key_use.workers(ctx.tx))


@pytest.fixture
async def place():
    place = Place()
    await place.desk.do(key_use.begin)
    await place.watch.look()
    return place


async def test_where_nothing_is_new_the_keys_are_not_read_again(place):
    for _ in range(3 * AGAIN):
        await place.watch.look()
    assert (place.reads, await place.serving()) == (0, {"worker 0": "a"})


async def test_new_keys_are_read_once_and_it_is_said_that_they_are_used(place):
    place.ring = await place.rotate()
    for _ in range(3 * AGAIN):
        await place.watch.look()
    assert (place.reads, place.desk.keys.current, await place.serving()) == (1, "b", {"worker 0": "b"})


async def test_keys_that_cannot_be_had_are_asked_for_now_and_then_until_they_are_there(place):
    new = await place.rotate()
    place.fault = ConfigError("keys.command: kms has failed")
    for _ in range(3 * AGAIN):
        await place.watch.look()
    assert 3 <= place.reads <= 4
    assert await place.serving() == {"worker 0": "a"}
    place.ring, place.fault = new, None
    for _ in range(AGAIN):
        await place.watch.look()
    assert await place.serving() == {"worker 0": "b"}


async def test_a_key_that_is_retired_is_let_go(place):
    place.ring = await place.rotate()
    await place.watch.look()
    place.ring = place.ring.without("a")
    await place.desk.do(key_use.retire, "a")
    await place.watch.look()
    assert place.desk.keys.letters == {"b"}


async def test_a_database_says_which_keys_it_needs(place):
    new = await place.rotate()
    with pytest.raises(WrongKey, match="is sealed with key b as well"):
        await place.store.read(lambda tx: key_use.check(tx, place.desk.keys))
    await place.store.read(lambda tx: key_use.check(tx, SiteKeys(new)))
    with pytest.raises(WrongKey, match="key b is another"):
        await place.store.read(lambda tx: key_use.check(tx, SiteKeys(place.ring.rotated())))


async def test_a_rotation_is_whole_only_when_that_was_said(place):
    async def used():
        return await place.desk.ask(lambda ctx: key_use.in_use(ctx.tx))

    assert (await used()).whole
    new = await place.rotate()
    assert not (await used()).whole
    await place.with_(SiteKeys(new)).do(key_use.complete)
    assert (await used()).whole
    assert (await used()).marks.keys() == {"a", "b"}
