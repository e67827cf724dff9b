"""The fixtures that most tests use: a world, and a browser that knows its portal only from outside."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from tests.browser import Browser
from tests.practice import World


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same argon2id, with less work: what the real work is has a test of its own."""
    monkeypatch.setattr("gateway.portal.passwords.PasswordHasher", lambda: PasswordHasher(1, 8, 1))


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
