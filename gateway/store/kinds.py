"""Of which kind the values of a table's columns are: SQLite itself takes anything."""

import dataclasses
import typing
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any

_STORED_AS: dict[type, type] = {bool: int, int: int, str: str, bytes: bytes, datetime: int, date: str}


def kind_fault(table: type, values: Sequence[Any]) -> str:
    """Which value is of another kind than its column's; "" where none is."""
    for one, kinds, value in zip(dataclasses.fields(table), _kinds(table), values, strict=True):
        if not isinstance(value, kinds):
            return f"{one.name} is {'empty' if value is None else 'of another kind'}"
    return ""


@cache
def _kinds(table: type) -> list[tuple[type, ...]]:
    hints = typing.get_type_hints(table)
    return [_stored(hints[one.name]) for one in dataclasses.fields(table)]


def _stored(hint: Any) -> tuple[type, ...]:
    kinds = typing.get_args(hint) or (hint,)
    return tuple(NoneType if one is NoneType else str if issubclass(one, StrEnum) else _STORED_AS[one] for one in kinds)


def stored_as(table: type) -> list[type]:
    """As what the values of each column are stored, where they are not empty: int, str or bytes."""
    return [next(kind for kind in kinds if kind is not NoneType) for kinds in _kinds(table)]
