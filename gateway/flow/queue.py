"""What waits to be sent, for an administrator: looked at, tried again, dropped."""

from collections.abc import Collection
from dataclasses import replace

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.flow import deliver
from gateway.flow.context import Context

WAITING = (DeliveryState.QUEUED, DeliveryState.QUARANTINED)
BY = "administrator"


def listed(ctx: Context, limit: int, states: Collection[DeliveryState] = WAITING) -> list[Delivery]:
    """What waits or was set aside, the oldest first."""
    return ctx.tx.find(Delivery, state__in=tuple(states), limit=limit)


def retry(ctx: Context, ids: Collection[int]) -> list[int]:
    """Have these tried again at once, as if for the first time; those that are there."""
    found = _found(ctx, ids)
    for one in found:
        ctx.audit(BY, "retried", f"delivery {one.id}")
        anew = replace(one, state=DeliveryState.QUEUED, attempts=0, due_at=ctx.now, created_at=ctx.now)
        ctx.tx.put(anew if one.state is DeliveryState.QUARANTINED else replace(one, due_at=ctx.now))
    return [one.id for one in found]


def drop(ctx: Context, ids: Collection[int], *, tell: bool = True) -> list[int]:
    """Give these up; whoever wrote them is told as of any mail that fails, unless they were told before."""
    found = _found(ctx, ids)
    for one in found:
        ctx.audit(BY, "dropped", f"delivery {one.id}")
        deliver.drop(ctx, one, tell=tell and one.state is DeliveryState.QUEUED)
    return [one.id for one in found]


def _found(ctx: Context, ids: Collection[int]) -> list[Delivery]:
    return ctx.tx.find(Delivery, id__in=sorted(ids), state__in=WAITING) if ids else []
