"""The schema's history: SQL files numbered from 1 without a gap, each applied whole or not at all.

They only ever go forward. A database of version n has had the first n; the first of them is the data model in words.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import takewhile

import peewee

from gateway.errors import ConfigError
from gateway.store.connections import as_store_errors


def migrate(database: peewee.SqliteDatabase) -> list[int]:
    """Bring the schema up to date; the numbers that were applied.

    Raises ConfigError for a file of another schema, StoreBusy, StoreFull, StoreDamaged.
    """
    with as_store_errors(), database.connection_context():
        scripts, version = _known(database), database.user_version
        for number, script in enumerate(scripts[version:], version + 1):
            with database.atomic("IMMEDIATE"):
                for statement in statements(script):
                    database.execute_sql(statement)
                database.user_version = number
    return list(range(version + 1, len(scripts) + 1))


def pending(database: peewee.SqliteDatabase) -> list[tuple[int, str]]:
    """What `migrate` would apply: each script's number, and its first words. Raises as it does."""
    with as_store_errors(), database.connection_context():
        return titled(_known(database), database.user_version)


def titled(scripts: Sequence[str], version: int) -> list[tuple[int, str]]:
    """The scripts behind this version: each one's number, and its first words."""
    return [(number, _title(script)) for number, script in enumerate(scripts[version:], version + 1)]


def _known(database: peewee.SqliteDatabase) -> list[str]:
    """Our scripts. Raises ConfigError where the database has had more than those."""
    scripts, version = newest_scripts(), database.user_version
    if version > len(scripts):
        raise ConfigError(
            f"database.url: the file has schema {version}, and this gateway knows none after {len(scripts)}: it "
            "was written by a newer gateway, or by one from before the first release; serve it with the gateway "
            "that wrote it, or name a new file"
        )
    return scripts


def _title(script: str) -> str:
    """The first sentence of the comment that a script begins with."""
    comment = " ".join(line.removeprefix("--").strip() for line in takewhile(_is_comment, script.splitlines()))
    return comment.partition(". ")[0].rstrip(".")


def _is_comment(line: str) -> bool:
    return line.startswith("--")


def newest_scripts() -> list[str]:
    """All scripts, in order: what a database of the newest version has had."""
    return [entry.read_text("utf-8") for entry in in_order(resources.files(__name__).iterdir())]


def in_order(files: Iterable[Traversable]) -> list[Traversable]:
    """The scripts by their numbers. Raises ValueError where one is missing or there twice: it would be skipped."""
    found = sorted((one for one in files if one.name.endswith(".sql")), key=lambda one: one.name)
    numbers = [int(one.name.split("_")[0]) for one in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations are numbered {numbers}, not one after the other from 1")
    return found


def statements(script: str) -> Iterator[str]:
    """The statements of a script, each with the comments above it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
