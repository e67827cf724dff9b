"""What has served its time is removed: nothing grows for ever, and no address is kept longer than it is needed.

Each sweep removes some rows in a transaction of its own, oldest first, so that nobody waits for it. The newest row of a
table always stays: a number that was used must not be used again, since tokens and Message-IDs are made from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.model import (
    Audit,
    Confirmation,
    Copy,
    Delivery,
    Invitation,
    Message,
    Waiter,
)
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import DeliveryState, State
from gateway.flow import deliver, drafts
from gateway.flow.context import Context

ENDED = (State.CANCELLED, State.LAPSED)
_WAITS = (DeliveryState.HELD, DeliveryState.QUEUED)
PAGES = 200
"""Free pages of the database that are given back to the disk at a time: less than a megabyte."""


def deliveries(ctx: Context, after: int, limit: int) -> int:
    """Forget to whom mail was sent; what was set aside, and nobody has retried, is dropped."""
    rows, more = _oldest(ctx, Delivery, after, limit, "created_at", ctx.site.retention.sent)
    for row in rows:
        if row.state is DeliveryState.QUARANTINED:
            deliver.drop(ctx, row, tell=False)
    _remove(ctx, Delivery, [row.id for row in rows if row.state not in _WAITS])
    return more


def audit(ctx: Context, after: int, limit: int) -> int:
    rows, more = _oldest(ctx, Audit, after, limit, "at", ctx.site.retention.audit)
    _remove(ctx, Audit, [row.id for row in rows])
    return more


def confirmations(ctx: Context, after: int, limit: int) -> int:
    """Forget commands that waited for a YES, said or not."""
    rows, more = _oldest(ctx, Confirmation, after, limit, "created_at", ctx.site.retention.sent)
    _remove(ctx, Confirmation, [row.id for row in rows])
    return more


def questions(ctx: Context, after: int, limit: int) -> int:
    """Forget what was asked about a mail, and how that ended."""
    rows, more = _oldest(ctx, Question, after, limit, "created_at", ctx.site.retention.traces)
    _remove(ctx, Question, [row.id for row in rows if row.answer])
    return more


def copies(ctx: Context, _after: int, limit: int) -> int:
    """Forget copies that were destroyed, and messages of which no copy is left."""
    before = _before(ctx, ctx.site.retention.traces)
    ids = [one.id for one in ctx.tx.find(Copy, order="ended_at", ended_at__lt=before, limit=limit)]
    in_use = {one.copy_id for one in ctx.tx.find(Delivery, copy_id__in=ids)} if ids else set()
    gone = ctx.tx.find(Copy, id__in=[one for one in ids if one not in in_use]) if ids else []
    if not gone:
        return 0
    drafts.discard_answers(ctx, [one.id for one in gone])  # answers to what is long destroyed
    ctx.tx.remove(Copy, id__in=[one.id for one in gone])
    _messages(ctx, sorted({one.message_id for one in gone}))
    return gone[-1].id


def _messages(ctx: Context, ids: Sequence[int]) -> None:
    newest = ctx.tx.find(Message, order="-id", limit=1)[0].id
    left = {one.message_id for one in ctx.tx.find(Copy, message_id__in=ids)}
    asked = {one.message_id for one in ctx.tx.find(Question, message_id__in=ids)}
    gone = [one for one in ids if one not in left | asked | {newest}]
    if gone:
        for answer in ctx.tx.find(Message, reply_to_id__in=gone):
            ctx.tx.put(replace(answer, reply_to_id=None))
        ctx.tx.remove(Message, id__in=gone)


def invitations(ctx: Context, _after: int, limit: int) -> int:
    """Forget invitations that came to nothing. Wrong birthdates are remembered for as long as the audit."""
    before, long_ago = _before(ctx, ctx.site.retention.traces), _before(ctx, ctx.site.retention.audit)
    old = ctx.tx.find(Invitation, order="changed_at", state__in=ENDED, changed_at__lt=before, limit=limit)
    newest = ctx.tx.find(Invitation, order="-id", limit=1)
    ids = [
        one.id
        for one in old
        if one.id != newest[0].id and (one.changed_at < long_ago or not one.strikes + one.strikes_before)
    ]
    in_use = {one.invitation_id for table in (Copy, Delivery) for one in _of(ctx, table, ids)}
    gone = [one for one in ids if one not in in_use]
    for table in (Waiter, Confirmation, Invitation):
        _remove(ctx, table, gone, "id" if table is Invitation else "invitation_id")
    return gone[-1] if gone else 0


def give_back(ctx: Context, _after: int, _limit: int) -> int:
    """Give free pages back to the disk; how many are left."""
    return ctx.tx.give_back(PAGES)


SWEEPS: tuple[Callable[[Context, int, int], int], ...] = (
    *(deliveries, confirmations, questions, copies, invitations, audit, give_back),
)
"""Each is called with where it has come to (0 at first), until it says 0."""


def _oldest(ctx: Context, table: type[Any], after: int, limit: int, made: str, days: int) -> tuple[list[Any], int]:
    """The next rows that are older than so many days, and where to go on, or 0. Rows are numbered as they were made."""
    rows = ctx.tx.find(table, id__gt=after, limit=limit)
    before = _before(ctx, days)
    old = [row for row in rows if getattr(row, made) < before]
    if len(rows) < limit and old and old[-1] is rows[-1]:
        old.pop()  # the newest of all
    return old, rows[-1].id if len(rows) == limit and old and old[-1] is rows[-1] else 0


def _before(ctx: Context, days: int) -> datetime:
    return ctx.now - timedelta(days=days)


def _of(ctx: Context, table: type[Any], ids: Sequence[int]) -> list[Any]:
    return ctx.tx.find(table, invitation_id__in=ids) if ids else []


def _remove(ctx: Context, table: type[Any], ids: Sequence[int], field: str = "id") -> None:
    if ids:
        ctx.tx.remove(table, **{f"{field}__in": ids})
