"""Gateways of two versions on one schema: who may serve beside a newer one, and what a script has to be for that."""

import re
from contextlib import closing

import pytest

from gateway.errors import ConfigError
from gateway.store.migrations import newest_scripts, statements
from gateway.store.postgres import schema
from gateway.store.postgres.connections import connect
from gateway.store.postgres.migrations import own_script
from gateway.store.postgres.schema import migrate, oldest_beside, schema_of

pytestmark = pytest.mark.peer

OURS = len(newest_scripts())
SAID = f"-- More about people.\n-- Gateways of schema {OURS} may serve beside this one.\n"
ADDS = f"{SAID}ALTER TABLE account ADD COLUMN title TEXT NOT NULL DEFAULT '';\n"
RENAMES = "-- Another name.\nALTER TABLE account RENAME COLUMN typed TO written;\n"
_ADDS_ONLY = re.compile(r"CREATE (?:TABLE|INDEX) |ALTER TABLE \w+ ADD COLUMN (?!.* NOT NULL(?! DEFAULT))")
"""Statements that take nothing away from an older gateway, and refuse nothing that it writes."""


def adds_only(statement: str) -> bool:
    return bool(_ADDS_ONLY.match(re.sub(r"--[^\n]*", "", statement).strip()))


@pytest.fixture
def newer(postgres_server, monkeypatch):
    """A database that a newer gateway has brought forward by these scripts."""

    def newer(*scripts):
        connection = connect(postgres_server.database("newer"))
        with monkeypatch.context() as patched:
            patched.setattr(schema, "newest_scripts", lambda: [*newest_scripts(), *scripts])
            assert len(migrate(connection)) == OURS + len(scripts)
        return closing(connection)

    return newer


def test_an_older_gateway_starts_on_a_schema_that_only_adds(newer):
    with newer(ADDS) as connection:
        assert migrate(connection) == []
        assert schema_of(connection) == OURS + 1


@pytest.mark.parametrize("scripts", [(RENAMES,), (ADDS, RENAMES), (RENAMES, ADDS)])
def test_it_does_not_where_one_script_takes_something_away(newer, scripts):
    with newer(*scripts) as connection, pytest.raises(ConfigError, match="newer gateway"):
        migrate(connection)


@pytest.mark.parametrize(
    ("script", "oldest"), [(ADDS, OURS), (RENAMES, 7), ("-- x\n-- Gateways of schema 5 may serve beside this", 7)]
)
def test_a_script_says_who_may_serve_beside_it(script, oldest):
    assert oldest_beside(7, script) == oldest


def test_what_says_so_only_adds():
    for number, script in enumerate(newest_scripts(), 1):
        if oldest_beside(number, script) < number:
            assert not [one for one in statements(script) if not adds_only(one)]
            assert not own_script(number), "PostgreSQL's own words are not looked at: see to it by hand"


@pytest.mark.parametrize(
    ("statement", "it_does"),
    [
        ("-- why\nCREATE TABLE x (id INTEGER PRIMARY KEY);", True),
        ("CREATE INDEX one ON x (y);", True),
        ("ALTER TABLE x ADD COLUMN y TEXT;", True),
        ("ALTER TABLE x ADD COLUMN y TEXT NOT NULL DEFAULT '';", True),
        ("ALTER TABLE x ADD COLUMN y TEXT NOT NULL;", False),
        ("CREATE UNIQUE INDEX one ON x (y);", False),
        ("CREATE TRIGGER x BEFORE UPDATE ON account BEGIN SELECT RAISE(ABORT, ''); END;", False),
        ("ALTER TABLE x DROP COLUMN y;", False),
        ("DROP TABLE x;", False),
        ("UPDATE x SET y = 1;", False),
    ],
)
def test_what_adds_is_told_from_what_does_not(statement, it_does):
    assert adds_only(statement) is it_does
