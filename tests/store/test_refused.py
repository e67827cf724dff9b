"""What PostgreSQL or its driver refuses of one caller, the others with whom they share a transaction do not notice."""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from gateway.domain.model import Sender
from gateway.domain.model_records import Audit
from gateway.errors import StoreBusy
from gateway.store.postgres import connections, runner, transaction
from gateway.store.postgres.runner import PostgresStore
from gateway.testing import MemoryContent

pytestmark = pytest.mark.peer

NOT_UTF8 = "\udce4"
"""An octet that was no UTF-8, as Python keeps it (PEP 383)."""


@pytest.fixture
async def store(postgres):
    store = PostgresStore(postgres, MemoryContent())
    yield store
    await store.close()


def sender(number, name=""):
    return Sender(practice_id="riverside", address=f"dr{number}@x.example", typed=f"dr{number}@x.example", name=name)


def add_and_ask_too_much(tx):
    tx.add(sender(2))
    return tx.get(Sender, 10**20)


@pytest.mark.parametrize(
    ("work", "error"),
    [
        pytest.param(lambda tx: tx.add(sender(2, NOT_UTF8)), UnicodeError, id="text that is sent at the end"),
        pytest.param(lambda tx: tx.one(Sender, name=NOT_UTF8), UnicodeError, id="text in a question"),
        pytest.param(lambda tx: tx.get(Sender, 10**20), psycopg.DataError, id="a number in a question"),
        pytest.param(add_and_ask_too_much, psycopg.DataError, id="a number in a question, after a row"),
        pytest.param(lambda tx: tx.put(replace(sender(2), id=9)), LookupError, id="a row that is not there"),
    ],
)
async def test_what_is_refused_of_one_caller_is_theirs_alone(store, work, error):
    works = (lambda tx: tx.add(sender(1)), work, lambda tx: tx.add(sender(3)))
    first, refused, last = await asyncio.gather(*map(store.write, works), return_exceptions=True)
    assert isinstance(refused, error)
    assert await store.read(lambda tx: tx.find(Sender)) == [first, last]


async def test_an_address_about_which_cannot_be_asked_is_no_harm(store):
    writing = (store.write(lambda tx: tx.count(Sender), concerns=about) for about in ([], [f"{NOT_UTF8}@x.example"]))
    assert await asyncio.gather(*writing) == [0, 0]


async def test_what_only_reads_cannot_write(store, monkeypatch):
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.1)
    stored = await store.write(lambda tx: tx.add(sender(1)))
    noted = Audit(
        at=datetime(2026, 3, 2, tzinfo=UTC), actor="ada", action="x", subject="y", detail="", place="", mac=b""
    )
    for write in (lambda tx: tx.put(replace(stored, name="Dr One")), lambda tx: tx.add(noted)):
        with pytest.raises(StoreBusy, match="read-only"):
            await store.read(write)


async def test_who_comes_after_a_silence_is_answered(store, monkeypatch):
    """Those before them were told that the database does not answer; what was to be done for these is not begun."""
    monkeypatch.setattr(runner, "SILENCE_SECONDS", 0.3)
    answers = threading.Event()
    silent = asyncio.create_task(store.write(lambda _: answers.wait(20)))
    await asyncio.sleep(0.1)
    told = await asyncio.gather(silent, store.write(lambda tx: tx.add(sender(1))), return_exceptions=True)
    assert [type(one) for one in told] == [StoreBusy, StoreBusy]
    monkeypatch.setattr(runner, "SILENCE_SECONDS", 20)
    after = asyncio.create_task(store.write(lambda tx: tx.add(sender(2))))
    await asyncio.sleep(0.1)
    answers.set()
    assert (await asyncio.wait_for(after, 10)).address == "dr2@x.example"


async def test_whoever_has_waited_too_long_for_their_turn_does_without(postgres, monkeypatch):
    options = f"{connections.SETTINGS['options']} -c lock_timeout=100ms"
    monkeypatch.setattr(connections, "SETTINGS", {**connections.SETTINGS, "options": options})
    store, tries = PostgresStore(postgres, MemoryContent()), []

    def is_undone_once(tx):
        tries.append(tx)
        if len(tries) == 1:
            raise psycopg.errors.SerializationFailure
        return tx.add(sender(1)).address

    with closing(connections.connect(postgres)) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [transaction._TURN])
        assert await store.write(is_undone_once) == "dr1@x.example"
        assert await store.write(lambda tx: tx.add(sender(2)).address) == "dr2@x.example"
    await store.close()


async def test_after_work_that_was_given_up_the_next_waits_for_its_turn(store, monkeypatch):
    monkeypatch.setattr(runner, "PATIENCE_SECONDS", 0.1)

    def conflicts(_):
        raise psycopg.errors.SerializationFailure("always")

    with pytest.raises(StoreBusy, match="always"):
        await store.write(conflicts)
    assert store._turns.begin()
