"""How the gateway stands, as far as its rows tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gateway.domain.model import Copy, Delivery, Invitation
from gateway.domain.model_records import Worker
from gateway.domain.vocabulary import CopyState, DeliveryState, State
from gateway.flow import overview
from gateway.flow.context import Context
from gateway.flow.outbound import heartbeat, queue
from gateway.flow.outbound.heartbeat import Node
from gateway.flow.outbound.queue import Sieve
from gateway.flow.overview import Waiting
from gateway.flow.upkeep import backups, key_use, outage

SLACK = timedelta(minutes=15)
"""What is due for longer shows that timed work is not done."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What waits and when something was last done."""

    queue: Waiting
    paused: int
    by_hop: dict[str, int]
    invitations: dict[State, int]
    due_today: int
    overdue: int
    held: int
    in_inboxes: int
    workers: tuple[str, ...]
    nodes: tuple["NodeLine", ...]
    timed_work: datetime | None
    backup: datetime | None


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A node, and the letters of the keys that its workers seal under."""

    node: Node
    keys: str


def rows(ctx: Context) -> Rows:
    """Look at what waits."""
    tomorrow = datetime.combine(ctx.today + timedelta(days=1), time(0), ctx.site.zone)
    return Rows(
        queue=overview.deliveries(ctx),
        paused=ctx.tx.count(Delivery, state=DeliveryState.PAUSED),
        by_hop=queue.by_hop(ctx, Sieve((DeliveryState.QUEUED,))),
        invitations=overview.invitations(ctx),
        due_today=ctx.tx.count(Invitation, due_at__lt=tomorrow),
        overdue=ctx.tx.count(Invitation, due_at__lt=ctx.now - SLACK),
        held=ctx.tx.count(Copy, state=CopyState.HELD),
        in_inboxes=ctx.tx.count(Copy, state=CopyState.INBOX),
        workers=tuple(one.name for one in ctx.tx.find(Worker, order="name")),
        nodes=tuple(_nodes(ctx)),
        timed_work=outage.last_alive(ctx),
        backup=backups.last(ctx.tx),
    )


def _nodes(ctx: Context) -> Iterator[NodeLine]:
    letters = key_use.living(ctx.tx)
    for node in heartbeat.nodes(ctx):
        own = {letter for worker, letter in letters.items() if heartbeat.node_of(worker) == node.name}
        yield NodeLine(node, "".join(sorted(own)))
