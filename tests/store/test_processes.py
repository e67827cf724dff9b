"""Several processes on one file: each writer gets its turn, and nobody hears of a lock."""

import asyncio
import multiprocessing
import sqlite3
from datetime import UTC, datetime

import pytest

from gateway.domain.model import Fingerprint
from gateway.errors import StoreBusy
from gateway.store import connections, runner
from gateway.store.connections import WriteConnection, open_database
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryContent

pytestmark = pytest.mark.peer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
WRITERS = 10
"""In each of two processes."""
EACH = 50


def write_much(path, number, shared, together):
    if shared:
        connections.BUSY_SECONDS = 0  # the queue alone must keep them apart

    async def go():
        store = SqliteStore(open_database(path), MemoryContent(), shared=shared)

        async def writer(name):
            for turn in range(EACH):
                mark = f"{number}.{name}.{turn}".encode()
                assert await store.write(lambda tx, mark=mark: tx.add_once(Fingerprint(fingerprint=mark, at=NOW)))

        await asyncio.to_thread(together.wait, 60)
        await asyncio.gather(*map(writer, range(WRITERS)))
        await store.close()

    asyncio.run(go())


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    return path


@pytest.mark.parametrize("shared", [True, False])
def test_writers_of_two_processes_never_hear_of_a_lock(path, shared):
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(2)
    processes = [spawn.Process(target=write_much, args=(path, number, shared, together)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT COUNT(*) FROM fingerprint").fetchone() == (2 * WRITERS * EACH,)
    database.close()


def test_only_who_writes_takes_the_lock_of_those_who_write(path, monkeypatch):
    monkeypatch.setitem(connections._OPTIONS, "timeout", 0)  # nobody waits: who asks for it hears of it
    monkeypatch.setitem(connections._PRAGMAS, "busy_timeout", 0)
    writes = connections.connect(str(path))
    writes.execute("BEGIN IMMEDIATE")
    reads = connections.connect(str(path))
    assert reads.execute("SELECT count(*) FROM fingerprint").fetchone() == (0,)
    reads.close()
    writes.close()


def keep_the_turn(path, kept, enough):
    disk = WriteConnection(str(path), shared=True)
    disk.begin()
    kept.set()
    enough.wait()
    disk.rollback()
    disk.close()


async def test_a_process_that_keeps_its_turn_makes_the_others_busy_until_it_ends(path, monkeypatch):
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.2)
    spawn = multiprocessing.get_context("spawn")
    kept, enough = spawn.Event(), spawn.Event()
    process = spawn.Process(target=keep_the_turn, args=(path, kept, enough))
    process.start()
    assert await asyncio.to_thread(kept.wait, 60)
    store = SqliteStore(open_database(path), MemoryContent(), shared=True)
    for _ in range(2):
        with pytest.raises(StoreBusy):
            await store.write(lambda tx: tx.add_once(Fingerprint(fingerprint=b"early", at=NOW)))
    enough.set()
    await asyncio.to_thread(process.join)
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 60)
    assert await store.write(lambda tx: tx.add_once(Fingerprint(fingerprint=b"late", at=NOW)))
    assert await store.read(lambda tx: tx.count(Fingerprint)) == 1
    await store.close()
