"""A rehearsal (`secure_mail.mode = "observe"`): all mail passes, and a daily report says what would have been done."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.domain.decide import Action, Reason, Verdict
from gateway.domain.model_questions import Observation
from gateway.domain.reminders import at_reminder_hour
from gateway.domain.vocabulary import Notice
from gateway.errors import Refused
from gateway.flow import notices
from gateway.flow.case import Case
from gateway.flow.context import Context
from gateway.flow.understand import Draft

SHOWN = 200
"""How many mails a report names; it counts all."""
REFUSED = "refused"


def passing(ctx: Context, draft: Draft, decide: Callable[[Context, Draft], list[Case]]) -> list[Case]:
    """Every recipient of a mail as one to whom it passes, what would have become of it noted."""
    try:
        cases = decide(ctx, draft)
        refused = draft.refused
    except Refused as refusal:
        cases = [Case(one, Verdict(Action.PASS, Reason.NOT_SECURE)) for one in draft.recipients]
        refused = refusal.smtp_reply
    return [_passed(ctx, draft, case, refused) for case in cases]


def _passed(ctx: Context, draft: Draft, case: Case, refused: str) -> Case:
    verdict = case.verdict
    if case.recipient.gateway or (verdict.action is Action.PASS and not refused):
        return case
    ctx.tx.add(
        Observation(
            at=ctx.now,
            author=draft.author.address.typed if draft.author else draft.submission.mail_from,
            recipient=case.recipient.typed,
            action=REFUSED if refused else verdict.action.value,
            reason=refused or f"{verdict.reason.value}; {verdict.sign.value}",
        )
    )
    return Case(case.recipient, Verdict(Action.PASS, Reason.OBSERVED, verdict.sign))


def report_due(ctx: Context, limit: int) -> int:
    """Tell the postmaster, at the reminder hour, of what has been noted until then, and forget it."""
    until = _last_reminder_hour(ctx)
    noted = ctx.tx.find(Observation, order="at", at__lt=until, limit=limit)
    if not noted:
        return 0
    lines = [
        {
            "at": one.at.isoformat(),
            "author": one.author,
            "to": one.recipient,
            "did": one.action,
            "why": one.reason,
        }
        for one in noted
    ]
    facts = {
        "counts": dict(Counter(one.action for one in noted)),
        "lines": lines[:SHOWN],
        "more": len(lines) - len(lines[:SHOWN]),
    }
    notices.to_postmaster(ctx, Notice.OBSERVED, facts)
    ctx.tx.remove(Observation, id__in=[one.id for one in noted])
    return len(noted)


def _last_reminder_hour(ctx: Context) -> datetime:
    today = at_reminder_hour(ctx.today, ctx.site.zone, ctx.site.rhythm)
    yesterday = at_reminder_hour(ctx.today - timedelta(days=1), ctx.site.zone, ctx.site.rhythm)
    return today if today <= ctx.now else yesterday
