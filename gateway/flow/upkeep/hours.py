"""How much mail comes in and goes out, hour by hour, for the last week: numbers alone."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.model import Meta
from gateway.flow import meta
from gateway.flow.context import Context

KEPT = timedelta(days=7)
_HOURS = "hours"
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """The mails of the hour that begins then: those taken in, and those that a mail server took from us."""

    begins: datetime
    taken: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """The last hours, the earliest first and each of them named, and when mail last came in and last left."""

    hours: tuple[Hour, ...]
    last_in: datetime | None
    last_out: datetime | None


def add(ctx: Context, taken: int, sent: int) -> None:
    """So many more mails within the last minute."""
    known = _known(ctx)
    hours, this = known["hours"], _begin(ctx.now).isoformat()
    before = hours.get(this, [0, 0])
    hours[this] = [before[0] + taken, before[1] + sent]
    oldest = (ctx.now - KEPT).isoformat()
    known["hours"] = {begins: counts for begins, counts in hours.items() if begins >= oldest}
    if taken:
        known["last_in"] = ctx.now.isoformat()
    if sent:
        known["last_out"] = ctx.now.isoformat()
    meta.put(ctx.tx, _HOURS, json.dumps(known).encode())


def flow(ctx: Context, count: int = 48) -> Flow:
    """So many hours up to now."""
    known = _known(ctx)
    begins = [_begin(ctx.now) - HOUR * back for back in reversed(range(count))]
    hours = tuple(Hour(begin, *known["hours"].get(begin.isoformat(), (0, 0))) for begin in begins)
    return Flow(hours, _instant(known["last_in"]), _instant(known["last_out"]))


def _known(ctx: Context) -> dict[str, Any]:
    row = ctx.tx.one(Meta, name=_HOURS)
    empty: dict[str, Any] = {"hours": {}, "last_in": None, "last_out": None}
    return empty | json.loads(row.value) if row else empty


def _begin(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
