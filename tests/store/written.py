"""Databases as each version of the schema wrote them: `python -m tests.store.written` adds the newest one's.

Each is a dump with a row in every table. A migration is tried on what all versions before it have written.
"""

import sqlite3
import tempfile
import typing
from dataclasses import fields
from datetime import UTC, date, datetime
from enum import StrEnum
from importlib import resources
from pathlib import Path
from types import NoneType

from gateway.domain.model import TABLES
from gateway.store import migrations
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.migrations import in_order, migrate
from gateway.store.models import models
from gateway.store.repository import Repository, SqliteTx

FOLDER = Path(__file__).parent / "written"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_VALUES = {str: "text", int: 1, bool: True, bytes: b"sealed", datetime: NOW, date: NOW.date()}


def newest() -> int:
    """The number of the newest migration."""
    return len(in_order(resources.files(migrations).iterdir()))


def dumps() -> dict[int, str]:
    """What each version wrote, by its number."""
    return {int(file.stem): file.read_text("utf-8") for file in sorted(FOLDER.glob("*.sql"))}


def row_of(table: type) -> object:
    """A row with something in every column; what it refers to is row 1."""
    hints = typing.get_type_hints(table)
    return table(
        **{one.name: _value(hints[one.name]) for one in fields(table) if one.name != "id" or hints["id"] is str}
    )


def _value(hint: typing.Any) -> typing.Any:
    kind = next((one for one in typing.get_args(hint) if one is not NoneType), hint)
    return next(iter(kind)) if issubclass(kind, StrEnum) else _VALUES[kind]


def written(folder: Path) -> str:
    """The dump of a database that this version has written."""
    path = folder / "gateway.db"
    database = open_database(path)
    migrate(database)
    connection = sqlite3.connect(path, isolation_level=None)
    tx = SqliteTx(Repository(models(database)), connection)
    for table in TABLES:
        tx.add(row_of(table))
    SpooledContent(folder / "spool")
    dump = "\n".join(line for line in connection.iterdump() if line.startswith("INSERT"))
    connection.close()
    return dump + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{newest():04}.sql").write_text(written(Path(place)), "utf-8")
