"""What only PostgreSQL promises: many gateways at once, and a server that goes away and comes back."""

import asyncio
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from gateway.domain.model import TABLES, Delivery, Fingerprint, Meta
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import DeliveryKind
from gateway.errors import ConfigError, StoreBusy
from gateway.store.migrations import newest_scripts
from gateway.store.models import models, table_name
from gateway.store.postgres import bell, connections, runner, transaction
from gateway.store.postgres.connections import connect
from gateway.store.postgres.runner import PostgresStore, Turns, read_once, write_once
from gateway.store.postgres.schema import in_postgres, migrate
from gateway.testing import MemoryContent
from tests.peers.postgres import Postgres
from tests.peers.process import wait_for

pytestmark = pytest.mark.peer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
async def nodes(postgres):
    """Two gateways on one database."""
    stores = [PostgresStore(postgres, MemoryContent()) for _ in range(2)]
    yield stores
    for store in stores:
        await store.close()


@pytest.fixture
async def store(nodes):
    return nodes[0]


_WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def delivery(number=0):
    return Delivery(kind=DeliveryKind.PASS, recipient=f"{number}@x.example", created_at=NOW, due_at=NOW)


def count_up(tx):
    """Read, and write what comes of it: two at once would lose a step if they did not see each other."""
    found = tx.one(Meta, name="count")
    if found is None:
        tx.add(Meta(name="count", value=b"1"))
    else:
        tx.put(Meta(id=found.id, name="count", value=str(int(found.value) + 1).encode()))


# ------------------------------------------------------------------------------------------------------- many at once


async def test_work_is_not_refused_where_the_driver_is_wrong_about_what_is_prepared(store):
    """As it is after a pipeline that a conflict has broken off."""
    for _ in range(10):
        await store.write(count_up)
    await store.write(lambda tx: tx._connection.execute("DO 'BEGIN EXECUTE ''DEALLOCATE ALL''; END'"))
    for _ in range(3):
        await store.write(count_up)
    [found] = await store.read(lambda tx: tx.find(Meta, name="count"))
    assert found.value == b"13"


async def test_what_many_gateways_count_at_once_is_counted_once_each(nodes):
    await asyncio.gather(*(node.write(count_up) for node in nodes for _ in range(20)))
    assert (await nodes[0].read(lambda tx: tx.one(Meta, name="count"))).value == b"40"


async def test_what_was_read_still_holds_when_it_is_written(nodes):
    """Each sees that nobody else is there, and enters: one of the two must look again (a write skew)."""
    both_have_looked = threading.Barrier(2)

    def enter_if_empty(name):
        def enter(tx):
            if tx.count(Fingerprint) == 0:
                if not both_have_looked.broken:
                    both_have_looked.wait(20)
                    both_have_looked.abort()
                tx.add(Fingerprint(fingerprint=name, at=NOW))

        return enter

    results = await asyncio.gather(
        *(node.write(enter_if_empty(name)) for node, name in zip(nodes, (b"one", b"other"), strict=True)),
        return_exceptions=True,
    )
    assert not [
        one for one in results if isinstance(one, Exception) and not isinstance(one, threading.BrokenBarrierError)
    ]
    assert await nodes[0].read(lambda tx: tx.count(Fingerprint)) == 1


async def test_no_two_gateways_claim_the_same_mail(nodes):
    def fill(tx):
        for number in range(200):
            tx.add(delivery(number))

    await nodes[0].write(fill)

    async def claim(node):
        found = await node.write(lambda tx: tx.claim_deliveries(NOW, NOW + timedelta(minutes=5), 7))
        assert len(found) <= 7
        return [one.id for one in found]

    async def claim_all(node, claimed):
        while found := await claim(node):
            claimed += found
        return claimed

    firsts = await asyncio.gather(*map(claim, nodes))  # else one may have them all before the other is connected
    ones, others = await asyncio.gather(*map(claim_all, nodes, firsts))
    assert len(ones) + len(others) == len({*ones, *others}) == 200
    assert ones
    assert others


async def test_who_claims_does_not_wait_for_who_has_claimed(postgres, store):
    await store.write(lambda tx: [tx.add(delivery(number)) for number in range(2)])
    with closing(connect(postgres)) as other:
        other.execute("BEGIN")
        other.execute("SELECT id FROM delivery WHERE id = 1 FOR UPDATE")
        [found] = await store.write(lambda tx: tx.claim_deliveries(NOW, NOW + timedelta(minutes=5), 9))
    assert found.id == 2


async def test_work_that_others_are_always_in_the_way_of_is_told_busy(store, monkeypatch):
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.1)

    def conflicts(_):
        raise psycopg.errors.SerializationFailure("always")

    with pytest.raises(StoreBusy, match="always"):
        await store.write(conflicts)
    await store.write(count_up)


def test_after_work_that_was_undone_more_and_more_wait_for_their_turn():
    turns = Turns()

    def run(count, *, undone=False):
        begun = []
        for _ in range(count):
            begun.append(turns.begin())
            turns.end(in_turn=begun[-1], undone=undone)
        return begun

    assert run(3) == [False] * 3
    assert run(1, undone=True) == [False]
    assert run(1) == [True]
    assert run(1, undone=True) == [False]  # the next one to do without is undone as well
    assert run(2) == [True, True]
    assert run(4) == [False] * 4


