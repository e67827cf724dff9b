"""Facts as they are stored, and as templates see them."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from gateway.flow.facts import Facts
from gateway.flow.standing import Token
from gateway.ports import Keys

F = TypeVar("F", bound=Facts)


def as_json(value: Any) -> str:
    """Facts, and what holds them, as they are stored."""
    return json.dumps(value, default=_plain)


def loaded(kind: type[F], stored: Any) -> F:
    """Stored facts, by whichever version. Raises ValueError where they lack what has no default."""
    return cast("F", _adapter(cast("Any", kind)).validate_python(stored))


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _plain(value: Any) -> Any:
    """A dataclass by its fields: `asdict` would copy all that is in it, and cost more than all the rest."""
    if is_dataclass(value):
        return {name: getattr(value, name) for name in _names(cast("Any", type(value)))}
    return dict(value)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def for_template(keys: Keys, value: Any) -> Any:
    """Facts as a template sees them: mappings, lists and texts, with every token in its place."""
    match value:
        case Token():
            return keys.token(value.purpose, value.row, value.generation)
        case str():
            return str(value)  # a template sees no enumerations
        case int() | None:
            return value
        case tuple() | list():
            return [for_template(keys, one) for one in value]
        case Mapping():
            return {name: for_template(keys, one) for name, one in value.items()}
        case _:
            return {name: for_template(keys, getattr(value, name)) for name in _names(cast("Any", type(value)))}
