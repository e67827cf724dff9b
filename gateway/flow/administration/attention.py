"""The digest of what needs a person: mailed to the postmaster once a day at most, from the reminder hour on, and never
when all is well.
"""

from datetime import timedelta

from gateway.domain.model import Delivery
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
_LOOKED = "attention looked"


def report_due(ctx: Context, _limit: int) -> int:
    """Tell what needs a person; whether there was anything to tell."""
    if ctx.now < at_reminder_hour(ctx.today, ctx.site.zone, ctx.site.rhythm) or not _is_time(ctx):
        return 0
    meta.put(ctx.tx, _LOOKED, ctx.now.isoformat().encode())
    found = [one for one in needs(ctx) if not (outage.length(ctx) and one.kind in CATCHES_UP)]
    if not found or not count_today(ctx, "attention", 1):
        return 0
    aside = ctx.tx.find(Delivery, state=DeliveryState.QUARANTINED, limit=SHOWN)
    facts = Attention(
        needs=tuple(map(_fact, found)),
        mails=tuple(map(_mail, aside)),
        total=ctx.tx.count(Delivery, state=DeliveryState.QUARANTINED) if aside else 0,
    )
    notices.to_postmaster(ctx, Notice.ATTENTION, facts)
    return 1


def _is_time(ctx: Context) -> bool:
    known = meta.instant(ctx.tx, _LOOKED)
    return known is None or abs(ctx.now - known) >= LOOK_EVERY


def _fact(one: Need) -> NeedFact:
    since = one.since.isoformat() if one.since else ""
    return NeedFact(kind=one.kind.value, since=since, subject=one.subject, number=one.number)


def _mail(one: Delivery) -> AsideMail:
    return AsideMail(
        id=one.id,
        since=one.created_at.isoformat(),
        kind=(one.notice or one.kind).value,
        to=one.recipient,
        why=one.last_reply,
    )
