"""The contract of every home of sealed content: what was put comes back, whole or not at all; nothing else stays."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.domain.model import Content
from gateway.errors import StoreBusy, StoreFull, WrongKey
from gateway.store import objects
from gateway.store.content import CHUNK, INLINE, SEALED_CHUNK, SpooledContent, pieces_of
from gateway.store.objects import S3Objects
from gateway.store.postgres import connections
from gateway.store.postgres import content as chunked
from gateway.store.postgres.connections import connect
from gateway.store.postgres.content import ChunkedContent
from gateway.store.postgres.runner import PostgresStore, write_once
from gateway.store.postgres.schema import migrate
from gateway.testing import MemoryContent
from tests.peers.object_store import ObjectStore
from tests.peers.postgres import Postgres

TODAY = date(2026, 3, 2)
DAY, AT_ONCE = timedelta(days=1), timedelta(0)
ABOVE = 1_000_000
LARGE = b"a letter of many pages " * 60_000


@dataclass
class Home:
    """A home, and what a test does to it behind its back."""

    content: Any

    def names(self) -> set[str]:
        """The contents of which anything is there."""
        return set(self.content.octets)

    def done(self) -> None:
        """What is removed beside the caller is removed."""


class Spool(Home):
    def names(self) -> set[str]:
        return self.content.names()

    def pieces(self, content_id: str) -> list[bytes]:
        with self.content.file(content_id).open("rb") as file:
            return list(pieces_of(file))

    def alter(self, content_id: str, pieces: list[bytes]) -> None:
        self.content.file(content_id).write_bytes(b"".join(pieces))


@dataclass
class Rows(Home):
    url: str

    def say(self, statement: str, *parameters: Any) -> list[tuple]:
        with closing(connect(self.url)) as connection:
            done = connection.execute(statement, parameters)
            return done.fetchall() if done.description else []

    def names(self) -> set[str]:
        return {name for (name,) in self.say("SELECT content_id FROM chunk")}

    def pieces(self, content_id: str) -> list[bytes]:
        found = self.say("SELECT sealed FROM chunk WHERE content_id = %s ORDER BY number", content_id)
        return [bytes(sealed) for (sealed,) in found]

    def alter(self, content_id: str, pieces: list[bytes]) -> None:
        self.say("DELETE FROM chunk WHERE content_id = %s", content_id)
        for number, sealed in enumerate(pieces):
            values = (content_id, number, sealed)
            self.say("INSERT INTO chunk (content_id, number, sealed) VALUES (%s, %s, %s)", *values)

    def done(self) -> None:
        self.content._remover.submit(lambda: None).result()


@dataclass
class Stored(Rows):
    store: ObjectStore

    def names(self) -> set[str]:
        return super().names() | {name.split("/")[1] for name in self.store.objects()}

    def pieces(self, content_id: str) -> list[bytes]:
        objects = sorted(name for name in self.store.objects() if content_id in name)
        if not objects:
            return super().pieces(content_id)
        octets = b"".join(self.store.objects()[name] for name in objects)
        return [octets[at : at + SEALED_CHUNK] for at in range(0, len(octets), SEALED_CHUNK)]

    def alter(self, content_id: str, pieces: list[bytes]) -> None:
        objects = [name for name in self.store.objects() if content_id in name]
        if not objects:
            super().alter(content_id, pieces)
            return
        for name in objects:
            self.store.client.delete_object(Bucket="mail", Key=name)
        for at in range(0, len(pieces), 4):
            self.store.put(f"held/{content_id}/{at // 4:05}", b"".join(pieces[at : at + 4]))


@pytest.fixture(scope="module")
def object_store() -> Iterator[ObjectStore]:
    store = ObjectStore()
    store.start()
    yield store
    store.stop()


KINDS = ("memory", "spool", *(pytest.param(one, marks=pytest.mark.peer) for one in ("rows", "objects")))
SEALING, IN_ROWS, IN_OBJECTS = KINDS[1:], KINDS[2:], KINDS[3:]


@pytest.fixture(params=KINDS)
def home(request, tmp_path):
    match request.param:
        case "memory":
            yield Home(MemoryContent())
        case "spool":
            yield Spool(SpooledContent(tmp_path / "spool"))
        case "rows":
            url = request.getfixturevalue("postgres")
            with closing(ChunkedContent(url)) as content:
                yield Rows(content, url)
        case "objects":
            url, store = request.getfixturevalue("postgres"), request.getfixturevalue("object_store")
            store.empty()
            with closing(ChunkedContent(url, S3Objects(store.bucket), ABOVE)) as content:
                yield Stored(content, url, store)


def over(*kinds):
    return pytest.mark.parametrize("home", kinds, indirect=True)


def opened(home, sealed):
    return home.content.get(sealed.content_id, sealed.inline, sealed.data_key)


def written(home, octets, cut):
    writer = home.content.writer()
    for at in range(0, len(octets), cut):
        writer.write(octets[at : at + cut])
    sealed = writer.finish()
    writer.sync()
    return sealed


def name(home, sealed):
    """Commit the row that names it."""
    write_once(home.url, lambda tx: tx.add(Content(id=sealed.content_id, inline=sealed.inline, size=sealed.size)))


def unname(home, sealed):
    write_once(home.url, lambda tx: tx.remove(Content, id=sealed.content_id))


# ------------------------------------------------------------------------------------------------------ what comes back

EDGES = sorted({at + by for at in (INLINE, CHUNK, 2 * CHUNK, 4 * CHUNK, 8 * CHUNK) for by in (-1, 0, 1)})


@pytest.mark.parametrize("size", [0, 1, *EDGES, 5_000_000])
def test_what_was_put_comes_back_in_small_pieces(home, size):
    octets = os.urandom(size)
    for sealed in (home.content.put(octets), written(home, octets, 100_003)):
        assert sealed.size == size
        chunks = list(home.content.chunks(sealed.content_id, sealed.inline, sealed.data_key))
        assert b"".join(chunks) == octets


@over(*SEALING)
def test_it_is_sealed_where_it_lies_and_read_in_pieces(home):
    sealed = home.content.put(LARGE)
    pieces = home.pieces(sealed.content_id)
    assert len(pieces) == -(-len(LARGE) // CHUNK)
    assert not any(LARGE[:20] in piece for piece in pieces)
    assert max(map(len, home.content.chunks(sealed.content_id, None, sealed.data_key))) == CHUNK


@over(*SEALING)
def test_up_to_a_piece_nothing_is_stored_before_it_is_flushed(home):
    writer = home.content.writer()
    writer.write(bytes(CHUNK))
    sealed = writer.finish()
    assert home.names() == set()
    writer.flush()
    assert opened(home, sealed) == bytes(CHUNK)
    writer.sync()


@over(*IN_OBJECTS)
@pytest.mark.parametrize(("size", "is_object"), [(INLINE + 1, False), (ABOVE - 100, False), (ABOVE, True)])
def test_what_is_larger_lies_in_the_object_store_and_the_rest_in_rows(home, size, is_object):
    sealed = home.content.put(bytes(size))
    assert [one.startswith(f"held/{sealed.content_id}/") for one in home.store.objects()] == [True] * is_object
    assert home.names() == {sealed.content_id}
    assert opened(home, sealed) == bytes(size)
    assert len(home.say("SELECT 1 FROM chunk WHERE sealed IS NOT NULL")) == (0 if is_object else -(-size // CHUNK))


@over(*IN_OBJECTS)
def test_what_lies_in_a_store_that_is_not_set_any_more_is_not_lost(home):
    sealed = home.content.put(LARGE)
    with closing(ChunkedContent(home.url)) as content, pytest.raises(StoreBusy, match=r"objects\.bucket"):
        content.get(sealed.content_id, None, sealed.data_key)


ALTERED = {
    "the last is gone": lambda pieces: pieces[:-1],
    "the first is gone": lambda pieces: pieces[1:],
    "only the first is there": lambda pieces: pieces[:1],
    "two are swapped": lambda pieces: [pieces[1], pieces[0], *pieces[2:]],
    "one is there twice": lambda pieces: [pieces[0], *pieces],
    "one is added": lambda pieces: [*pieces, pieces[-1]],
    "one is cut": lambda pieces: [*pieces[:-1], pieces[-1][:-1]],
}


@over(*SEALING)
@pytest.mark.parametrize("how", ALTERED)
@pytest.mark.parametrize("size", [3 * CHUNK, 5 * CHUNK + 7])
def test_pieces_that_were_altered_do_not_open(home, how, size):
    sealed = home.content.put(os.urandom(size))
    home.alter(sealed.content_id, ALTERED[how](home.pieces(sealed.content_id)))
    with pytest.raises(WrongKey):
        opened(home, sealed)


@over(*SEALING)
def test_it_opens_under_no_other_name(home):
    sealed, other = home.content.put(LARGE), home.content.put(LARGE)
    home.alter(sealed.content_id, home.pieces(other.content_id))
    with pytest.raises(WrongKey):
        home.content.get(sealed.content_id, None, other.data_key)


def test_what_is_gone_is_a_key_error(home):
    with pytest.raises(KeyError):
        home.content.get("0" * 32, None, b"k" * 32)


# --------------------------------------------------------------------------------------------------------- what is left


@pytest.mark.parametrize("when", ["begun", "written", "finished", "flushed", "synced"])
def test_what_is_abandoned_leaves_nothing(home, when):
    writer = home.content.writer()
    steps = {
        "written": lambda: writer.write(LARGE),
        "finished": writer.finish,
        "flushed": writer.flush,
        "synced": writer.sync,
    }
    for step, take in steps.items():
        if when == "begun":
            break
        take()
        if step == when:
            break
    writer.abandon()
    writer.abandon()
    home.done()
    assert home.names() == set()


@pytest.mark.parametrize("size", [1, 2 * CHUNK, len(LARGE)])
def test_what_is_discarded_is_gone_and_nothing_else(home, size):
    sealed, kept = home.content.put(LARGE[:size]), home.content.put(LARGE)
    home.content.discard(sealed.content_id, "unknown")
    home.content.discard()
    assert home.names() == {kept.content_id}
    assert opened(home, kept) == LARGE
    if sealed.inline is None or isinstance(home.content, MemoryContent):
        with pytest.raises(KeyError):
            opened(home, sealed)


def test_a_spool_keeps_what_a_start_has_set_aside_for_so_long(tmp_path):
    content = SpooledContent(tmp_path / "spool")
    old, fresh, named = (content.put(LARGE) for _ in range(3))
    content.set_aside(old.content_id, TODAY - 3 * DAY)
    content.set_aside(fresh.content_id, TODAY - 2 * DAY)
    assert content.sweep(TODAY, 2 * DAY) == 1
    assert [file.name for file in content.orphans.rglob("*") if file.is_file()] == [fresh.content_id]
    assert content.names() == {named.content_id}


@over(*IN_ROWS)
def test_a_sweep_removes_what_no_row_names_and_is_not_fresh(home, monkeypatch):
    monkeypatch.setattr(chunked, "AT_A_TIME", 2)
    named, unnamed = ([home.content.put(LARGE[:size]) for size in (2 * CHUNK, 3 * CHUNK, len(LARGE))] for _ in range(2))
    for sealed in named:
        name(home, sealed)
    assert home.content.sweep(TODAY, DAY) == 0
    assert home.names() == {one.content_id for one in (*named, *unnamed)}
    assert home.content.sweep(TODAY, AT_ONCE) == len(unnamed)
    assert home.names() == {one.content_id for one in named}
    assert [opened(home, one) == LARGE[: one.size] for one in named] == [True] * 3


@over(*IN_ROWS)
def test_a_sweep_goes_on_where_it_rested_and_begins_anew_at_the_end(home, monkeypatch):
    monkeypatch.setattr(chunked, "AT_A_TIME", 1)
    monkeypatch.setattr(chunked, "TIMES", 2)
    for _ in range(3):
        home.content.put(LARGE[: 2 * CHUNK])
    assert [home.content.sweep(TODAY, AT_ONCE) for _ in range(3)] == [2, 1, 0]
    late = home.content.put(LARGE[: 2 * CHUNK])
    assert home.names() == {late.content_id}
    assert [home.content.sweep(TODAY, AT_ONCE) for _ in range(2)] == [1, 0]


@over(*IN_OBJECTS)
def test_objects_of_which_no_row_tells_are_swept_page_by_page(home, monkeypatch):
    monkeypatch.setattr(objects, "AT_A_TIME", 2)
    kept = home.content.put(LARGE)
    name(home, kept)
    for number in range(5):
        home.store.put(f"held/lost-{number}/00000", b"x")
    home.store.put("others/thing", b"x")
    assert home.content.sweep(TODAY, DAY) == 0
    assert home.content.sweep(TODAY, AT_ONCE) == 5
    assert {one.split("/")[1] for one in home.store.objects()} == {kept.content_id, "thing"}


@over(*IN_ROWS)
def test_what_a_row_names_is_removed_by_nobody(home):
    writer = home.content.writer()
    writer.write(LARGE)
    sealed = writer.finish()
    writer.sync()
    name(home, sealed)
    home.content.discard(sealed.content_id)
    writer.abandon()  # of a commit that was cut off nobody knows whether it was done
    home.done()
    assert opened(home, sealed) == LARGE
    unname(home, sealed)
    home.content.discard(sealed.content_id)
    assert home.names() == set()


@over(*IN_ROWS)
async def test_content_goes_with_its_row_and_only_what_lies_apart_is_looked_for(home, monkeypatch):
    store, asked = PostgresStore(home.url, home.content), []
    remove = home.content._remove
    monkeypatch.setattr(home.content, "_remove", lambda names: (asked.append(names), remove(names)))
    small, large = await asyncio.to_thread(home.content.put, b"x"), await asyncio.to_thread(home.content.put, LARGE)

    def add(tx):
        for one in (small, large):
            tx.add(Content(id=one.content_id, inline=one.inline, size=one.size))

    await store.write(add)
    assert await store.write(lambda tx: tx.remove(Content, id__in=[small.content_id, large.content_id])) == 2
    await store.close()
    assert asked == [[large.content_id]]
    assert home.names() == set()


@over(*IN_ROWS)
def test_who_removes_waits_for_a_row_that_is_about_to_come(home):
    sealed = home.content.put(LARGE)
    with closing(connect(home.url)) as connection:
        connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
        values = [sealed.content_id, sealed.size]
        connection.execute("INSERT INTO content (id, size) VALUES (%s, %s)", values)
        removing = threading.Thread(target=home.content.discard, args=[sealed.content_id])
        removing.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while removing.is_alive() and not home.say(waits):
            pass
        connection.execute("COMMIT")
        removing.join()
    assert opened(home, sealed) == LARGE


@over(*IN_ROWS)
@pytest.mark.parametrize("missing", ["all", "the last"])
def test_a_row_whose_pieces_are_not_there_is_refused_for_now(home, missing):
    """As after a fail-over to a server that had not got them yet."""
    sealed = home.content.put(LARGE[: 3 * CHUNK])
    home.say("DELETE FROM chunk WHERE number >= %s", 0 if missing == "all" else 2)
    with pytest.raises(StoreBusy, match="not stored"):
        name(home, sealed)


@over(*IN_ROWS)
def test_a_sweep_reads_the_index_and_not_the_pieces(home):
    home.say("INSERT INTO chunk SELECT md5(n::text), 0, 0, 'x' FROM generate_series(1, 20000) n")
    home.say("INSERT INTO chunk SELECT content_id, p, 0, 'x' FROM chunk, generate_series(1, 3) p")
    home.say("INSERT INTO content SELECT md5(n::text), 'x', 1 FROM generate_series(2, 20000) n")
    home.say("VACUUM ANALYZE chunk, content")
    names = [one for (one,) in home.say(chunked._NEXT, "", 100)]
    next_plan, unnamed_plan = (
        str(home.say(f"EXPLAIN {statement}", *values))
        for statement, values in ((chunked._NEXT, ("", 100)), (chunked._UNNAMED, (names, names, DAY)))
    )
    assert "Index Only Scan using chunk_pkey" in next_plan
    assert "Index Only Scan using content_pkey" in unnamed_plan
    assert "Seq Scan" not in next_plan + unnamed_plan
    assert home.content.sweep(TODAY, DAY) == 1


# ------------------------------------------------------------------------------------------------------ what goes wrong

KILLED = """
import os, signal, sys
from gateway.store.objects import Bucket, S3Objects
from gateway.store.postgres.content import ChunkedContent
url, endpoint = sys.argv[1:]
bucket = S3Objects(Bucket(endpoint, "mail", "us-east-1", "gateway", "secret", "held")) if endpoint else None
writer = ChunkedContent(url, bucket).writer()
writer.write(bytes(2_500_000))
os.kill(os.getpid(), signal.SIGKILL)
"""


@over(*IN_ROWS)
def test_a_kill_before_the_row_leaves_what_a_sweep_removes(home):
    endpoint = home.store.bucket.endpoint if isinstance(home, Stored) else ""
    done = subprocess.run([sys.executable, "-c", KILLED, home.url, endpoint], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(home.names()) == 1
    assert home.content.sweep(TODAY, AT_ONCE) == 1
    assert home.names() == set()


@pytest.fixture
def own_server(monkeypatch):
    """A server that a test may stop."""
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.5)
    server = Postgres()
    server.start()
    with closing(connect(server.url)) as connection:
        migrate(connection)
    yield server
    server.kill()


@pytest.mark.peer
@pytest.mark.parametrize("when", ["write", "flush", "read"])
def test_a_database_that_goes_away_is_a_temporary_failure_and_leaves_nothing(own_server, when):
    content = ChunkedContent(own_server.url)
    writer = content.writer()
    writer.write(bytes(3 * CHUNK))
    sealed = writer.finish()
    if when == "read":
        writer.sync()
    own_server.stop()
    steps = {
        "write": lambda: writer.write(bytes(2 * CHUNK)),
        "flush": writer.flush,
        "read": lambda: content.get(sealed.content_id, None, sealed.data_key),
    }
    with pytest.raises(StoreBusy):
        steps[when]()
    own_server.start()
    home = Rows(content, own_server.url)
    if when == "read":
        assert opened(home, sealed) == bytes(3 * CHUNK)
    else:
        home.done()
        content.sweep(TODAY, AT_ONCE)
        assert home.names() == set()
    content.close()


@over(*IN_ROWS)
def test_connections_that_were_cut_are_made_anew(home, postgres_server):
    threads = [threading.Thread(target=home.content.put, args=[LARGE]) for _ in range(chunked.CONNECTIONS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query <> ''"
    with suppress(psycopg.Error):
        postgres_server.say(cut)
    assert opened(home, home.content.put(LARGE)) == LARGE


@pytest.mark.peer
@pytest.mark.parametrize("when", ["write", "flush", "read", "sweep"])
def test_a_store_that_is_down_is_a_temporary_failure_and_leaves_nothing(postgres, monkeypatch, when):
    monkeypatch.setattr(objects, "TRIES", 1)
    store = ObjectStore()
    store.start()
    content = ChunkedContent(postgres, S3Objects(store.bucket), ABOVE)
    home = Stored(content, postgres, store)
    writer = content.writer()
    writer.write(LARGE)
    sealed = writer.finish()
    if when in ("read", "sweep"):
        writer.sync()
    store.stop()
    steps = {
        "write": lambda: writer.write(LARGE),
        "flush": writer.flush,
        "read": lambda: content.get(sealed.content_id, None, sealed.data_key),
        "sweep": lambda: content.sweep(TODAY, AT_ONCE),
    }
    with pytest.raises(StoreBusy):
        steps[when]()
    home.done()
    rows = {name for (name,) in home.say("SELECT content_id FROM chunk")}
    assert rows == ({sealed.content_id} if when in ("read", "sweep") else set())
    content.close()


@over(*IN_OBJECTS)
def test_objects_that_could_not_be_removed_with_their_row_are_swept(home, monkeypatch):
    sealed = home.content.put(LARGE)

    def is_down(_):
        raise StoreBusy("down")

    with monkeypatch.context() as down:
        down.setattr(home.content._objects, "remove", is_down)
        home.content.discard(sealed.content_id)
    assert home.store.objects()
    assert home.content.sweep(TODAY, DAY) == 0
    assert home.content.sweep(TODAY, AT_ONCE) == 1
    assert not home.store.objects()


def test_a_full_disk_leaves_nothing(tmp_path):
    content = SpooledContent(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    writer = content.writer()
    with pytest.raises(StoreFull):
        writer.write(LARGE)
    assert not list(Path(tmp_path).rglob("*"))


# --------------------------------------------------------------------------------------------------------------- memory


@over(*SEALING)
def test_memory_stays_flat_while_much_is_written_and_read(home):
    """What is held: for an object two of its MiB, and one more in the client; else some pieces of 256 KiB."""
    octets, most = bytes(250_000), 8 * 2**20
    for _ in home.content.pieces(home.content.put(LARGE).content_id):
        pass  # whatever is loaded once is loaded
    tracemalloc.start()
    writer = home.content.writer()
    for _ in range(200):
        writer.write(octets)
    sealed = writer.finish()
    writer.sync()
    assert sum(map(len, home.content.chunks(sealed.content_id, None, sealed.data_key))) == 50_000_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most
