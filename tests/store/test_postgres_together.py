"""Those who share a transaction on PostgreSQL: what they ask is asked at once, and what they write goes together."""

import asyncio
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from gateway.domain.model import TABLES, Fingerprint, Sender
from gateway.domain.model_records import ListedPerson
from gateway.store.models import table_name
from gateway.store.postgres.connections import connect
from gateway.store.postgres.runner import PostgresStore
from gateway.testing import MemoryContent

pytestmark = pytest.mark.peer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
async def store(postgres):
    store = PostgresStore(postgres, MemoryContent())
    yield store
    await store.close()


async def test_what_turns_out_not_to_be_new_is_told_apart_among_many(store):
    def add_twice(tx):
        return tx.add_once(Fingerprint(fingerprint=b"1", at=NOW)), tx.add_once(Fingerprint(fingerprint=b"1", at=NOW))

    def add_other(tx):
        return tx.add_once(Fingerprint(fingerprint=b"2", at=NOW))

    assert await asyncio.gather(*map(store.write, (add_other, add_twice, add_other))) == [True, (True, False), False]


@pytest.fixture
def asked(monkeypatch):
    """The statements that are sent."""
    statements = []
    execute = psycopg.Cursor.execute

    def noting(self, statement, *args, **kwargs):
        statements.append(str(statement))
        return execute(self, statement, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", noting)
    return statements


def sender(number):
    return Sender(practice_id="riverside", address=f"dr{number}@x.example", typed=f"dr{number}@x.example")


async def test_what_many_ask_about_their_addresses_is_asked_at_once_and_their_rows_go_together(store, asked):
    def meet(number):
        new = sender(number)

        def met(tx):
            listed = tx.find(ListedPerson, address=new.address)
            tx.add(tx.one(Sender, address=new.address, practice_id="riverside") or new)
            return listed, tx.one(Sender, address=new.address, practice_id="riverside").typed

        return store.write(met, concerns=[new.address])

    met = await asyncio.gather(*map(meet, range(20)))
    assert met == [([], sender(number).typed) for number in range(20)]
    assert sum(one.startswith("SELECT") and '"sender"' in one for one in asked) == 1
    assert sum(one.startswith("SELECT") and '"listed_person"' in one for one in asked) == 1
    assert sum(one.startswith("INSERT") for one in asked) == 2  # sixteen rows, and four


async def test_a_mail_that_comes_again_costs_the_others_nothing(store, asked):
    def add(number):
        new = Fingerprint(fingerprint=b"%d" % number, at=NOW)

        def twice(tx):
            return tx.add_once(new), tx.add_once(new)

        return store.write(twice, concerns=[new.fingerprint])

    assert await asyncio.gather(*map(add, range(4))) == [(True, False)] * 4
    assert await asyncio.gather(*map(add, range(2, 6))) == [(False, False)] * 2 + [(True, False)] * 2
    assert not [one for one in asked if "SAVEPOINT" in one]  # nothing was done again, with care


async def test_what_was_written_and_not_sent_is_there_for_whoever_asks(store):
    def write_and_ask(tx):
        tx.add(sender(1))
        first = tx.count(Sender)
        changed = tx.put(replace(tx.one(Sender, address="dr1@x.example"), name="Dr One"))
        tx.add(sender(2))
        tx.add_once(Fingerprint(fingerprint=b"1", at=NOW))
        named = [one.id for one in tx.find(Sender, name__ne="")]
        return first, named == [changed.id], tx.count(Sender), tx.count(Fingerprint), tx.remove(Sender, name="Dr One")

    assert await store.write(write_and_ask) == (1, True, 2, 1, 1)


async def test_a_key_that_one_row_leaves_is_free_for_the_next(store):
    first = await store.write(lambda tx: tx.add(sender(1)))

    def hand_over(tx):
        tx.put(replace(first, address="dr9@x.example"))
        return tx.add(sender(1))

    second = await store.write(hand_over)
    found = await store.read(lambda tx: {one.id: one.address for one in tx.find(Sender)})
    assert found == {first.id: "dr9@x.example", second.id: "dr1@x.example"}


async def test_of_many_changes_of_a_row_the_last_one_counts_and_goes_alone(store, asked):
    first = await store.write(lambda tx: tx.add(sender(1)))

    def rename(number):
        return store.write(lambda tx: tx.put(replace(first, name=str(number))))

    asked.clear()
    await asyncio.gather(*map(rename, range(9)))
    assert (await store.read(lambda tx: tx.get(Sender, first.id))).name == "8"
    assert sum(one.startswith("UPDATE") for one in asked) == 1


def test_tables_stand_behind_those_that_they_name(postgres):
    """In which order rows are sent."""
    order = [table_name(table) for table in TABLES]
    with closing(connect(postgres)) as connection:
        query = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
        named = connection.execute(query).fetchall()
    assert len(named) > 20
    assert [pair for pair in named if order.index(pair[0]) < order.index(pair[1])] == []
