"""How much there is of what waits: for an administrator's figures."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.model import Delivery, Invitation
from gateway.domain.vocabulary import OPEN, DeliveryState, State
from gateway.flow.context import Context


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


def invitations(ctx: Context) -> dict[State, int]:
    """How many invitations are open, by state."""
    return {state: ctx.tx.count(Invitation, state=state) for state in OPEN}
