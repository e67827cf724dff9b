"""A rehearsal (`secure_mail.mode = "observe"`): all mail passes, and a daily report says what would have been done."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.domain.decide import Action, Reason, Verdict
from gateway.domain.model_questions import Observation
from gateway.domain.timetable import at_reminder_hour
from gateway.domain.vocabulary import Notice
from gateway.errors import Refused
from gateway.flow import meta, notices
from gateway.flow.context import Context
from gateway.flow.facts import Observed, ObservedMail
from gateway.flow.inbound.recipient_case import RecipientCase
from gateway.flow.inbound.understand import IncomingMail

SHOWN = 200
"""How many mails a report names; it counts all."""
REFUSED = "refused"
COLUMNS = ("at", "from", "to", "would have been", "because")
KEPT = timedelta(days=30)
"""How long an observation is kept: the administrator's page shows them for so long."""
MOST_REPORTED = 10_000
"""Mails that one report counts: it is one mail a day."""
_REPORTED = "observed until"


@dataclass(frozen=True, slots=True)
class Noted:
    """What was observed, the newest `lines` first; `counts` of all by what would have been done, and by reason."""

    counts: dict[str, int]
    reasons: dict[str, int]
    lines: list[Observation]


def noted(ctx: Context, limit: int) -> Noted:
    """What has been observed within the last days, reported or not."""
    found = ctx.tx.find(Observation, order="at")
    did, why = Counter(one.action for one in found), Counter(one.reason for one in found)
    return Noted(dict(did.most_common()), dict(why.most_common()), found[::-1][:limit])


def rows(ctx: Context) -> list[tuple[str, ...]]:
    """All of it as a table with `COLUMNS`; no cell begins a formula of a spreadsheet's."""
    return [
        (one.at.isoformat(timespec="seconds"), *map(cell, (one.author, one.recipient, one.action, one.reason)))
        for one in ctx.tx.find(Observation, order="at")
    ]


def cell(text: str) -> str:
    """As a cell of a table that begins no formula of a spreadsheet's."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


def passing(
    ctx: Context, incoming: IncomingMail, decide: Callable[[Context, IncomingMail], list[RecipientCase]]
) -> list[RecipientCase]:
    """Every recipient of a mail as one to whom it passes, what would have become of it noted."""
    try:
        cases = decide(ctx, incoming)
        refused = incoming.refused
    except Refused as refusal:
        cases = [RecipientCase(one, Verdict(Action.PASS, Reason.NOT_SECURE)) for one in incoming.recipients]
        refused = refusal.smtp_reply
    return [_passed(ctx, incoming, case, refused) for case in cases]


def _passed(ctx: Context, incoming: IncomingMail, case: RecipientCase, refused: str) -> RecipientCase:
    verdict = case.verdict
    if case.recipient.gateway or (verdict.action is Action.PASS and not refused):
        return case
    ctx.tx.add(
        Observation(
            at=ctx.now,
            author=incoming.author.address.typed if incoming.author else incoming.submission.mail_from,
            recipient=case.recipient.typed,
            action=REFUSED if refused else verdict.action.value,
            reason=refused or f"{verdict.reason.value}; {verdict.sign.value}",
        )
    )
    return RecipientCase(case.recipient, Verdict(Action.PASS, Reason.OBSERVED, verdict.sign))


def report_due(ctx: Context, _limit: int) -> int:
    """Tell the postmaster, at the reminder hour, of what has been noted since the last report."""
    until, since = _last_reminder_hour(ctx), _reported(ctx)
    noted = ctx.tx.find(Observation, order="at", at__lt=until, at__gt=since, limit=MOST_REPORTED)
    if not noted:
        return 0
    lines = [
        ObservedMail(at=one.at.isoformat(), author=one.author, to=one.recipient, did=one.action, why=one.reason)
        for one in noted
    ]
    facts = Observed(
        counts=dict(Counter(one.action for one in noted)),
        lines=tuple(lines[:SHOWN]),
        more=len(lines) - len(lines[:SHOWN]),
    )
    notices.to_postmaster(ctx, Notice.OBSERVED, facts)
    meta.put(ctx.tx, _REPORTED, noted[-1].at.isoformat().encode())
    return len(noted)


def _reported(ctx: Context) -> datetime:
    """Of when the newest one is that was told."""
    return meta.instant(ctx.tx, _REPORTED) or datetime.fromtimestamp(0, UTC)


def _last_reminder_hour(ctx: Context) -> datetime:
    today = at_reminder_hour(ctx.today, ctx.site.zone, ctx.site.rhythm)
    yesterday = at_reminder_hour(ctx.today - timedelta(days=1), ctx.site.zone, ctx.site.rhythm)
    return today if today <= ctx.now else yesterday
