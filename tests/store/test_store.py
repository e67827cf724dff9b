"""One contract for every store; what only SQLite promises stands below."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.model import TABLES, Content, Copy, Delivery, Fingerprint, Invitation, Message, Sender
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState, Relationship, State
from gateway.errors import ConfigError, StoreBusy
from gateway.store import connections
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.events import StoreEvents
from gateway.store.migrations import migrate
from gateway.store.models import models, table_name
from gateway.store.postgres.runner import PostgresStore
from gateway.store.runner import SqliteStore
from gateway.testing import MemoryStore

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)


def delivery(**fields):
    defaults = {"kind": DeliveryKind.PASS, "recipient": "pat@home.example", "created_at": NOW, "due_at": NOW}
    return Delivery(**defaults | fields)


def invitation(**fields):
    defaults = {
        "practice_id": "riverside",
        "address": "pat@home.example",
        "typed": "Pat@home.example",
        "schedule_start": date(2026, 3, 2),
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Invitation(**defaults | fields)


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "gateway.db")
    migrate(database)
    return database


@pytest.fixture
async def sqlite_store(database, tmp_path):
    store = SqliteStore(database, SpooledContent(tmp_path / "spool"))
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.peer)])
async def store(request, database, tmp_path):
    if request.param == "memory":
        yield MemoryStore()
        return
    content = SpooledContent(tmp_path / "spool")
    if request.param == "postgres":
        store = PostgresStore(request.getfixturevalue("postgres"), content)
    else:
        store = SqliteStore(database, content)
    yield store
    await store.close()


async def test_a_row_comes_back_as_it_was_put(store):
    row = invitation(
        state=State.INVITED,
        relationship=Relationship.PATIENT,
        birthdate_digest=b"\x00\xff",
        due_at=NOW + timedelta(days=3),
    )
    stored = await store.write(lambda tx: tx.add(row))
    assert stored == replace(row, id=stored.id)
    assert stored.id > 0
    assert await store.read(lambda tx: tx.get(Invitation, stored.id)) == stored
    changed = replace(stored, state=State.LOCKED, due_at=None)
    await store.write(lambda tx: tx.put(changed))
    found = await store.read(lambda tx: tx.one(Invitation, address="pat@home.example"))
    assert found == changed
    assert found.state is State.LOCKED


async def test_putting_a_row_that_is_not_stored_is_an_error(store):
    with pytest.raises(LookupError):
        await store.write(lambda tx: tx.put(invitation(id=7)))


async def test_conditions_order_and_pages(store):
    def fill(tx):
        for minutes in (3, 1, 2):
            tx.add(delivery(recipient=f"{minutes}@x.example", due_at=NOW + timedelta(minutes=minutes)))

    await store.write(fill)
    read = store.read

    async def recipients(**query):
        return [row.recipient[0] for row in await read(lambda tx: tx.find(Delivery, **query))]

    assert await recipients() == ["3", "1", "2"]
    assert await recipients(order="due_at") == ["1", "2", "3"]
    assert await recipients(order="-due_at", limit=1, skip=1) == ["2"]
    assert await recipients(due_at__le=NOW + timedelta(minutes=2)) == ["1", "2"]
    assert await recipients(recipient__in=("1@x.example", "9@x.example")) == ["1"]
    assert await recipients(lease_until=None, recipient__ne="1@x.example") == ["3", "2"]
    assert await read(lambda tx: tx.count(Delivery, due_at__gt=NOW + timedelta(minutes=1))) == 2


async def test_a_misspelt_condition_is_an_error(store):
    await store.write(lambda tx: tx.add(delivery()))
    with pytest.raises(AttributeError):
        await store.read(lambda tx: tx.find(Delivery, recipent="x"))


async def test_removing_needs_a_condition(store):
    await store.write(lambda tx: tx.add(delivery()))
    with pytest.raises(ValueError, match="condition"):
        await store.write(lambda tx: tx.remove(Delivery))
    assert await store.write(lambda tx: tx.remove(Delivery, recipient="pat@home.example")) == 1
    assert await store.read(lambda tx: tx.count(Delivery)) == 0


async def test_a_fingerprint_is_kept_once(store):
    seen = Fingerprint(fingerprint=b"x", at=NOW)
    assert await store.write(lambda tx: tx.add_once(seen))
    assert not await store.write(lambda tx: tx.add_once(seen))


async def test_a_failing_writer_fails_alone(store):
    def fails(tx):
        tx.add(delivery(recipient="lost@x.example"))
        raise KeyError("mine")

    results = await asyncio.gather(
        store.write(lambda tx: tx.add(delivery(recipient="one@x.example"))),
        store.write(fails),
        store.write(lambda tx: tx.add(delivery(recipient="two@x.example"))),
        return_exceptions=True,
    )
    assert isinstance(results[1], KeyError)
    rows = await store.read(lambda tx: tx.find(Delivery))
    assert [row.recipient for row in rows] == ["one@x.example", "two@x.example"]


async def test_a_claim_is_leased_and_counted(store):
    def fill(tx):
        tx.add(delivery(recipient="later@x.example", due_at=NOW + timedelta(hours=1)))
        tx.add(delivery(recipient="done@x.example", state=DeliveryState.SENT))
        tx.add(delivery(recipient="second@x.example"))
        tx.add(delivery(recipient="first@x.example", due_at=NOW - timedelta(hours=1)))

    await store.write(fill)
    lease = NOW + timedelta(minutes=10)

    async def claim(at, limit=9):
        claimed = await store.write(lambda tx: tx.claim_deliveries(at, lease, limit))
        return [(row.recipient, row.attempts, row.lease_until) for row in claimed]

    assert await claim(NOW, 1) == [("first@x.example", 1, lease)]
    assert await claim(NOW) == [("second@x.example", 1, lease)]
    assert await claim(NOW) == []
    assert [row[:2] for row in await claim(lease)] == [("first@x.example", 2), ("second@x.example", 2)]


async def test_the_wake_up_comes_after_a_commit_that_queued(database, tmp_path):
    woken = []
    store = SqliteStore(database, SpooledContent(tmp_path / "spool"), StoreEvents(queued=lambda: woken.append(1)))
    await store.write(lambda tx: tx.add(invitation()))
    assert woken == []
    await store.write(lambda tx: tx.add(delivery()))
    assert woken == [1]
    await store.close()


async def test_only_one_open_invitation_for_an_address_and_a_practice(sqlite_store):
    await sqlite_store.write(lambda tx: tx.add(invitation(state=State.CANCELLED)))
    await sqlite_store.write(lambda tx: tx.add(invitation()))
    with pytest.raises(Exception, match="UNIQUE"):
        await sqlite_store.write(lambda tx: tx.add(invitation(state=State.INVITED)))


async def test_every_connection_syncs_fully(sqlite_store):
    def pragmas(tx):
        return [
            tx._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "journal_mode", "secure_delete", "foreign_keys")
        ]

    assert await sqlite_store.write(pragmas) == [2, "wal", 1, 1]
    assert await sqlite_store.read(pragmas) == [2, "wal", 1, 1]


async def test_a_locked_database_is_a_temporary_failure(sqlite_store, tmp_path, monkeypatch):
    await sqlite_store.write(lambda tx: tx.add(delivery()))
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await sqlite_store.write(lambda tx: tx.add(delivery()))
    other.execute("ROLLBACK")
    other.close()
    await sqlite_store.write(lambda tx: tx.add(delivery()))
    assert await sqlite_store.read(lambda tx: tx.count(Delivery)) == 2


@pytest.mark.parametrize("is_last", [True, False], ids=["with its content", "while others read the content"])
async def test_a_destroyed_key_leaves_file_and_log(sqlite_store, tmp_path, is_last):
    secret = b"wrapped-key-of-the-destroyed-copy"

    def hold(tx):
        sender = tx.add(Sender(practice_id="r", address="ada@r.example", typed="ada@r.example"))
        message = tx.add(
            Message(
                practice_id="r",
                sender_id=sender.id,
                header_id="",
                subject=b"",
                content_id="c1",
                size=1,
                received_at=NOW,
            )
        )
        tx.add(Content(id="c1", size=1))
        return tx.add(Copy(message_id=message.id, address="a", typed="a", state=CopyState.HELD, wrapped_key=secret))

    (tmp_path / "spool" / "c1").write_bytes(b"sealed")
    copy = await sqlite_store.write(hold)

    def on_disk():
        return any(secret in path.read_bytes() for path in tmp_path.glob("gateway.db*"))

    assert on_disk()

    def destroy(tx):
        tx.put(replace(copy, wrapped_key=None, state=CopyState.DESTROYED))
        if is_last:
            tx.remove(Content, id="c1")

    await sqlite_store.write(destroy)
    async with asyncio.timeout(10):
        while on_disk():  # noqa: ASYNC110 - the disk is asked, and nothing else
            await asyncio.sleep(0.05)
    assert (tmp_path / "spool" / "c1").exists() is not is_last


def test_the_migrated_schema_has_every_field_of_every_table(database):
    for table, model in models(database).items():
        columns = {column.name: column for column in database.get_columns(table_name(table))}
        assert set(columns) == set(model._meta.fields)
        for name, field in model._meta.fields.items():
            assert columns[name].null == field.null or name == "id", f"{table.__name__}.{name}"
    assert {table_name(table) for table in TABLES} == set(database.get_tables()) - {"sqlite_sequence"}
    database.close()


def test_migrating_twice_changes_nothing_and_a_newer_file_is_refused(database):
    assert migrate(database) == []
    with database.connection_context():
        database.user_version = 999
    with pytest.raises(ConfigError, match=r"schema 999.*newer gateway, or by one from before"):
        migrate(database)


async def test_a_file_without_a_row_is_removed_after_the_commit(sqlite_store, tmp_path):
    file = tmp_path / "spool" / "unused"
    file.write_bytes(b"sealed")

    def work(tx):
        tx.discard("unused")
        assert file.exists()

    await sqlite_store.write(work)
    assert not file.exists()
