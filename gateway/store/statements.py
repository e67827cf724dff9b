"""The SQL of the port `Tx`: each statement is written by peewee once, and remembered by its shape.

A shape is everything but the values: the conditions' names, where they compare with None, the order. Enumerated values
belong to the shape and stand in the text, for only then are the partial indexes found that name them. What the two
databases write differently stands in dialects.py.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from functools import cache
from typing import Any, cast

import peewee

from gateway.domain.model import Content
from gateway.domain.vocabulary import DeliveryState
from gateway.store.dialects import SQLITE, Dialect
from gateway.store.kinds import kind_fault
from gateway.store.models import EnumField, converted

Shape = tuple[tuple[str, ...], tuple[Any, ...]]
"""The conditions' names, and for each None, the enumerated value, or that its value is bound."""
Convert = Callable[[Any], Any]

_BOUND = object()
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "ne": operator.ne,
    "le": operator.le,
    "lt": operator.lt,
    "gt": operator.gt,
}


class Insert(Enum):
    """How rows are added."""

    WHOLE = auto()
    """With their numbers."""
    UNNUMBERED = auto()
    ANSWERED = auto()
    """Unnumbered; the number is the answer."""
    ONCE = auto()
    """Unnumbered, only where no unique key stands in the way; the answer has the number of each that was added."""


class Statements:
    """The statements of one table, and how its rows become parameters and come back."""

    def __init__(self, table: type, model: Any, dialect: Dialect = SQLITE) -> None:
        self._table = table
        self._model = model
        self._dialect = dialect
        self._fields: Mapping[str, peewee.Field] = model._meta.fields
        self._names = tuple(self._fields)
        self._values_of = operator.attrgetter(*self._names)
        kept = {name: field for name, field in self._fields.items() if converted(field)}
        self._to_sql = {name: field.db_value for name, field in kept.items()}
        self._from_sql = [(self._names.index(name), field.python_value) for name, field in kept.items()]
        self._slots = [getattr(table, name).__set__ for name in self._names]
        self._converted = [(self._names.index(name), convert) for name, convert in self._to_sql.items()]
        value = dialect.value
        rest = dict.fromkeys(self._names[1:], value)
        self._rest, self._whole = rest, {"id": value, **rest}
        self.insert = cache(self._insert)
        self.insert_unless_there = _text(model.insert(self._whole).on_conflict_ignore().returning())
        self.update = _text(model.update(rest).where(model.id == value))
        self._converts = cache(self._find_converts)
        self.select = cache(self._select)
        self.count = cache(self._count)
        self.delete = cache(self._delete)

    # ------------------------------------------------------------------------------------------------------ values

    def parameters(self, row: object) -> list[Any]:
        """All the values of a row, `id` first."""
        values = list(self._values_of(row))
        for index, convert in self._converted:
            values[index] = convert(values[index])
        return values

    def row(self, values: tuple[Any, ...]) -> Any:
        """The dataclass of a stored row."""
        ready = list(values)
        for index, convert in self._from_sql:
            ready[index] = convert(ready[index])
        return self._built(ready)

    def renumbered(self, row: Any, row_id: int | str) -> Any:
        """The same row under another id."""
        return self._built((row_id, *self._values_of(row)[1:]))

    def _built(self, values: Iterable[Any]) -> Any:
        """A row of these values: set slot by slot, in a third of the time that a frozen class's `__init__` takes."""
        row: Any = object.__new__(self._table)
        for set_slot, value in zip(self._slots, values, strict=True):
            set_slot(row, value)
        return row

    def conditions(self, where: Mapping[str, Any]) -> tuple[Shape, list[Any]]:
        """The shape of these conditions, and their parameters. Raises AttributeError for a field that is none."""
        names = tuple(where)
        marks: list[Any] = []
        parameters: list[Any] = []
        for convert, value in zip(self._converts(names), where.values(), strict=True):
            if value is None:
                marks.append(None)
            elif convert is None:
                marks.append(value if isinstance(value, str) else tuple(value))
            else:
                marks.append(_BOUND)
                parameters.append(convert(value))
        return (names, tuple(marks)), parameters

    def _find_converts(self, names: tuple[str, ...]) -> list[Convert | None]:
        """How each condition's value becomes a parameter; None for an enumerated one, which becomes none."""
        return [self._convert(*_parted(name)) for name in names]

    def _convert(self, name: str, compare: str) -> Convert | None:
        if isinstance(self._field(name), EnumField):
            return None
        convert = self._to_sql.get(name, _as_it_is)
        listed = self._dialect.list_parameter
        return (lambda values: listed([convert(value) for value in values])) if compare == "in" else convert

    def _field(self, name: str) -> peewee.Field:
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"{self._table.__name__} has no field {name!r}") from None

    # -------------------------------------------------------------------------------------------------- statements

    def _insert(self, how: Insert, rows: int = 1) -> str:
        """The values of one row after the other are its parameters."""
        query = self._model.insert_many([self._whole if how is Insert.WHOLE else self._rest] * rows)
        if how is Insert.ONCE:
            query = query.on_conflict_ignore()
        answers = how in (Insert.ONCE, Insert.ANSWERED)
        return _text(query.returning(self._model.id) if answers else query.returning())

    def _select(self, shape: Shape, order: str, *, is_part: bool) -> str:
        """All rows, or a part of them by LIMIT and OFFSET: a limit that may be none makes planners expect few rows."""
        by = self._field(order.removeprefix("-"))
        query = self._where(self._model.select(), shape).order_by(by.desc() if order.startswith("-") else by)
        value = self._dialect.value
        return _text(query.limit(value).offset(value) if is_part else query)

    def _count(self, shape: Shape) -> str:
        return _text(self._where(self._model.select(peewee.fn.COUNT(peewee.SQL("*"))), shape))

    def _delete(self, shape: Shape) -> str:
        lies_apart = [self._model.inline.is_null()] if self._table is Content else []
        return _text(self._where(self._model.delete(), shape).returning(self._model.id, *lies_apart))

    def _where(self, query: Any, shape: Shape) -> Any:
        for condition, mark in zip(*shape, strict=True):
            query = query.where(self._expression(*_parted(condition), mark))
        return query

    def _expression(self, name: str, compare: str, mark: Any) -> Any:
        field = self._fields[name]
        if mark is _BOUND:
            is_one_of, value = self._dialect.is_one_of, self._dialect.value
            return is_one_of(field) if compare == "in" else _COMPARE[compare](field, value)
        if mark is None:
            return _COMPARE[compare](field, None)
        literal = cast("EnumField", field).literal
        if compare == "in":
            return operator.lshift(field, peewee.SQL(f"({', '.join(map(literal, mark))})"))  # peewee's spelling of IN
        return _COMPARE[compare](field, peewee.SQL(literal(mark)))


