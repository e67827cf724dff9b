"""What needs an administrator: told to the postmaster once a day, at the reminder hour, if there is anything."""

from gateway.domain.model import Delivery
from gateway.domain.reminders import at_reminder_hour
from gateway.domain.vocabulary import DeliveryState, Notice
from gateway.flow import notices
from gateway.flow.context import Context
from gateway.flow.counting import count_today

SHOWN = 50
"""How many mails a report names; it counts all."""


def report_due(ctx: Context, _limit: int) -> int:
    """Tell of mails that could not be prepared for sending, and were set aside; whether there was anything to tell."""
    if ctx.now < at_reminder_hour(ctx.today, ctx.site.zone, ctx.site.rhythm):
        return 0
    aside = ctx.tx.find(Delivery, state=DeliveryState.QUARANTINED, limit=SHOWN)
    if not aside or not count_today(ctx, "attention", 1):
        return 0
    facts = {
        "total": ctx.tx.count(Delivery, state=DeliveryState.QUARANTINED),
        "mails": [
            {
                "id": one.id,
                "since": one.created_at.isoformat(),
                "kind": (one.notice or one.kind).value,
                "to": one.recipient,
                "why": one.last_reply,
            }
            for one in aside
        ],
    }
    notices.to_postmaster(ctx, Notice.ATTENTION, facts)
    return 1
