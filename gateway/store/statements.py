"""The SQL of the port `Tx`: each statement is written by peewee once, and remembered by its shape.

A shape is everything but the values: the conditions' names, where they compare with None, the order. Enumerated values
belong to the shape and stand in the text, for only then does SQLite find the partial indexes that name them. A list
to look in is one JSON array, so that its length is no part of the shape.
"""

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, cast

import peewee

from gateway.domain.vocabulary import DeliveryState
from gateway.store.kinds import kind_fault
from gateway.store.models import EnumField, converted

Shape = tuple[tuple[str, ...], tuple[Any, ...]]
"""The conditions' names, and for each None, the enumerated value, or that its value is bound."""
Convert = Callable[[Any], Any]

_BOUND = object()
_VALUE = peewee.SQL("?")
_LISTED = peewee.SQL("(SELECT value FROM json_each(?))")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "ne": operator.ne,
    "le": operator.le,
    "lt": operator.lt,
    "gt": operator.gt,
    "in": operator.lshift,  # peewee's spelling of SQL's IN
}


class Statements:
    """The statements of one table, and how its rows become parameters and come back."""

    def __init__(self, table: type, model: Any) -> None:
        self._table = table
        self._model = model
        self._fields: Mapping[str, peewee.Field] = model._meta.fields
        self._names = tuple(self._fields)
        self._values_of = operator.attrgetter(*self._names)
        kept = {name: field for name, field in self._fields.items() if converted(field)}
        self._to_sql = {name: field.db_value for name, field in kept.items()}
        self._from_sql = [(self._names.index(name), field.python_value) for name, field in kept.items()]
        self._slots = [getattr(table, name).__set__ for name in self._names]
        self._converted = [(self._names.index(name), convert) for name, convert in self._to_sql.items()]
        rest = dict.fromkeys(self._names[1:], _VALUE)
        self.insert = _text(model.insert({"id": _VALUE, **rest}))
        self.insert_once = _text(model.insert({"id": _VALUE, **rest}).on_conflict_ignore())
        self.update = _text(model.update(rest).where(model.id == _VALUE))
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

    def renumbered(self, row: Any, row_id: int) -> Any:
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
        return (lambda values: json.dumps([convert(value) for value in values])) if compare == "in" else convert

    def _field(self, name: str) -> peewee.Field:
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"{self._table.__name__} has no field {name!r}") from None

    # -------------------------------------------------------------------------------------------------- statements

    def _select(self, shape: Shape, order: str) -> str:
        by = self._field(order.removeprefix("-"))
        query = self._where(self._model.select(), shape).order_by(by.desc() if order.startswith("-") else by)
        return _text(query.limit(_VALUE).offset(_VALUE))

    def _count(self, shape: Shape) -> str:
        return _text(self._where(self._model.select(peewee.fn.COUNT(peewee.SQL("*"))), shape))

    def _delete(self, shape: Shape) -> str:
        return _text(self._where(self._model.delete(), shape).returning(self._model.id))

    def _where(self, query: Any, shape: Shape) -> Any:
        for condition, mark in zip(*shape, strict=True):
            name, compare = _parted(condition)
            query = query.where(_COMPARE[compare](self._fields[name], self._operand(name, compare, mark)))
        return query

    def _operand(self, name: str, compare: str, value: Any) -> Any:
        if value is None:
            return None
        if value is _BOUND:
            return _LISTED if compare == "in" else _VALUE
        literal = cast("EnumField", self._fields[name]).literal
        return peewee.SQL(f"({', '.join(map(literal, value))})" if compare == "in" else literal(value))


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


def claim(model: Any) -> str:
    """Lease and count due deliveries: `lease_until`, worker, `now`, `now`, the hops that are left alone, `limit`."""
    free = model.lease_until.is_null() | (model.lease_until <= _VALUE)
    queued = model.state == peewee.SQL(model.state.literal(DeliveryState.QUEUED))
    wanted = model.hop.not_in(_LISTED)
    due = model.select(model.id).where(queued & (model.due_at <= _VALUE) & free & wanted)
    oldest = due.order_by(model.due_at, model.id).limit(_VALUE)
    changes = {
        model.lease_until: _VALUE,
        model.claimed_by: _VALUE,
        model.attempts: model.attempts + peewee.SQL("1"),
    }
    return _text(model.update(changes).where(model.id.in_(oldest)).returning(model))


def _text(query: Any) -> str:
    """What peewee writes; every value in it is a placeholder."""
    text, parameters = query.sql()
    if parameters:
        raise ValueError(f"a value has got into the shape of a statement: {text}")
    return str(text)
