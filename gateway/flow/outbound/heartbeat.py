"""Workers that share a database: each shows that it lives, and what one that is gone had claimed is free again.

A node is a gateway that serves beside others from one database; its workers bear its name.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.model import Delivery
from gateway.domain.model_records import Worker
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.context import Context

PATIENCE = timedelta(seconds=40)
"""Without a sign of life for so long a node seems to be gone."""


@dataclass(frozen=True, slots=True)
class Node:
    """One that serves, or did until lately: how many workers it has, and when one of them last showed that it lives."""

    name: str
    workers: int
    seen_at: datetime

    def lives(self, now: datetime) -> bool:
        return abs(now - self.seen_at) < PATIENCE


def nodes(ctx: Context) -> list[Node]:
    """All that there are; none where one machine serves alone."""
    workers = ctx.tx.find(Worker, id__gt=0)
    names = sorted({name for one in workers if (name := node_of(one.name))})
    return [_node(name, [one for one in workers if node_of(one.name) == name]) for name in names]


def worker_of(node: str, number: int) -> str:
    """The name of a node's worker; `node` is "" where there are none."""
    return f"{node} worker {number}".lstrip()


def node_of(worker: str) -> str:
    """The name of the node that this worker is of; "" where there are none."""
    return worker.rpartition("worker ")[0].rstrip()


def _node(name: str, workers: Sequence[Worker]) -> Node:
    return Node(name, len(workers), max(one.seen_at for one in workers))


def beat(ctx: Context, name: str) -> dict[str, int]:
    """Show that this worker lives; how often each of the others has done so."""
    workers = {one.name: one for one in ctx.tx.find(Worker)}
    own = workers.pop(name, None)
    if own:
        ctx.tx.put(replace(own, beats=own.beats + 1, seen_at=ctx.now))
    else:
        ctx.tx.add(Worker(name=name, beats=1, seen_at=ctx.now))
    return {one.name: one.beats for one in workers.values()}


def free(ctx: Context, names: Collection[str]) -> int:
    """These workers are gone: others may send what they had claimed; how many mails that is."""
    ctx.tx.remove(Worker, name__in=sorted(names))
    found = ctx.tx.find(Delivery, state=DeliveryState.QUEUED, lease_until__ne=None, claimed_by__in=sorted(names))
    for delivery in found:
        ctx.tx.put(replace(delivery, lease_until=None))
    return len(found)