def _parted(condition: str) -> tuple[str, str]:
    name, _, compare = condition.partition("__")
    return name, compare


def _as_it_is(value: Any) -> Any:
    return value


class CheckedStatements(Statements):
    """Statements whose rows are made of values that are of their columns' kinds, or not at all."""

    def row(self, values: tuple[Any, ...]) -> Any:
        """Raises TypeError where a value is of another kind."""
        if fault := kind_fault(self._table, values):
            raise TypeError(fault)
        return super().row(values)


def claim(model: Any, dialect: Dialect = SQLITE) -> str:
    """Lease and count due deliveries: `lease_until`, worker, `now`, `now`, the hops that are left alone, `limit`."""
    value = dialect.value
    free = model.lease_until.is_null() | (model.lease_until <= value)
    queued = model.state == peewee.SQL(model.state.literal(DeliveryState.QUEUED))
    due = model.select(model.id).where(queued & (model.due_at <= value) & free & dialect.is_none_of(model.hop))
    oldest = due.order_by(model.due_at, model.id).limit(value)
    changes = {
        model.lease_until: value,
        model.claimed_by: value,
        model.attempts: model.attempts + peewee.SQL("1"),
    }
    return _text(model.update(changes).where(dialect.is_found(model.id, oldest)).returning(model))


def _text(query: Any) -> str:
    """What peewee writes; every value in it is a placeholder."""
    text, parameters = query.sql()
    if parameters:
        raise ValueError(f"a value has got into the shape of a statement: {text}")
    return str(text)
