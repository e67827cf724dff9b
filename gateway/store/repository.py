"""The port `Tx` on one connection: dataclass rows in, dataclass rows out."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import structlog

from gateway.domain.model import Content, Copy, Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.ports import ContentStore
from gateway.store.dialects import SQLITE, Dialect
from gateway.store.models import InstantField
from gateway.store.statements import CheckedStatements, Statements, claim

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
        """Remove files that belong to nothing any more. All is committed: nobody hears of a failure, a start sweeps."""
        for content_id in self.discarded:
            with suppress(OSError):
                content.discard(content_id)


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


class TableTx:
    """One transaction's view of the tables."""

    def __init__(self, repository: Repository, connection: Connection) -> None:
        self._of = repository
        self._connection = connection
        self.aftermath = Aftermath()

    def add(self, row: Row) -> Row:
        statements = self._of[type(row)]
        values = statements.parameters(row)
        if isinstance(row, Content):
            self._connection.execute(statements.insert, values)
            return row
        if isinstance(row, Delivery):
            self.aftermath.queued = True
        return cast("Row", statements.renumbered(row, self._numbered(statements, values)))

    def _numbered(self, statements: Statements, values: list[Any]) -> int:
        """The number that the database gives to a new row."""
        if statements.numbers_itself:
            return int(self._all(statements.insert, values[1:])[0][0])
        values[0] = None
        return cast("int", self._connection.execute(statements.insert, values).lastrowid)

    def add_once(self, row: Row) -> bool:
        statements = self._of[type(row)]
        values = statements.parameters(row)
        values[0] = None
        parameters = values[1:] if statements.numbers_itself else values
        return bool(self._connection.execute(statements.insert_once, parameters).rowcount == 1)

    def put(self, row: Row) -> Row:
        statements = self._of[type(row)]
        row_id, *values = statements.parameters(row)
        if self._connection.execute(statements.update, [*values, row_id]).rowcount != 1:
            raise LookupError(f"{type(row).__name__} {row_id} is not stored")
        if isinstance(row, Copy) and row.wrapped_key is None:
            self.aftermath.shredded = True
        if isinstance(row, Delivery) and row.state is DeliveryState.QUEUED:
            self.aftermath.queued = True
        return row

    def get(self, table: type[Row], row_id: int | str) -> Row | None:
        return self.one(table, id=row_id)

    def find(
        self, table: type[Row], *, order: str = "id", limit: int | None = None, skip: int = 0, **where: Any
    ) -> list[Row]:
        statements = self._of[table]
        shape, values = statements.conditions(where)
        is_part = limit is not None or skip > 0
        if is_part:
            values += (self._of.dialect.no_limit if limit is None else limit, skip)
        return self._readable(table, self._all(statements.select(shape, order, is_part=is_part), values))

    def one(self, table: type[Row], **where: Any) -> Row | None:
        statements = self._of[table]
        shape, values = statements.conditions(where)
        found = self._all(statements.select(shape, "id", is_part=True), [*values, 1, 0])
        return statements.row(found[0]) if found else None

    def count(self, table: type[Row], **where: Any) -> int:
        statements = self._of[table]
        shape, values = statements.conditions(where)
        return int(self._all(statements.count(shape), values)[0][0])

    def remove(self, table: type[Row], **where: Any) -> int:
        if not where:
            raise ValueError("a condition must be given")
        statements = self._of[table]
        shape, values = statements.conditions(where)
        removed = self._all(statements.delete(shape), values)
        if table is Content:
            self.aftermath.discarded += [content_id for (content_id,) in removed]
            self.aftermath.shredded = True
        return len(removed)

    def discard(self, content_id: str) -> None:
        self.aftermath.discarded.append(content_id)

    def give_back(self, pages: int) -> int:  # noqa: ARG002 - a server does that by itself
        return 0

    def claim_deliveries(
        self, now: datetime, lease_until: datetime, limit: int, besides: Collection[str] = (), worker: str = ""
    ) -> list[Delivery]:
        instant = InstantField().db_value
        spared = self._of.dialect.list_parameter(list(besides))
        values = [instant(lease_until), worker, instant(now), instant(now), spared, limit]
        claimed = self._readable(Delivery, self._all(self._of.claim, values))
        return sorted(claimed, key=lambda delivery: (delivery.due_at, delivery.id))

    def _readable(self, table: type[Row], found: Sequence[Any]) -> list[Row]:
        """The rows of a list. One that was altered into something that is no row costs itself, not the list."""
        row = self._of[table].row
        try:
            return [row(values) for values in found]
        except NO_ROW:
            return [one for values in found if (one := self._tried(table, values)) is not None]

    def _tried(self, table: type[Row], values: Any) -> Row | None:
        try:
            return cast("Row", self._of[table].row(values))
        except NO_ROW:
            log.error("a row cannot be read", table=table.__name__, id=values[0])
            return None

    def _all(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return cast("list[Any]", self._connection.execute(statement, values).fetchall())


class SqliteTx(TableTx):
    """On a file of SQLite's."""

    def give_back(self, pages: int) -> int:
        self._all(f"PRAGMA incremental_vacuum({pages:d})", [])
        return int(self._all("PRAGMA freelist_count", [])[0][0])
