"""Who does what only one may do: a lease in the database, for workers that share it."""

from datetime import datetime, timedelta

from gateway.domain.model import Meta
from gateway.flow import meta
from gateway.flow.context import Context

TERM = timedelta(seconds=15)
"""How long a lease is left to a holder who does not renew it."""
TIMED_WORK, MAILBOX = "timed work", "mailbox"
"""What only one does at a time: all that the calendar brings, and reading the bot's mailbox."""


def hold(ctx: Context, holder: str, what: str = TIMED_WORK) -> bool:
    """Take the lease if it is free, or renew it; whether it is the holder's now."""
    row = ctx.tx.one(Meta, name=what)
    if row and not _is_free(row, ctx.now) and _holder(row) != holder:
        return False
    value = f"{(ctx.now + TERM).isoformat()} {holder}".encode()
    meta.put(ctx.tx, what, value)
    return True


def give_up(ctx: Context, holder: str = "", what: str = TIMED_WORK) -> None:
    """Free the lease, if it is this holder's; whoever it is, if none is named: only where nobody serves."""
    row = ctx.tx.one(Meta, name=what)
    if row and holder in ("", _holder(row)):
        ctx.tx.remove(Meta, id=row.id)


def _is_free(row: Meta, now: datetime) -> bool:
    """Its time is over; or it lies too far ahead, because the clock was set back."""
    until = datetime.fromisoformat(row.value.decode().partition(" ")[0])
    return not now < until <= now + TERM


def _holder(row: Meta) -> str:
    return row.value.decode().partition(" ")[2]
