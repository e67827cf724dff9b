"""The newest head of the audit's chain, to be kept elsewhere: whoever has our keys can make the chain anew, but not
what was sent away before.
"""

from gateway.domain.timetable import at_reminder_hour
from gateway.domain.vocabulary import Notice
from gateway.flow import notices
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.facts import AuditHead
from gateway.flow.upkeep import chain


def newest_line(ctx: Context) -> str:
    """The local time, the newest batch, its last row and its head in hexadecimal; "" before the first batch."""
    batch = chain.newest(ctx)
    if batch is None:
        return ""
    now = ctx.now.astimezone(ctx.site.zone).isoformat(timespec="seconds")
    return f"{now} {batch.id} {batch.last_row} {batch.head.hex()}"


def report_due(ctx: Context, _limit: int) -> int:
    """Mail the line once a day, at the reminder hour, where the settings name an address."""
    to = ctx.site.audit_heads_to
    if not to or ctx.now < at_reminder_hour(ctx.today, ctx.site.zone, ctx.site.rhythm):
        return 0
    line = newest_line(ctx)
    if not line or not count_today(ctx, "audit head", 1):
        return 0
    notices.to_postmaster(ctx, Notice.AUDIT_HEAD, AuditHead(line=line), to)
    return 1
