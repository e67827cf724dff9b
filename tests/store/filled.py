"""Tables full of rows that nobody wrote, so that a planner decides as it does where there is much: PostgreSQL's."""

import typing
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import peewee
import psycopg

from gateway.domain.model import TABLES
from gateway.store.models import DayField, EnumField, FlagField, InstantField, models, table_name
from gateway.testing import DAWN

MOST: Mapping[tuple[str, str], str] = {
    ("delivery", "state"): "sent",
    ("invitation", "state"): "accepted",
    ("copy", "state"): "inbox",
}
"""The value of nearly all rows, where one is of most."""
YEARS = 6 * 365
"""Days over which instants are spread."""
_VALUES: tuple[tuple[type[peewee.Field], str], ...] = (
    (DayField, f"('2020-01-01'::date + (n % {YEARS})::int)::text"),
    (FlagField, "(n % 50 = 0)::int"),
    (peewee.BlobField, "sha256(int8send(n))"),
    (peewee.TextField, "md5(n::text)"),
)
_MODELS = models(peewee.PostgresqlDatabase("gateway"))


def fill(connection: psycopg.Connection, rows: int, tables: Iterable[type] = TABLES, now: datetime = DAWN) -> None:
    """So many rows in each of the tables, and what the planner is to know of them. It takes a superuser."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")  # no triggers, and no foreign keys
        for table in tables:
            fields = _MODELS[table]._meta.fields
            values = ", ".join(_value(table, name, field, now, rows // 3) for name, field in fields.items())
            names = ", ".join(f'"{name}"' for name in fields)
            connection.execute(
                f'INSERT INTO "{table_name(table)}" ({names}) '  # noqa: S608 - ours
                f"SELECT {values} FROM generate_series(1000::bigint, {999 + rows}) AS n ON CONFLICT DO NOTHING"
            )
    for table in tables:
        connection.execute(f'VACUUM ANALYZE "{table_name(table)}"')


def _value(table: type, name: str, field: peewee.Field, now: datetime, others: int) -> str:
    value = _whole_value(table, name, field, now, others)
    return f"CASE WHEN n % 10 = 0 THEN {value} END" if field.null else value


def _whole_value(table: type, name: str, field: peewee.Field, now: datetime, others: int) -> str:
    if isinstance(field, EnumField):
        return _enumerated(MOST.get((table_name(table), name)), [one.value for one in field.enum])
    if isinstance(field, InstantField):  # what is due, or has served its time, is little: somebody has just seen to it
        first = typing.cast("int", field.db_value(now - timedelta(days=YEARS // 100)))
        return f"{first} + (n * 7919 % 100000) * {timedelta(days=YEARS) // timedelta(microseconds=100_000)}"
    for kind, value in _VALUES:
        if isinstance(field, kind):
            return value
    return f"1000 + n * 31 % {others}" if name.endswith("_id") else "n" if name == "id" else "n % 100"


def _enumerated(most: str | None, members: list[str]) -> str:
    texts = ", ".join("'" + one.replace("'", "''") + "'" for one in members)
    one = f"(ARRAY[{texts}])[1 + n % {len(members)}]"
    return f"CASE WHEN n % 20 = 0 THEN {one} ELSE '{most}' END" if most else one
