"""What only the runner of commits promises: bounded, shared, and nobody's work half done."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from gateway.domain.model import Content, Fingerprint
from gateway.errors import StoreFull
from gateway.store import runner
from gateway.store.connections import connect, open_database
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryContent

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    return path


@pytest.fixture
async def store(path):
    store = SqliteStore(open_database(path), MemoryContent())
    yield store
    await store.close()


def seen(mark):
    return lambda tx: tx.add_once(Fingerprint(fingerprint=mark, at=NOW))


async def test_long_work_leaves_the_loop_alone(store):
    def where(tx):
        return threading.get_ident()

    assert await store.write(where) == threading.get_ident()
    assert await store.write(where, long=True) != threading.get_ident()


async def test_callers_who_come_during_a_commit_share_the_next(store, monkeypatch):
    await store.write(seen(b"first"))
    commits = []
    commit = store._disk.commit
    monkeypatch.setattr(store._disk, "commit", lambda: (commits.append(1), commit()))
    await asyncio.gather(*(store.write(seen(bytes([number]))) for number in range(50)))
    assert len(commits) == 1
    assert await store.read(lambda tx: tx.count(Fingerprint)) == 51


async def test_the_loop_has_its_turn_while_many_wait(store, monkeypatch):
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0)
    turns = []

    async def other():
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    counted = await asyncio.gather(*(store.write(lambda tx: len(turns)) for _ in range(20)))
    task.cancel()
    assert len(set(counted)) > 10


async def test_a_full_disk_fails_all_who_share_the_commit_and_nobody_after(store):
    await store.write(seen(b"before"))
    disk = store._disk.connection
    [limit] = disk.execute("PRAGMA max_page_count").fetchone()
    disk.execute("PRAGMA max_page_count=1").close()  # no less than it has
    big = Content(id="big", inline=b"x" * 100_000, size=100_000)
    results = await asyncio.gather(
        store.write(seen(b"with")), store.write(lambda tx: tx.add(big)), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreFull, StoreFull]
    disk.execute(f"PRAGMA max_page_count={limit}").close()
    assert await store.write(seen(b"with"))
    assert await store.read(lambda tx: (tx.count(Fingerprint), tx.count(Content))) == (2, 0)


async def test_closing_finishes_what_was_asked_for(path):
    store = SqliteStore(open_database(path), MemoryContent())
    asked = [asyncio.create_task(store.write(seen(bytes([number])))) for number in range(5)]
    await asyncio.sleep(0)
    await store.close()
    assert all([await task for task in asked])


async def test_a_caller_who_gave_up_before_its_turn_writes_nothing(store):
    await store.write(seen(b"first"))
    asked = asyncio.create_task(store.write(seen(b"second")))
    await asyncio.sleep(0)
    asked.cancel()
    await store.write(seen(b"third"))
    assert await store.read(lambda tx: tx.count(Fingerprint)) == 2


async def test_the_log_is_emptied_once_readers_let_it(path, monkeypatch):
    monkeypatch.setattr(runner, "SHRED_SECONDS", 0.01)
    store = SqliteStore(open_database(path), MemoryContent())
    await store.write(lambda tx: tx.add(Content(id="c", inline=b"sealed letter", size=13)))
    reader = connect(str(path))
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM content").fetchall()
    await store.write(lambda tx: tx.remove(Content, id="c"))
    log = path.with_name("gateway.db-wal")
    await asyncio.sleep(0.1)
    assert b"sealed letter" in log.read_bytes()
    reader.close()
    async with asyncio.timeout(10):
        while log.stat().st_size:  # noqa: ASYNC110 - the disk is asked, and nothing else
            await asyncio.sleep(0.01)
    assert b"sealed letter" not in path.read_bytes()
    await store.close()
