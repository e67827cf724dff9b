"""The schema's history: numbered SQL files, each applied whole or not at all."""

from importlib import resources

import peewee

from gateway.errors import ConfigError
from gateway.store.connections import as_store_errors


def _files() -> list[tuple[int, str]]:
    files = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".sql"))
    return sorted((int(entry.name.split("_")[0]), entry.read_text("utf-8")) for entry in files)


def migrate(database: peewee.SqliteDatabase) -> list[int]:
    """Bring the schema up to date; the numbers that were applied.

    Raises ConfigError for a newer gateway's file, StoreBusy, StoreFull, StoreDamaged.
    """
    files = _files()
    with as_store_errors(), database.connection_context():
        version = database.user_version
        if version > files[-1][0]:
            raise ConfigError(f"database.url: the file was written by a newer gateway (schema {version})")
        pending = [(number, sql) for number, sql in files if number > version]
        for number, sql in pending:
            with database.atomic("IMMEDIATE"):
                for statement in filter(None, map(str.strip, sql.split(";"))):
                    database.execute_sql(statement)
                database.user_version = number
    return [number for number, _ in pending]