async def test_whose_work_was_undone_wait_for_each_other(postgres, store):
    tries = []

    def is_undone_once(tx):
        tries.append(tx)
        if len(tries) == 1:
            raise psycopg.errors.SerializationFailure
        count_up(tx)

    with closing(connect(postgres)) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [transaction._TURN])
        work = asyncio.create_task(store.write(is_undone_once))
        await asyncio.to_thread(wait_for, lambda: bool(other.execute(_WAITING).fetchall()), 30)
        assert len(tries) == 1
    await work
    assert len(tries) == 2
    with closing(connect(postgres)) as other:
        assert not other.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1").fetchall()


# -------------------------------------------------------------------------------------------------- values and schema


async def test_text_that_postgresql_cannot_hold_is_held_all_the_same(store):
    await store.write(lambda tx: tx.add(Delivery(kind=DeliveryKind.PASS, recipient="a\0b", created_at=NOW, due_at=NOW)))
    assert (await store.read(lambda tx: tx.one(Delivery, recipient="a\0b"))).recipient == "a\N{REPLACEMENT CHARACTER}b"


async def test_text_is_ordered_by_its_octets_whatever_the_server_speaks(store):
    await store.write(lambda tx: [tx.add(delivery(name)) for name in ("b", "Z", "ä", "a")])
    rows = await store.read(lambda tx: tx.find(Delivery, order="recipient"))
    assert [row.recipient[0] for row in rows] == ["Z", "a", "b", "ä"]


def test_the_schema_has_every_field_of_every_table(postgres):
    tables = models(None)
    with closing(connect(postgres)) as connection:
        for table in TABLES:
            found = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table_name(table)]
            )
            assert {name for (name,) in found} == set(tables[table]._meta.fields), table


def test_migrating_twice_changes_nothing_and_a_newer_database_is_refused(postgres_server):
    with closing(connect(postgres_server.database("fresh"))) as connection:
        assert migrate(connection) == list(range(1, len(newest_scripts()) + 1))
        assert migrate(connection) == []
        connection.execute("UPDATE schema_version SET version = 99, oldest = 99")
        with pytest.raises(ConfigError, match="newer"):
            migrate(connection)


def test_gateways_that_start_together_migrate_once(postgres_server):
    url = postgres_server.database("together")
    applied = []

    def begin():
        with closing(connect(url)) as connection:
            applied.extend(migrate(connection))

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == list(range(1, len(newest_scripts()) + 1))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "INSERT INTO audit (id, at, actor, action, subject, detail, mac, place) VALUES (-1, 0, '', '', '', '', '', '')",
    ],
)
def test_the_audit_only_grows(postgres, change):
    row = Audit(at=NOW, actor="ada", action="x", subject="y", detail="", place="", mac=b"z")
    write_once(postgres, lambda tx: tx.add(row))
    with closing(connect(postgres)) as connection, pytest.raises(psycopg.errors.IntegrityError, match="only grows"):
        connection.execute(change)
    assert read_once(postgres, lambda tx: tx.count(Audit)) == 1


def test_a_statement_is_translated_in_its_words_and_nowhere_else():
    ours = in_postgres("CREATE TABLE t (id INTEGER PRIMARY KEY, INTEGERS TEXT, b BLOB DEFAULT x'');  -- an INTEGER")
    assert ours == (
        "CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
        "INTEGERS text COLLATE \"C\", b bytea DEFAULT ''::bytea);"
    )


# ---------------------------------------------------------------------------------------------- a server that goes away


async def test_a_server_that_goes_away_is_a_temporary_failure_and_comes_back(request, monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 0.5)
    server = Postgres()
    server.start()
    request.addfinalizer(server.kill)
    with closing(connect(server.url)) as connection:
        migrate(connection)
    store = PostgresStore(server.url, MemoryContent())
    await store.write(count_up)
    server.kill()
    with pytest.raises(StoreBusy):
        await store.write(count_up)
    with pytest.raises(StoreBusy):
        await store.read(lambda tx: tx.count(Meta))
    server.start()
    await store.write(count_up)
    assert (await store.read(lambda tx: tx.one(Meta, name="count"))).value == b"2"
    await store.close()


async def test_a_connection_that_was_cut_is_made_anew(postgres_server, store):
    await store.write(count_up)
    postgres_server.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    for _ in range(2):
        await store.write(count_up)
    assert (await store.read(lambda tx: tx.one(Meta, name="count"))).value == b"3"


def test_that_the_others_are_not_heard_is_said_once_for_each_reason(monkeypatch):
    reasons = ["gone", "gone", "gone", "still starting", "still starting"]

    def refused(_):
        if len(reasons) == 1:
            one.end()
        raise StoreBusy(reasons.pop(0))

    monkeypatch.setattr(bell, "connect", refused)
    monkeypatch.setattr(bell, "BACK_OFF", 0.0)
    one = bell.Bell("postgresql://", "one", lambda: None)
    with capture_logs() as logs:
        one._listen()
    assert [line["error"] for line in logs] == ["gone", "still starting"]
