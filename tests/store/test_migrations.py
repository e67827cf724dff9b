"""The schema only goes forward, one step after the other, from whatever an earlier version has written."""

import sqlite3
from importlib import resources
from pathlib import Path

import pytest

from gateway.domain.model import TABLES
from gateway.store import migrations
from gateway.store.connections import open_database
from gateway.store.migrations import in_order, migrate, statements
from gateway.store.models import models, table_name
from gateway.store.repository import Repository, SqliteTx
from tests.store.written import dumps, newest, row_of


def of_version(path: Path, version: int, rows: str) -> None:
    """A database as that version had it."""
    connection = sqlite3.connect(path, isolation_level=None)
    for script in in_order(resources.files(migrations).iterdir())[:version]:
        connection.executescript(script.read_text("utf-8"))
    connection.executescript(rows)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def test_each_version_has_left_a_database() -> None:
    assert list(dumps()) == list(range(1, newest() + 1)), (
        "run python -m tests.store.written before a migration is added"
    )


@pytest.mark.parametrize("version", dumps())
def test_what_an_earlier_version_wrote_is_read(tmp_path, version):
    of_version(tmp_path / "gateway.db", version, dumps()[version])
    database = open_database(tmp_path / "gateway.db")
    assert migrate(database) == list(range(version + 1, newest() + 1))
    connection = sqlite3.connect(tmp_path / "gateway.db")
    tx = SqliteTx(Repository(models(database)), connection)
    had = {table for table in TABLES if f'INSERT INTO "{table_name(table)}"' in dumps()[version]}
    assert {table for table in TABLES if len(tx.find(table)) == 1} == had
    if version == newest():
        assert had == set(TABLES)
        assert [str(tx.find(table)[0]) for table in TABLES] == [str(read_again(row_of(table))) for table in TABLES]
    connection.close()


def read_again(row):
    """The row with the number that the database gave it."""
    if isinstance(row.id, int):
        object.__setattr__(row, "id", 1)
    return row


@pytest.mark.parametrize("names", [["0001_a.sql", "0003_b.sql"], ["0002_a.sql"], ["0001_a.sql", "0001_b.sql"]])
def test_a_gap_and_a_number_that_is_there_twice_are_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="one after the other"):
        in_order(tmp_path.iterdir())


def test_a_comment_may_say_anything():
    script = "-- one; two\nCREATE TABLE a (\n    b TEXT -- it's; so\n);\n\nCREATE INDEX c ON a (b);\n"
    assert [one.strip().splitlines()[-1] for one in statements(script)] == [");", "CREATE INDEX c ON a (b);"]


def test_a_number_that_stands_in_links_is_never_given_out_again(tmp_path):
    """But for messages, copies and deliveries, of which retention leaves the newest: it would cost each mail."""
    database = open_database(tmp_path / "gateway.db")
    migrate(database)
    with database.connection_context():
        statements_ = dict(database.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    kept = {name for name, statement in statements_.items() if statement and "AUTOINCREMENT" in statement}
    assert kept == {
        *("sender", "account", "invitation", "waiting_sender", "confirmation", "question", "address_change"),
        *("audit_batch", "legal_hold", "listed_person", "ledger_entry", "admin_session"),
    }
