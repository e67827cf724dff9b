"""How much there is of what waits: for an administrator's figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.model import Delivery, Invitation
from gateway.domain.vocabulary import OPEN, DeliveryState, State
from gateway.flow.context import Context

LOOKED_AT = 500
"""Mails of which the oldest is sought: those that are due first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The outbox: how many mails are to be sent, for how long the oldest has been due, how many are set aside."""

    count: int
    overdue: timedelta
    set_aside: int


def deliveries(ctx: Context) -> Waiting:
    count = ctx.tx.count(Delivery, state=DeliveryState.QUEUED)
    oldest = next(iter(ctx.tx.find(Delivery, order="due_at", limit=1, state=DeliveryState.QUEUED)), None)
    overdue = max(ctx.now - max(oldest.due_at, oldest.created_at), timedelta()) if oldest else timedelta()
    return Waiting(count, overdue, ctx.tx.count(Delivery, state=DeliveryState.QUARANTINED))


@dataclass(frozen=True, slots=True)
class Standing:
    """Mails that are kept, the age of the oldest that is to be sent, the last backup, how much audit is not sealed."""

    by_state: dict[DeliveryState, int]
    oldest: timedelta
    backup: datetime | None
    unsealed: int


IN_HAND = (DeliveryState.HELD, DeliveryState.QUEUED, DeliveryState.PAUSED, DeliveryState.QUARANTINED)


def standing(ctx: Context, backup: datetime | None, unsealed: int) -> Standing:
    """`backup` and `unsealed` as whoever knows them says."""
    queued = ctx.tx.find(Delivery, order="due_at", limit=LOOKED_AT, state=DeliveryState.QUEUED)
    oldest = min((one.created_at for one in queued), default=ctx.now)
    counts = {state: ctx.tx.count(Delivery, state=state) for state in IN_HAND}
    return Standing(counts, max(ctx.now - oldest, timedelta()), backup, unsealed)


def invitations(ctx: Context) -> dict[State, int]:
    """How many invitations are open, by state."""
    return {state: ctx.tx.count(Invitation, state=state) for state in OPEN}


def touch(ctx: Context) -> None:
    """The least that shows that the database answers. Raises StoreBusy."""
    ctx.tx.count(Invitation, id=0)
