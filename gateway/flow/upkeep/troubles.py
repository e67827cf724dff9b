"""What only a process that serves can see of the world outside, and since when: kept for whoever asks.

Of nodes each sees its own: one may have a full disk, or reach no mail server, while all is well at the others.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.model import Meta
from gateway.domain.needs import Need, NeedKind
from gateway.flow import meta
from gateway.flow.context import Context
from gateway.flow.outbound import heartbeat

_TROUBLES = "troubles"
PATIENCE = timedelta(hours=1)
MAY_PASS = (NeedKind.HOP_DOWN, NeedKind.DIRECTORY, NeedKind.MAILBOX, NeedKind.SENDER_DOMAIN)
"""What often mends itself: a person is needed once it has lasted for `PATIENCE`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A trouble as it is seen now; `number` is how much it is of that."""

    kind: NeedKind
    subject: str = ""
    number: int = 0


def note(ctx: Context, seen: Iterable[Seen], node: str = "") -> None:
    """Keep what this node sees now: what it saw before has lasted since then, and all else has passed."""
    before = known(ctx)
    since = {(one.kind, one.subject): one.since for one in before if one.node == node}
    others = [one for one in before if one.node not in (node, "")]  # "": there were no nodes then
    own = [Need(one.kind, since.get((one.kind, one.subject)) or ctx.now, one.subject, one.number, node) for one in seen]
    _keep(ctx, sorted([*others, *own], key=lambda one: one.node))


def _keep(ctx: Context, found: Iterable[Need]) -> None:
    rows = [[one.kind, one.subject, one.number, one.since and one.since.isoformat(), one.node] for one in found]
    stored = json.dumps(rows).encode()
    before = ctx.tx.one(Meta, name=_TROUBLES)
    if stored != (before.value if before else b"[]"):
        meta.put(ctx.tx, _TROUBLES, stored)


def known(ctx: Context) -> list[Need]:
    """All that was seen last, whether it needs a person yet or not; what a node saw that is gone nobody knows now."""
    row = ctx.tx.one(Meta, name=_TROUBLES)
    there = {"", *(one.name for one in heartbeat.nodes(ctx))}
    return [
        Need(NeedKind(kind), datetime.fromisoformat(since), subject, number, "".join(node))
        for kind, subject, number, since, *node in (json.loads(row.value) if row else ())
        if "".join(node) in there
    ]


def lasting(ctx: Context) -> list[Need]:
    """Those that need a person by now."""
    return [one for one in known(ctx) if one.kind not in MAY_PASS or _age(ctx, one) >= PATIENCE]


def _age(ctx: Context, one: Need) -> timedelta:
    return ctx.now - one.since if one.since else PATIENCE
