"""The port `Tx` over peewee: dataclass rows in, dataclass rows out."""

import dataclasses
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from gateway.domain.model import Content, Copy, Delivery, DeliveryState

Row = TypeVar("Row")

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "ne": operator.ne,
    "le": operator.le,
    "lt": operator.lt,
    "gt": operator.gt,
    "in": operator.lshift,  # peewee's spelling of SQL's IN
}


@dataclass(slots=True)
class Aftermath:
    """What a transaction asks to be done once it is durable."""

    queued: bool = False
    shredded: bool = False
    discarded: list[str] = field(default_factory=list)


class PeeweeTx:
    """One transaction's view of the tables."""

    def __init__(self, models: Mapping[type, Any]) -> None:
        self._models = models
        self.aftermath = Aftermath()

    def add(self, row: Row) -> Row:
        values = _values(row)
        if isinstance(row, Content):
            self._model(row).insert(values).execute()
            return row
        values.pop("id")
        row_id = self._model(row).insert(values).execute()
        if isinstance(row, Delivery):
            self.aftermath.queued = True
        return cast("Row", dataclasses.replace(cast("Any", row), id=row_id))

    def add_once(self, row: Row) -> bool:
        values = _values(row)
        values.pop("id")
        model = self._model(row)
        return bool(model.insert(values).on_conflict_ignore().as_rowcount().execute())

    def put(self, row: Row) -> Row:
        values = _values(row)
        row_id = values.pop("id")
        model = self._model(row)
        if model.update(values).where(model.id == row_id).execute() != 1:
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
        model = self._models[table]
        by = getattr(model, order.removeprefix("-"))
        query = self._where(model, model.select(), where).order_by(by.desc() if order.startswith("-") else by)
        return [table(**values) for values in query.limit(limit).offset(skip or None).dicts()]

    def one(self, table: type[Row], **where: Any) -> Row | None:
        return next(iter(self.find(table, limit=1, **where)), None)

    def count(self, table: type[Row], **where: Any) -> int:
        model = self._models[table]
        return int(self._where(model, model.select(), where).count())

    def remove(self, table: type[Row], **where: Any) -> int:
        if not where:
            raise ValueError("a condition must be given")
        model = self._models[table]
        if table is Content:
            doomed = self._where(model, model.select(model.id), where)
            self.aftermath.discarded += [row["id"] for row in doomed.dicts()]
            self.aftermath.shredded = True
        return int(self._where(model, model.delete(), where).execute())

    def claim_deliveries(
        self, now: datetime, lease_until: datetime, limit: int, besides: Collection[str] = ()
    ) -> list[Delivery]:
        model = self._models[Delivery]
        free = model.lease_until.is_null() | (model.lease_until <= now)
        due = (
            model.select(model.id)
            .where((model.state == DeliveryState.QUEUED) & (model.due_at <= now) & free)
            .where(model.hop.not_in(list(besides)))
            .order_by(model.due_at, model.id)
            .limit(limit)
        )
        claim = model.update(lease_until=lease_until, attempts=model.attempts + 1).where(model.id.in_(due))
        claimed = [Delivery(**values) for values in claim.returning(model).dicts().execute()]
        return sorted(claimed, key=lambda delivery: (delivery.due_at, delivery.id))

    def _model(self, row: object) -> Any:
        return self._models[type(row)]

    @staticmethod
    def _where(model: Any, query: Any, where: Mapping[str, object]) -> Any:
        for condition, value in where.items():
            name, _, compare = condition.partition("__")
            query = query.where(_COMPARE[compare](getattr(model, name), value))
        return query


def _values(row: object) -> dict[str, Any]:
    return {f.name: getattr(row, f.name) for f in dataclasses.fields(cast("Any", row))}
