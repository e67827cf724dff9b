"""What a transaction knows is what the database would say, whatever it has read and changed before."""

import sys
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.domain.model import Sender
from gateway.store.connections import open_database
from gateway.store.dialects import SQLITE
from gateway.store.known import Known, Question
from gateway.store.migrations import migrate
from gateway.store.repository import SqliteTx, repository

PRACTICES, ADDRESSES, NAMES = ("riverside", "hill"), ("ada@x.example", "bea@x.example"), ("", "Dr X")
CONDITIONS = {
    "id": st.integers(1, 6),
    "address": st.sampled_from(ADDRESSES),
    "practice_id": st.sampled_from(PRACTICES),
    "name": st.sampled_from(NAMES),
    "receipt_id": st.sampled_from([None, 7]),
    "address__in": st.lists(st.sampled_from(ADDRESSES)),
    "name__ne": st.sampled_from(NAMES),
    "id__gt": st.integers(0, 6),
}
SHAPES = (
    ["address"],
    ["address", "practice_id"],
    ["address", "name__ne"],
    ["address", "id__gt"],
    ["id"],
    ["id__gt"],
    ["address__in"],
    ["name", "receipt_id"],
)
WHERE = st.sampled_from(SHAPES).flatmap(lambda names: st.fixed_dictionaries({name: CONDITIONS[name] for name in names}))
PART = st.fixed_dictionaries(
    {
        "order": st.sampled_from(["id", "-id", "name"]),
        "limit": st.sampled_from([None, 1, 2]),
        "skip": st.sampled_from([0, 1]),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(PRACTICES), st.sampled_from(ADDRESSES), st.sampled_from(NAMES)),
        st.tuples(st.just("once"), st.sampled_from(PRACTICES), st.sampled_from(ADDRESSES)),
        st.tuples(st.just("put"), st.integers(1, 6), st.sampled_from(NAMES), st.sampled_from([None, 7])),
        st.tuples(st.just("move"), st.integers(1, 6), st.sampled_from(ADDRESSES)),
        st.tuples(st.just("remove"), st.sampled_from(ADDRESSES)),
        st.tuples(st.just("read ahead"), st.lists(st.sampled_from(ADDRESSES), unique=True)),
        st.tuples(st.just("find"), WHERE, PART),
        st.tuples(st.just("one"), WHERE),
    ),
    min_size=5,
    max_size=20,
)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = open_database(tmp_path_factory.mktemp("known") / "gateway.db")
    migrate(database)
    return database


def _sender(practice, address, name=""):
    return Sender(practice_id=practice, address=address, typed=address, name=name)


def _change(tx, known, fresh, step):
    what, *said = step
    there = {(one.practice_id, one.address) for one in fresh().find(Sender)}
    if what == "add" and tuple(said[:2]) not in there:
        tx.add(_sender(*said))
    elif what == "once":
        assert tx.add_once(_sender(*said)) == (tuple(said) not in there)
    elif what in ("put", "move") and (row := fresh().get(Sender, said[0])):
        if what == "put":
            tx.put(replace(row, name=said[1], receipt_id=said[2]))
        elif (row.practice_id, said[1]) not in there:
            tx.put(replace(row, address=said[1]))
    elif what == "remove":
        tx.remove(Sender, address=said[0])
    elif what == "read ahead":
        known.keep_all_of(said[0], Sender, fresh().find(Sender, address__in=said[0]))


def _asked_and_changed(database, known, steps):
    """Each question is asked again after each change."""
    tx, asked = SqliteTx(repository(SQLITE), database.connection(), known), []

    def fresh():
        return SqliteTx(repository(SQLITE), database.connection())

    for step in [("read ahead", ADDRESSES), *steps]:
        if step[0] == "find":
            asked.append((step[1], step[2]))
        elif step[0] == "one":
            assert tx.one(Sender, **step[1]) == fresh().one(Sender, **step[1])
        else:
            _change(tx, known, fresh, step)
        for where, part in asked:
            assert tx.find(Sender, **where, **part) == fresh().find(Sender, **where, **part)


@settings(max_examples=400)
@given(steps=STEPS)
@example(
    steps=[
        ("add", "riverside", ADDRESSES[0], "Dr X"),
        ("add", "hill", ADDRESSES[0], ""),
        ("find", {"address": ADDRESSES[0]}, {"order": "name", "limit": None, "skip": 0}),
    ]
)
@example(
    steps=[
        ("add", "riverside", ADDRESSES[0], ""),
        ("add", "hill", ADDRESSES[0], ""),
        ("find", {"address": ADDRESSES[0], "id__gt": 0}, {"order": "-id", "limit": None, "skip": 1}),
        ("move", 2, ADDRESSES[1]),
    ]
)
def test_what_is_known_is_what_the_database_says(database, steps):
    with database.connection_context(), database.atomic() as transaction:
        database.execute_sql("DELETE FROM sqlite_sequence WHERE name = 'sender'")
        _asked_and_changed(database, Known(), steps)
        transaction.rollback()


def test_what_was_read_ahead_is_not_asked_for(database):
    asked = []

    class Noting:
        def execute(self, statement, values):
            asked.append(statement)
            return database.connection().execute(statement, values)

    with database.connection_context():
        known = Known()
        known.keep_all_of(ADDRESSES, Sender, [])
        tx = SqliteTx(repository(SQLITE), Noting(), known)
        assert tx.one(Sender, address=ADDRESSES[0], practice_id="hill") is None
        assert tx.find(Sender, order="-id", limit=1, address=ADDRESSES[1]) == []
        assert asked == []
        assert tx.one(Sender, address="dan@x.example") is None
        assert len(asked) == 1


def _calls_of(work):
    """How many functions are called."""
    calls = []
    sys.setprofile(lambda _, event, __: calls.append(event))
    try:
        work()
    finally:
        sys.setprofile(None)
    return len(calls)


def test_a_change_costs_the_same_however_much_is_known(database):
    """One mail may be to a thousand strangers, of each of whom is asked, and each of whom is added."""

    def calls_of_a_change(asked):
        known = Known()
        known.keep_all_of([f"p{number}@x.example" for number in range(asked)], Sender, [])
        tx = SqliteTx(repository(SQLITE), database.connection(), known)
        for number in range(asked):
            tx.find(Sender, address=f"q{number}@x.example", practice_id="hill")
        return _calls_of(lambda: known.store(replace(_sender("hill", "p1@x.example"), id=1)))

    with database.connection_context():
        assert calls_of_a_change(500) < 2 * calls_of_a_change(5)  # the interpreter may have something to clear up


def test_of_an_address_that_is_empty_no_other_question_is_answered():
    known = Known()
    known.keep_all_of([""], Sender, [])
    assert known.answer(Question(Sender, {"practice_id": "hill"}, "id", None, 0, "key")) is None
