"""What only a process that serves can see of the world outside, and since when: kept for whoever asks."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.model import Meta
from gateway.domain.needs import Need, NeedKind
from gateway.flow import meta
from gateway.flow.context import Context

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


def note(ctx: Context, seen: Iterable[Seen]) -> None:
    """Keep what is seen now: what was seen before has lasted since then, and all else has passed."""
    since = {(one.kind, one.subject): one.since for one in known(ctx)}
    found = [(one, since.get((one.kind, one.subject)) or ctx.now) for one in seen]
    rows = [[one.kind, one.subject, one.number, at.isoformat()] for one, at in found]
    stored = json.dumps(rows).encode()
    before = ctx.tx.one(Meta, name=_TROUBLES)
    if stored != (before.value if before else b"[]"):
        meta.put(ctx.tx, _TROUBLES, stored)


def known(ctx: Context) -> list[Need]:
    """All that was seen last, whether it needs a person yet or not."""
    row = ctx.tx.one(Meta, name=_TROUBLES)
    return [
        Need(NeedKind(kind), datetime.fromisoformat(since), subject, number)
        for kind, subject, number, since in (json.loads(row.value) if row else ())
    ]


def lasting(ctx: Context) -> list[Need]:
    """Those that need a person by now."""
    return [one for one in known(ctx) if one.kind not in MAY_PASS or _age(ctx, one) >= PATIENCE]


def _age(ctx: Context, one: Need) -> timedelta:
    return ctx.now - one.since if one.since else PATIENCE
