"""What guards the audit in PostgreSQL: whether its triggers stand, and how far its batches are numbered."""

import re
from functools import cache

import psycopg

from gateway.store.migrations import newest_scripts, statements
from gateway.store.postgres.connections import as_store_errors
from gateway.store.postgres.migrations import own_script
from gateway.store.postgres.schema import in_postgres

_FUNCTION = re.compile(r"FUNCTION (\w+)\(\) RETURNS trigger .*?AS \$\$(.*?)\$\$", re.DOTALL)


def missing_triggers(connection: psycopg.Connection) -> list[str]:
    """The triggers of our schema that are not there, are switched off, or say something else. Raises StoreBusy."""
    with as_store_errors():
        found = connection.execute(
            "SELECT tgname, prosrc FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
            "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        ).fetchall()
    there: dict[str, str] = dict(found)
    return [name for name, body in _triggers().items() if there.get(name) != body]


def last_number(connection: psycopg.Connection, table: str) -> int:
    """The highest number of a row of this table: what was cut off behind it left no trace. Raises StoreBusy."""
    with as_store_errors():
        found = connection.execute(f'SELECT coalesce(max(id), 0) FROM "{table}"').fetchone()  # noqa: S608 - of ours
    return int(found[0]) if found else 0


@cache
def _triggers() -> dict[str, str]:
    """What each trigger does; a later script may have changed it."""
    found: dict[str, str] = {}
    for number, script in enumerate(newest_scripts(), 1):
        for statement in statements(script):
            found |= dict(_FUNCTION.findall(in_postgres(statement).replace("%%", "%")))
        found |= dict(_FUNCTION.findall(own_script(number)))
    return found
