"""When the last backup was taken: told by whoever takes one, asked by whoever says how the gateway is."""

from datetime import datetime, timedelta

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.flow import meta
from gateway.flow.context import Context
from gateway.ports import Tx

LATE = timedelta(days=2)
"""How old the newest one may be."""
_LAST = "last backup"


def last(tx: Tx) -> datetime | None:
    """When that was; None if there never was one."""
    return meta.instant(tx, _LAST)


def note(ctx: Context, name: str, at: datetime) -> None:
    """Record that a snapshot of this name was taken."""
    ctx.audit(ADMINISTRATOR, Act.BACKED_UP, f"snapshot {name}")
    meta.put(ctx.tx, _LAST, at.isoformat().encode())
