"""The disk, and the lock on the database: no 250 without a sync, none without room, and nobody hears of a lock."""

import asyncio
import os
import re
import shutil
import signal
import smtplib
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.domain.model import Meta
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryContent
from tests.peers.disks import MIB, LimitedFiles, SmallDisk
from tests.peers.ledger import ADA, Mail, books, drained
from tests.peers.process import end, wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

LOCK_SECONDS = float(os.environ.get("LOCK_SECONDS", "8"))
"""How long another process holds the database's lock; the full form: LOCK_SECONDS=60."""


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port)
    yield gateway
    gateway.end(signal.SIGKILL)


def offer(served: Served, octets: bytes, to: str = "pat@home.example") -> tuple[int, bytes]:
    """Offer one mail; the last reply heard."""
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=60) as client:
        client.ehlo()
        for code, said in (client.mail(ADA), client.rcpt(to)):
            if code != 250:
                return code, said
        return client.data(octets)


def passing(number: int, size: int) -> bytes:
    line = b"A line of a mail that passes through, and takes its room on the disk.\r\n"
    head = f"From: <{ADA}>\r\nSubject: {number}\r\nMessage-ID: <{number}.disk@riverside.example>\r\n\r\n"
    return head.encode() + line * (size // len(line))


# -------------------------------------------------------------------------------------------------------------- sync


class Trace:
    """strace on a running gateway: what it syncs and what it says, in order."""

    def __init__(self, served: Served, file: Path) -> None:
        self._file = file
        calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg"
        command = [shutil.which("strace"), "-f", "-y", "-s", "200", "-e", calls, "-o", str(file), "-p", str(served.pid)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert self._process.stderr
        assert b"attached" in self._process.stderr.readline()

    def lines(self) -> list[str]:
        end(self._process)
        assert self._process.stderr
        self._process.stderr.close()
        return self._file.read_text().splitlines()


def synced(lines: list[str], name: str) -> list[int]:
    """The lines at which a sync of the file of this name has come back well; -y shows names, threads interleave."""
    begun: dict[str, str] = {}
    done = []
    for at, line in enumerate(lines):
        thread, _, call = line.partition(" ")
        call = call.strip()
        if re.match(r"f(data)?sync\(", call):
            begun[thread] = call
        if re.search(r"sync(\(| resumed>).*= 0$", call) and name in begun.get(thread, ""):
            done.append(at)
    return done


@pytest.mark.parametrize(("number", "size"), [(1, 300), (2, 200_000)])
def test_a_sync_is_done_before_the_250(peers, served, tmp_path, number, size):
    served.start()
    trace = Trace(served, tmp_path / "strace")
    assert offer(served, passing(number, size))[0] == 250
    lines = trace.lines()

    [asked] = [at for at, line in enumerate(lines) if '"354 ' in line]
    [answered] = [at for at, line in enumerate(lines) if re.search(r'"250 [^"]*queued', line)]
    assert [at for at in synced(lines, "gateway.db-wal>") if asked < at < answered]
    if size > 100_000:  # its content is a file: the file and its name in the folder are synced as well
        assert [at for at in synced(lines, "gateway.db.spool/") if asked < at < answered]
        assert [at for at in synced(lines, "gateway.db.spool>") if asked < at < answered]


# --------------------------------------------------------------------------------------------------------- disk full


def refused_then_taken(served: Served, hop, disk, sizes: dict[int, int]) -> list[int]:
    """With the disk full each mail gets 452 and is not kept; with room again each is taken, without a restart.

    Returns how often each was delivered.
    """
    for number, size in sizes.items():
        code, said = offer(served, passing(number, size))
        assert code == 452, said
    disk.empty()
    for number, size in sizes.items():
        assert offer(served, passing(number, size))[0] == 250
    wait_for(lambda: drained(served), 20)
    served.end()
    assert served.rows("PRAGMA integrity_check") == [("ok",)]
    assert list(served.database.with_name("gateway.db.spool").iterdir()) == []  # nothing half-written is left behind
    delivered = books(served, hop).delivered
    return [delivered[f"<{number}.disk@riverside.example>"] for number in sizes]


def on(served: Served, disk: SmallDisk) -> None:
    """Let the gateway keep its database, and the files beside it, on this disk."""
    served.database = disk.folder / "gateway.db"
    served.settings["DATABASE__URL"] = f"sqlite:///{served.database}"
    served.start()
    assert offer(served, passing(99, 300))[0] == 250
    wait_for(lambda: drained(served), 20)


def test_disk_full_in_data(served, hop, small_disk):
    """Content that goes to a file of its own finds no room for it."""
    on(served, small_disk)
    small_disk.fill(leave=MIB)
    assert refused_then_taken(served, hop, small_disk, {1: 3 * MIB, 2: 4 * MIB}) == [1, 1]


def test_disk_full_in_the_log_of_the_database(served, hop, small_disk):
    """Not a page is left: the commit itself finds no room, in the log or in its index."""
    on(served, small_disk)
    hop.script = lambda *_: wait_for(lambda: not small_disk.is_full, 60) and ""  # what leaves would make room again
    small_disk.fill()
    answers: dict[int, int] = {}
    for size in (60_000, 300):
        # The log is written over from its start after a checkpoint: some commits still find room in it.
        for number in range(100 + len(answers), 500):
            answers[number] = offer(served, passing(number, size))[0]
            if answers[number] != 250:
                break
    assert list(answers.values()).count(452) == 2
    small_disk.empty()
    answers[1] = offer(served, passing(1, 300))[0]
    wait_for(lambda: drained(served), 20)
    served.end()
    assert served.rows("PRAGMA integrity_check") == [("ok",)]
    delivered = books(served, hop).delivered
    told = [delivered[f"<{number}.disk@riverside.example>"] for number, code in answers.items() if code == 250]
    assert set(told) == {1}
    assert len(delivered) == len(told) + 1, "with the one of before the disk was full"


def test_the_disk_fails_in_the_commit(served, hop):
    """Every write to a file fails, at once and for all who share the commit; the log's own as well."""
    served.start()
    assert offer(served, passing(99, 300))[0] == 250
    wait_for(lambda: drained(served), 20)
    disk = LimitedFiles(served)
    disk.fill()
    answers = []
    asking = [threading.Thread(target=lambda n=n: answers.append(offer(served, passing(n, 300))[0])) for n in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert set(answers) == {452}
    assert refused_then_taken(served, hop, disk, {11: 300, 12: 200_000}) == [1, 1]


# --------------------------------------------------------------------------------------------------------- locked out


def test_another_process_holds_the_lock(served, hop):
    """Whoever asks meanwhile hears 4xx, in time and again and again; afterwards all goes on by itself."""
    served.start()
    served.send(ADA, "early@home.example", "passes", "before the lock")
    wait_for(lambda: drained(served))
    answers: list[tuple[int, float]] = []
    mails = [Mail(number) for number in (1, 2)]
    with closing(sqlite3.connect(served.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        freed = time.monotonic() + LOCK_SECONDS

        def ask(mail: Mail) -> None:
            while time.monotonic() < freed or not answers:
                begun = time.monotonic()
                code, _ = offer(served, mail.octets, mail.recipient)
                answers.append((code, time.monotonic() - begun))

        asking = [threading.Thread(target=ask, args=(mail,)) for mail in mails]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        other.execute("ROLLBACK")
    assert {code for code, _ in answers} <= set(range(400, 500))
    assert max(seconds for _, seconds in answers) < 30
    for mail in mails:
        assert offer(served, mail.octets, mail.recipient)[0] == 250
    wait_for(lambda: drained(served), 20)
    found = books(served, hop)
    assert found.copies == {mails[0].id: 1}
    assert found.delivered[mails[1].id] == 1
    assert served.end() == 0


# ------------------------------------------------------------------------------------------------------ many writers

WRITERS = 20
TRANSACTIONS = int(os.environ.get("TRANSACTIONS", "250"))
"""Of each writer; the full form: TRANSACTIONS=1000."""
SHARE = """
import asyncio, sys
from pathlib import Path
from tests.peers.test_disk import count_up
asyncio.run(count_up(Path(sys.argv[1]), range(int(sys.argv[2]), int(sys.argv[3])), int(sys.argv[4])))
"""


async def count_up(path: Path, writers: range, transactions: int) -> None:
    """Each writer reads the one counter and writes it back one higher, so many times."""
    store = SqliteStore(open_database(path), MemoryContent(), shared=True)

    def one_more(tx):
        counter = tx.one(Meta, name="counter")
        tx.put(Meta(id=counter.id, name="counter", value=str(int(counter.value) + 1).encode()))

    async def write():
        for _ in range(transactions):
            await store.write(one_more)

    try:
        await asyncio.gather(*(write() for _ in writers))
    finally:
        await store.close()


def test_twenty_writers_and_another_process_are_told_of_no_lock(tmp_path):
    path = tmp_path / "gateway.db"
    migrate(open_database(path))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO meta (name, value) VALUES ('counter', '0')")
    share = [sys.executable, "-c", SHARE, str(path), "0", "4", str(TRANSACTIONS // 4)]
    beside = subprocess.Popen(share, stderr=subprocess.PIPE)
    asyncio.run(count_up(path, range(WRITERS), TRANSACTIONS))
    _, said = beside.communicate(timeout=120)
    assert beside.returncode == 0, said.decode()
    with closing(sqlite3.connect(path)) as database:
        [(counted,)] = database.execute("SELECT value FROM meta WHERE name = 'counter'")
    assert int(counted) == WRITERS * TRANSACTIONS + 4 * (TRANSACTIONS // 4)
