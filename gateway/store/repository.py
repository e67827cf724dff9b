"""The port `Tx` on one connection: dataclass rows in, dataclass rows out."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeVar, cast

import structlog

from gateway.domain.model import Content, Copy, Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.ports import ContentStore
from gateway.store.dialects import SQLITE, Dialect
from gateway.store.known import Known, Question
from gateway.store.models import InstantField, models
from gateway.store.statements import CheckedStatements, Insert, Statements, claim

Row = TypeVar("Row")

log = structlog.get_logger()

NO_ROW = (KeyError, TypeError, ValueError, OverflowError)
"""What comes of reading a value that its column cannot have."""


@dataclass(slots=True)
class Aftermath:
    """What a transaction asks to be done once it is durable."""

    queued: bool = False
    shredded: bool = False
    discarded: list[str] = field(default_factory=list)

    def discard_from(self, content: ContentStore) -> None:
        """Remove what belongs to nothing any more, once all is committed."""
        content.discard(*self.discarded)


class Connection(Protocol):
    """What both drivers have."""

    def execute(self, statement: str, parameters: Sequence[Any], /) -> Any: ...


class Repository:
    """The statements of every table: made once, for every transaction on every connection.

    Where it is doubted that the values are of their columns' kinds, `checks_kinds` makes a row with another one no row.
    """

    def __init__(self, models: Mapping[type, Any], dialect: Dialect = SQLITE, *, checks_kinds: bool = False) -> None:
        kind = CheckedStatements if checks_kinds else Statements
        self._statements = {table: kind(table, model, dialect) for table, model in models.items()}
        self.claim = claim(models[Delivery], dialect)
        self.dialect = dialect

    def __getitem__(self, table: type) -> Statements:
        return self._statements[table]


@cache
def repository(dialect: Dialect) -> Repository:
    """The statements of all tables, written once: that takes 30 ms."""
    return Repository(models(dialect.writer), dialect)


class TableTx:
    """One transaction's view of the tables; callers who share a transaction have one each.

    What was read once is not asked for again: `known` is what those before have read in it.
    """

    def __init__(self, repository: Repository, connection: Connection, known: Known | None = None) -> None:
        self._of = repository
        self._connection = connection
        self._known = Known() if known is None else known
        self.aftermath = Aftermath()

    def add(self, row: Row) -> Row:
        self._writes()
        statements = self._of[type(row)]
        if isinstance(row, Delivery):
            self.aftermath.queued = True
        added = cast("Row", statements.renumbered(row, self._added(type(row), statements.parameters(row))))
        self._known.store(added)
        return added

    def _added(self, table: type, values: list[Any]) -> int | str:
        """The number of the new row, which the database gives it; a content has its own."""
        if table is Content:
            self._connection.execute(self._of[table].insert(Insert.WHOLE), values)
            return cast("str", values[0])
        return cast("int", self._connection.execute(self._of[table].insert(Insert.UNNUMBERED), values[1:]).lastrowid)

    def _writes(self) -> None:
        """Something is about to be changed."""

    def add_once(self, row: Row) -> bool:
        if self._known.is_there(row):
            return False
        self._writes()
        self._known.keep_there([row])
        return self._is_added(type(row), self._of[type(row)].parameters(row)[1:])

    def _is_added(self, table: type, values: list[Any]) -> bool:
        return bool(self._all(self._of[table].insert(Insert.ONCE), values))

    def put(self, row: Row) -> Row:
        self._writes()
        row_id, *values = self._of[type(row)].parameters(row)
        self._change(type(row), row_id, values)
        self._known.store(row)
        if isinstance(row, Copy) and row.wrapped_key is None:
            self.aftermath.shredded = True
        if isinstance(row, Delivery) and row.state is DeliveryState.QUEUED:
            self.aftermath.queued = True
        return row

    def _change(self, table: type, row_id: int | str, values: list[Any]) -> None:
        """Raises LookupError where there is no such row."""
        if self._connection.execute(self._of[table].update, [*values, row_id]).rowcount != 1:
            raise LookupError(f"{table.__name__} {row_id} is not stored")

    def get(self, table: type[Row], row_id: int | str) -> Row | None:
        return self.one(table, id=row_id)

    def find(
        self, table: type[Row], *, order: str = "id", limit: int | None = None, skip: int = 0, **where: Any
    ) -> list[Row]:
        return self._answered(self._readable, table, where, order, limit, skip)

    def one(self, table: type[Row], **where: Any) -> Row | None:
        found = self._answered(self._rows, table, where, limit=1)
        return found[0] if found else None

    def count(self, table: type[Row], **where: Any) -> int:
        statements = self._of[table]
        shape, values = statements.conditions(where)
        return int(self._all(statements.count(shape), values)[0][0])

    def remove(self, table: type[Row], **where: Any) -> int:
        if not where:
            raise ValueError("a condition must be given")
        self._writes()
        self._known.forget(table)
        statements = self._of[table]
        shape, values = statements.conditions(where)
        removed = self._all(statements.delete(shape), values)
        if table is Content:
            self.aftermath.discarded += [content_id for content_id, lies_apart in removed if lies_apart]
            self.aftermath.shredded = True
        return len(removed)

    def discard(self, content_id: str) -> None:
        self.aftermath.discarded.append(content_id)

    def give_back(self, pages: int) -> int:  # noqa: ARG002 - a server does that by itself
        return 0

    def claim_deliveries(
        self, now: datetime, lease_until: datetime, limit: int, besides: Collection[str] = (), worker: str = ""
    ) -> list[Delivery]:
        self._writes()
        self._known.forget(Delivery)
        instant = InstantField().db_value
        spared = self._of.dialect.list_parameter(list(besides))
        values = [instant(lease_until), worker, instant(now), instant(now), spared, limit]
        claimed = self._readable(Delivery, self._all(self._of.claim, values))
        return sorted(claimed, key=lambda delivery: (delivery.due_at, delivery.id))

    def _rows(self, table: type[Row], found: Sequence[Any]) -> list[Row]:
        row = self._of[table].row
        return [row(values) for values in found]

    def _readable(self, table: type[Row], found: Sequence[Any]) -> list[Row]:
        """The rows of a list. One that was altered into something that is no row costs itself, not the list."""
        try:
            return self._rows(table, found)
        except NO_ROW:
            return [one for values in found if (one := self._tried(table, values)) is not None]

    def _tried(self, table: type[Row], values: Any) -> Row | None:
        try:
            return cast("Row", self._of[table].row(values))
        except NO_ROW:
            log.error("a row cannot be read", table=table.__name__, id=values[0])
            return None

    def _answered(
        self,
        read: Callable[[type[Row], Sequence[Any]], list[Row]],
        table: type[Row],
        where: Mapping[str, Any],
        order: str = "id",
        limit: int | None = None,
        skip: int = 0,
    ) -> list[Row]:
        """The rows that are found, by asking at most once."""
        statements = self._of[table]
        shape, values = statements.conditions(where)
        is_part = limit is not None or skip > 0
        if is_part:
            values += (self._of.dialect.no_limit if limit is None else limit, skip)
        statement = statements.select(shape, order, is_part=is_part)
        asked = Question(table, where, order, limit, skip, _key(statement, values))
        known = self._known.answer(asked)
        if known is not None:
            return known
        found = self._all(statement, values)
        rows = read(table, found)
        if len(rows) == len(found):
            self._known.keep(asked, rows)
        return rows

    def _all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return cast("list[Any]", self._connection.execute(statement, values).fetchall())


def _key(statement: str, values: Sequence[Any]) -> Hashable:
    return (statement, *(tuple(value) if isinstance(value, list) else value for value in values))


class SqliteTx(TableTx):
    """On a file of SQLite's."""

    def give_back(self, pages: int) -> int:
        self._all(f"PRAGMA incremental_vacuum({pages:d})", [])
        return int(self._all("PRAGMA freelist_count", [])[0][0])
