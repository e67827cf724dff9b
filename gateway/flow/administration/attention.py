"""The digest of what needs a person: mailed to the postmaster from the reminder hour on, once a day at most.

It comes when something is new or has become worse, and while anything lasts, once a week; never when all is well. What
has passed and comes again is new.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta

from gateway.domain.model import Delivery, Meta
from gateway.domain.needs import Need, NeedKind
from gateway.domain.timetable import at_reminder_hour
from gateway.domain.vocabulary import DeliveryState, Notice
from gateway.flow import meta, notices
from gateway.flow.administration.needs import needs
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.facts import AsideMail, Attention, NeedFact
from gateway.flow.upkeep import outage

SHOWN = 50
"""How many mails that were set aside a digest names; it counts all."""
LOOK_EVERY = timedelta(minutes=10)
"""How often it is looked whether there is anything to tell: that reads the whole queue."""
CATCHES_UP = (NeedKind.TIMED_WORK, NeedKind.STEPS_LATE, NeedKind.OVERDUE)
"""What is so at the end of an outage, and mends itself within minutes: whoever looks here does timed work again."""
EVERY = timedelta(days=7)
"""After how long what has not changed is told again."""
_LOOKED, _TOLD = "attention looked", "attention told"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last digest told: the number of each need, by its key; and on which day."""

    day: str = ""
    needs: Mapping[str, int] = field(default_factory=dict)


def report_due(ctx: Context, _limit: int) -> int:
    """Tell what needs a person, if that is news; whether it was."""
    if ctx.now < at_reminder_hour(ctx.today, ctx.site.zone, ctx.site.rhythm) or not _is_time(ctx):
        return 0
    meta.put(ctx.tx, _LOOKED, ctx.now.isoformat().encode())
    found = [one for one in needs(ctx) if not (outage.length(ctx) and one.kind in CATCHES_UP)]
    told = _still_so(ctx, found)
    if not _is_news(ctx, found, told) or not count_today(ctx, "attention", 1):
        return 0
    _keep(ctx, _Told(ctx.today.isoformat(), {one.key: one.number for one in found}))
    aside = ctx.tx.find(Delivery, state=DeliveryState.QUARANTINED, limit=SHOWN)
    facts = Attention(
        needs=tuple(map(_fact, found)),
        mails=tuple(map(_mail, aside)),
        total=ctx.tx.count(Delivery, state=DeliveryState.QUARANTINED) if aside else 0,
    )
    notices.to_postmaster(ctx, Notice.ATTENTION, facts)
    return 1


def _is_news(ctx: Context, found: Sequence[Need], told: _Told) -> bool:
    """Whether something is new, or worse, or was told long ago."""
    if any(one.key not in told.needs or one.is_worse_than(told.needs[one.key]) for one in found):
        return True
    return bool(found) and abs(ctx.today - date.fromisoformat(told.day)) >= EVERY


def _still_so(ctx: Context, found: Sequence[Need]) -> _Told:
    """What was told and still is so; what has passed is forgotten."""
    row = ctx.tx.one(Meta, name=_TOLD)
    told = _Told(**json.loads(row.value)) if row else _Told()
    keys = {one.key for one in found}
    lasting = replace(told, needs={key: number for key, number in told.needs.items() if key in keys})
    if lasting != told:
        _keep(ctx, lasting)
    return lasting


def _keep(ctx: Context, told: _Told) -> None:
    meta.put(ctx.tx, _TOLD, json.dumps(asdict(told)).encode())


def _is_time(ctx: Context) -> bool:
    known = meta.instant(ctx.tx, _LOOKED)
    return known is None or abs(ctx.now - known) >= LOOK_EVERY


def _fact(one: Need) -> NeedFact:
    since = one.since.isoformat() if one.since else ""
    return NeedFact(kind=one.kind.value, since=since, subject=one.subject, number=one.number, node=one.node)


def _mail(one: Delivery) -> AsideMail:
    return AsideMail(
        id=one.id,
        since=one.created_at.isoformat(),
        kind=(one.notice or one.kind).value,
        to=one.recipient,
        why=one.last_reply,
    )
