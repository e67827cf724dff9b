"""The fixtures that most tests use: a world, a browser that knows its portal only from outside, and the real peers.

A peer that cannot be had fails the test and says what to type; it never skips it.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser as Chromium

from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from tests.browser import Browser
from tests.looks.looking import chromium as running_chromium
from tests.peers import fetch, preloaded
from tests.practice import World

settings.register_profile("untimed", deadline=None)  # how long something takes says nothing on a busy machine
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in preloaded.HASHERS:
        monkeypatch.setattr(f"{room}.PasswordHasher", preloaded.cheap_hasher)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """In memory; in files for a test that says `@pytest.mark.parametrize("world", ["sqlite"], indirect=True)`."""
    if getattr(request, "param", "memory") == "memory":
        yield World()
        return
    database = open_database(tmp_path / "gateway.db")
    migrate(database)
    content = SpooledContent(tmp_path / "spool")
    store = SqliteStore(database, content)
    yield World(store=store, content=content)
    await store.close()


@pytest.fixture
def browser(world: World) -> Browser:
    return world.browser()


@pytest.fixture(scope="session")
def peers() -> None:
    """Every peer is there."""
    try:
        fetch.fetch()
    except fetch.PeerMissing as problem:
        pytest.fail(f"{problem}\n(or leave the peers out: python3 tests/run.py --quick)", pytrace=False)


@pytest.fixture(scope="module")
def chromium(peers: None) -> Iterator[Chromium]:
    """The machine's Chromium, headless. For tests that are plain functions: it brings an event loop of its own."""
    with running_chromium() as browser:
        yield browser
