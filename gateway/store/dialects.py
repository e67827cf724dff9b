"""Where the SQL of the two databases differs: how a value and a list stand in it."""

import json
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import peewee

Listed = Callable[[peewee.Field], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One database's way of writing. A list to look in is one parameter, so that its length is no part of the text."""

    writer: peewee.Database
    """What has peewee write so; nothing is ever opened by it."""
    value: peewee.SQL
    """The place of one parameter."""
    is_one_of: Listed
    is_none_of: Listed
    list_parameter: Callable[[Sequence[Any]], Any]
    no_limit: int | None
    """The parameter of a LIMIT that is none."""
    is_found: Callable[[peewee.Field, Any], Any]
    """Whether it is one of what a query finds; that is asked once, and others look past what was found."""


_EACH = peewee.SQL("(SELECT value FROM json_each(?))")

SQLITE = Dialect(
    writer=peewee.SqliteDatabase(None),
    value=peewee.SQL("?"),
    is_one_of=lambda field: operator.lshift(field, _EACH),  # peewee's spelling of SQL's IN
    is_none_of=lambda field: field.not_in(_EACH),
    list_parameter=lambda values: json.dumps(list(values)),
    no_limit=-1,
    is_found=lambda field, query: field.in_(query),
)
POSTGRES = Dialect(
    writer=peewee.PostgresqlDatabase(None),
    value=peewee.SQL("%s"),
    is_one_of=lambda field: field == peewee.SQL("ANY(%s)"),
    is_none_of=lambda field: field != peewee.SQL("ALL(%s)"),
    list_parameter=list,
    no_limit=None,
    # as an array: a plain IN may be asked once for each row, and would then lock more than its limit
    is_found=lambda field, query: field == peewee.fn.ANY(peewee.fn.ARRAY(query.for_update("FOR UPDATE SKIP LOCKED"))),
)
