"""Whatever a damaged or altered database holds in the place of a value, the doctor names it, and comes to its end."""

import itertools
import shutil
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.admin.doctor.examination import examine
from gateway.config.toml_file import load
from tests.admin import patient

HUGE = 2**62
WRONG = {
    "TEXT": (b"\xff\xfe", 7),
    "INTEGER": ("x", b"\x00", HUGE),
    "BLOB": ("text", 5),
}
"""What SQLite takes for a column of each type all the same."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("types") / "gateway"
    patient.made(folder)
    return folder


def columns(folder: Path) -> list[tuple[str, str, str]]:
    """Table, column and type of all that a table with rows in it has."""
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        filled = [name for name in tables if database.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()]  # noqa: S608
        return [
            (table, column[1], column[2])
            for table in filled
            for column in database.execute(f'PRAGMA table_info("{table}")')
            if not table.startswith("sqlite_") and column[2] in WRONG
        ]


def plant(folder: Path, table: str, column: str, value: object) -> bool:
    """Whether the database took it."""
    with closing(sqlite3.connect(folder / "gateway.db")) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table,))
        for (name,) in triggers.fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        try:
            first = f'SELECT min(rowid) FROM "{table}"'  # noqa: S608
            database.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ({first})', (value,))  # noqa: S608
            database.commit()
        except (sqlite3.IntegrityError, sqlite3.OperationalError):
            return False
        return True


def rounds(folder: Path) -> Iterator[list[tuple[str, str, object]]]:
    """One column of each table at a time, each with one wrong value after the other: to look is what takes time."""
    by_table: dict[str, list[tuple[str, object]]] = {}
    for table, column, kind in columns(folder):
        by_table.setdefault(table, []).extend((column, value) for value in WRONG[kind])
    for several in itertools.zip_longest(*by_table.values()):
        yield [(table, *one) for table, one in zip(by_table, several, strict=True) if one]


def test_values_of_another_type_are_damage_and_no_traceback(whole, tmp_path, monkeypatch):
    folder, faults = tmp_path / "gateway", []
    shutil.copytree(whole, folder)
    monkeypatch.setenv("GATEWAY_CLOCK_FILE", str(folder / "now"))
    for several in rounds(whole):
        for log in ("-wal", "-shm"):
            (folder / f"gateway.db{log}").unlink(missing_ok=True)
        shutil.copy(whole / "gateway.db", folder / "gateway.db")
        planted = [one for one in several if plant(folder, *one)]
        try:
            found = examine(load(folder / "gateway.toml"))
        except Exception:
            faults.append(f"{planted}\n{traceback.format_exc(limit=-3)}")
        else:
            if any(value != HUGE for *_, value in planted) and not found.is_damaged:
                faults.append(f"{planted}: nothing was found")
    assert not faults, "\n".join(faults)
