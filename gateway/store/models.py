"""peewee models, made from the dataclasses of domain/model.py: a field's type says how it is stored.

Instants are whole microseconds since 1970 (UTC), days ISO text, enumerations their value. Indexes and constraints
stand in migrations/.
"""

import dataclasses
import re
import types
import typing
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import peewee

from gateway.domain.model import TABLES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class InstantField(peewee.BigIntegerField):
    """An aware UTC datetime as microseconds since the epoch: compact, ordered, exact."""

    def db_value(self, value: datetime | None) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class DayField(peewee.TextField):
    """A calendar day as ISO 8601 text."""

    def db_value(self, value: date | None) -> str | None:
        return None if value is None else value.isoformat()

    def python_value(self, value: str | None) -> date | None:
        return None if value is None else date.fromisoformat(value)


class EnumField(peewee.TextField):
    """A StrEnum by its value."""

    def __init__(self, enum: type[StrEnum], **options: typing.Any) -> None:
        super().__init__(**options)
        self.enum = enum
        self._members = {member.value: member for member in enum}

    def db_value(self, value: str | None) -> str | None:
        return None if value is None else str(value)

    def python_value(self, value: str | None) -> StrEnum | None:
        return None if value is None else self._members[value]

    def literal(self, value: str) -> str:
        """The value in SQL's own text: none but the enumeration's. Raises ValueError."""
        return f"'{self.enum(value).value}'"


class FlagField(peewee.BooleanField):
    """Yes or no as 1 or 0."""

    def db_value(self, value: bool | None) -> int | None:
        return None if value is None else int(value)

    def python_value(self, value: int | None) -> bool | None:
        return None if value is None else bool(value)


_FIELDS: dict[type, type[peewee.Field]] = {
    bool: FlagField,
    int: peewee.BigIntegerField,
    str: peewee.TextField,
    bytes: peewee.BlobField,
    datetime: InstantField,
    date: DayField,
}


def _field(name: str, hint: typing.Any) -> peewee.Field:
    nullable = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    kind = next(arg for arg in typing.get_args(hint) if arg is not types.NoneType) if nullable else hint
    if name == "id":
        return peewee.AutoField() if kind is int else peewee.TextField(primary_key=True)
    if issubclass(kind, StrEnum):
        return EnumField(kind, null=nullable)
    return _FIELDS[kind](null=nullable)


def table_name(table: type) -> str:
    """How the database calls it: InvitationSender is invitation_sender."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", table.__name__).lower()


def _model(database: peewee.Database, table: type) -> typing.Any:
    hints = typing.get_type_hints(table)
    fields = {field.name: _field(field.name, hints[field.name]) for field in dataclasses.fields(table)}
    meta = type("Meta", (), {"database": database, "table_name": table_name(table)})
    return type(table.__name__, (peewee.Model,), {"Meta": meta, **fields})


def converted(field: peewee.Field) -> bool:
    """Whether the field's values are stored as something else than they are."""
    return isinstance(field, (InstantField, DayField, FlagField, EnumField))


def models(database: peewee.Database) -> dict[type, typing.Any]:
    """A model for each table of the domain, bound to this database."""
    return {table: _model(database, table) for table in TABLES}
