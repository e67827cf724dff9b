"""The one list of what needs a person, as far as rows tell: `gateway status`, the digest and the page say it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.model import Delivery, Invitation
from gateway.domain.needs import Need, NeedKind
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.administration.status import SLACK
from gateway.flow.context import Context
from gateway.flow.upkeep import backups, key_use, outage, troubles

EVER = datetime.fromtimestamp(0, UTC)
MOST_TRIED = 500
"""How many mails that were tried are looked at: one hop that is down keeps many."""
LONG = timedelta(hours=1)
"""A mail that is due for longer is not just late."""
TRIED_LONG = timedelta(hours=4)
"""A mail server that takes nothing for so long does not only want to see us again (greylisting)."""
CLOCK_SLACK = timedelta(minutes=2)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def needs(ctx: Context) -> list[Need]:
    """What needs a person, as who serves knows it. It looks up by indexes alone: the digest asks while it writes."""
    return joined([*troubles.lasting(ctx), *of_store(ctx, serves=True)])


def joined(found: Iterable[Need]) -> list[Need]:
    """Each thing once: that mail waits for a mail server which is down goes without saying."""
    found = list(found)
    down = any(one.kind is NeedKind.HOP_DOWN for one in found)
    return [one for one in found if not (down and one.kind in (NeedKind.OVERDUE, NeedKind.TRIED_LONG))]


def of_store(ctx: Context, *, serves: bool) -> Iterator[Need]:
    """What follows from what the store holds. `serves`: whether timed work should be done."""
    yield from _clock(ctx)
    yield from _queue(ctx)
    if serves:
        yield from _timed_work(ctx)
    yield from (Need(NeedKind.KEYS, None, line.rstrip(".")) for line in key_use.about_returned(ctx.tx, ctx.keys))
    backup = backups.last(ctx.tx)
    if backup and ctx.now - backup > backups.LATE:
        yield Need(NeedKind.BACKUP_OLD, backup, number=(ctx.now - backup) // DAY)


def _clock(ctx: Context) -> Iterator[Need]:
    newest = next(iter(ctx.tx.find(Delivery, order="-id", limit=1, id__gt=0)), None)
    if newest and newest.created_at - ctx.now > CLOCK_SLACK:
        yield Need(NeedKind.CLOCK, None, f"{newest.created_at:%Y-%m-%d %H:%M} UTC")


def _queue(ctx: Context) -> Iterator[Need]:
    queued: dict[str, Any] = {"state": DeliveryState.QUEUED, "due_at__gt": EVER}
    first = next(iter(ctx.tx.find(Delivery, order="due_at", limit=1, **queued)), None)
    overdue = ctx.now - max(first.due_at, first.created_at) if first else timedelta()
    if overdue > LONG:
        yield Need(NeedKind.OVERDUE, ctx.now - overdue, number=overdue // HOUR)
    tried = ctx.tx.find(Delivery, order="due_at", limit=MOST_TRIED, attempts__gt=0, **queued)
    oldest = min(tried, key=lambda one: one.created_at, default=None)
    if oldest and ctx.now - oldest.created_at > TRIED_LONG:
        hours = (ctx.now - oldest.created_at) // HOUR
        yield Need(NeedKind.TRIED_LONG, oldest.created_at, oldest.last_reply or "none", hours)
    if aside := ctx.tx.count(Delivery, state=DeliveryState.QUARANTINED):
        [one] = ctx.tx.find(Delivery, state=DeliveryState.QUARANTINED, limit=1)
        yield Need(NeedKind.SET_ASIDE, one.created_at, number=aside)
    if paused := ctx.tx.count(Delivery, state=DeliveryState.PAUSED):
        yield Need(NeedKind.PAUSED, number=paused)


def _timed_work(ctx: Context) -> Iterator[Need]:
    if late := ctx.tx.count(Invitation, due_at__lt=ctx.now - SLACK):
        yield Need(NeedKind.STEPS_LATE, number=late)
    done = outage.last_alive(ctx)
    if done and ctx.now - done > LONG:
        yield Need(NeedKind.TIMED_WORK, done)
