"""The fixtures that most tests use: a world, a browser that knows its portal only from outside, and the real peers.

A peer that cannot be had fails the test and says what to type; it never skips it.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings
from playwright.sync_api import Browser as Chromium

from gateway.domain.model import TABLES
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.migrations import migrate
from gateway.store.models import table_name
from gateway.store.postgres import schema as postgres_schema
from gateway.store.postgres.connections import connect
from gateway.store.postgres.content import ChunkedContent
from gateway.store.postgres.runner import PostgresStore
from gateway.store.runner import SqliteStore
from tests.browser import Browser
from tests.looks.looking import chromium as running_chromium
from tests.peers import fetch, preloaded
from tests.peers.postgres import Postgres
from tests.practice import World

WORLD = os.environ.get("WORLD", "memory")
"""Where the flows' rows lie, if a test does not say: memory, sqlite or postgres."""

_NONE = SimpleNamespace(params={})

settings.register_profile("untimed", deadline=None)  # how long something takes says nothing on a busy machine
settings.load_profile("untimed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The tests of a module that says `STORES` run on each of these, but for those that name their own."""
    stores = getattr(metafunc.module, "STORES", ())
    named = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if stores and "world" in metafunc.fixturenames and "world" not in named:
        marked = [pytest.param(one, marks=pytest.mark.peer) if one == "postgres" else one for one in stores]
        metafunc.parametrize("world", marked, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where the rows are to lie elsewhere than usual, only what has rows runs, and what did not name a place itself."""
    if WORLD == "memory":
        return

    def runs(item: pytest.Item) -> bool:
        return "world" in getattr(item, "fixturenames", ()) and "world" not in getattr(item, "callspec", _NONE).params

    others = [item for item in items if not runs(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if runs(item)]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    for room in preloaded.HASHERS:
        monkeypatch.setattr(f"{room}.PasswordHasher", preloaded.cheap_hasher)


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """In memory; elsewhere for a test that says `@pytest.mark.parametrize("world", ["sqlite"], indirect=True)`."""
    kind = getattr(request, "param", WORLD)
    if kind == "memory":
        yield World()
        return
    if kind == "postgres":
        url = request.getfixturevalue("postgres")
        chunked = ChunkedContent(url)
        store = PostgresStore(url, chunked)
        yield World(store=store, content=chunked)
        await store.close()
        chunked.close()
        return
    content = SpooledContent(tmp_path / "spool")
    database = open_database(tmp_path / "gateway.db")
    migrate(database)
    sqlite = SqliteStore(database, content)
    yield World(store=sqlite, content=content)
    await sqlite.close()


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


@pytest.fixture(scope="session")
def postgres_server(peers: None) -> Iterator[Postgres]:
    """One server for all tests of this process; what lies in it matters to none but the one that runs."""
    server = Postgres()
    server.start()
    with closing(connect(server.database("gateway"))) as connection:
        postgres_schema.migrate(connection)
    yield server
    server.kill()


@pytest.fixture
def postgres(postgres_server: Postgres) -> str:
    """The URL of a database in which all tables are empty."""
    url = postgres_server.of("gateway")
    tables = [*map(table_name, TABLES), "chunk"]
    used = " UNION ALL ".join(f'(SELECT %s FROM "{table}" LIMIT 1)' for table in tables)  # noqa: S608 - ours
    with closing(connect(url)) as connection:
        names = connection.execute(used, tables).fetchall()
        if names:  # to empty all of them takes twenty times as long
            connection.execute(f"TRUNCATE {', '.join(name for (name,) in names)} RESTART IDENTITY CASCADE")
    return url


@pytest.fixture(scope="module")
def chromium(peers: None) -> Iterator[Chromium]:
    """The machine's Chromium, headless. For tests that are plain functions: it brings an event loop of its own."""
    with running_chromium() as browser:
        yield browser
