"""Workers that share a database: each shows that it lives, and what one that is gone had claimed is free again."""

from collections.abc import Collection
from dataclasses import replace

from gateway.domain.model import Delivery, Worker
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.context import Context


def beat(ctx: Context, name: str) -> dict[str, int]:
    """Show that this worker lives; how often each of the others has done so."""
    workers = {one.name: one for one in ctx.tx.find(Worker)}
    own = workers.pop(name, None)
    if own:
        ctx.tx.put(replace(own, beats=own.beats + 1))
    else:
        ctx.tx.add(Worker(name=name, beats=1))
    return {one.name: one.beats for one in workers.values()}


def free(ctx: Context, names: Collection[str]) -> int:
    """These workers are gone: others may send what they had claimed; how many mails that is."""
    ctx.tx.remove(Worker, name__in=sorted(names))
    found = ctx.tx.find(Delivery, state=DeliveryState.QUEUED, lease_until__ne=None, claimed_by__in=sorted(names))
    for delivery in found:
        ctx.tx.put(replace(delivery, lease_until=None))
    return len(found)
