"""What has served its time is removed: nothing grows for ever, and no address is kept longer than it is needed.

Each sweep removes some rows in a transaction of its own, oldest first, so that nobody waits for it. The newest row of a
table always stays: a number that was used must not be used again, since tokens and Message-IDs are made from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.model import (
    Confirmation,
    Copy,
    Delivery,
    Fingerprint,
    Invitation,
    Message,
    Session,
    WaitingSender,
)
from gateway.domain.model_questions import Observation, Question
from gateway.domain.model_records import AdminSession
from gateway.domain.vocabulary import DeliveryState, State
from gateway.flow import copies as keys
from gateway.flow import legal_holds, throttle
from gateway.flow.context import Context
from gateway.flow.inbound import directory_answers, observe
from gateway.flow.inbox import drafts
from gateway.flow.outbound import deliver
from gateway.flow.upkeep import chain

ENDED = (State.CANCELLED, State.LAPSED)
_WAITS = (DeliveryState.HELD, DeliveryState.QUEUED, DeliveryState.PAUSED)
_OF_INVITATIONS: tuple[type[Any], ...] = (WaitingSender, Confirmation)
"""What goes with its invitation."""
PAGES = 200
"""Free pages of the database that are given back to the disk at a time: less than a megabyte."""


REMEMBER_MAIL = timedelta(days=30)
"""How long a mail that is handed in twice is known as the same, and how often something was done is counted."""


def forget(ctx: Context) -> None:
    """Forget sessions that have ended, fingerprints of old mail, and what the directory said long ago."""
    directory_answers.forget(ctx)
    ctx.tx.remove(Session, expires_at__lt=ctx.now)
    ctx.tx.remove(Observation, at__lt=ctx.now - observe.KEPT)
    ctx.tx.remove(AdminSession, expires_at__lt=ctx.now)
    ctx.tx.remove(Fingerprint, at__lt=ctx.now - REMEMBER_MAIL)


def deliveries(ctx: Context, after: int, limit: int) -> int:
    """Forget to whom mail was sent; what was set aside, and nobody has retried, is dropped."""
    old, more = _oldest(ctx, Delivery, after, limit, "created_at", ctx.site.retention.sent)
    rows = legal_holds.not_kept(ctx, old)
    for row in rows:
        if row.state is DeliveryState.QUARANTINED:
            deliver.drop(ctx, row, tell=False)
    _remove(ctx, Delivery, [row.id for row in rows if row.state not in _WAITS])
    return more


def returned(ctx: Context, _after: int, limit: int) -> int:
    """Destroy what was handed back to senders and has not come back within days."""
    return int(deliver.forget_returned(ctx, limit) == limit)


def confirmations(ctx: Context, after: int, limit: int) -> int:
    """Forget commands that waited for a YES, said or not."""
    rows, more = _oldest(ctx, Confirmation, after, limit, "created_at", ctx.site.retention.sent)
    _remove(ctx, Confirmation, [row.id for row in legal_holds.not_kept(ctx, rows)])
    return more


def questions(ctx: Context, after: int, limit: int) -> int:
    """Forget what was asked about a mail, and how that ended."""
    rows, more = _oldest(ctx, Question, after, limit, "created_at", ctx.site.retention.traces)
    _remove(ctx, Question, [row.id for row in legal_holds.not_kept(ctx, rows) if row.answer])
    return more


def kept(ctx: Context, after: int, limit: int) -> int:
    """Destroy copies that have ended, and that a legal hold has kept which was released since."""
    rows = ctx.tx.find(Copy, kept=True, id__gt=after, limit=limit)
    for copy in legal_holds.not_kept(ctx, rows):
        keys.destroy(ctx, copy, copy.state, copy.reason)
    return rows[-1].id if len(rows) == limit else 0


def copies(ctx: Context, passed: int, limit: int) -> int:
    """Forget copies that were destroyed, and messages of which no copy is left."""
    before = _before(ctx, ctx.site.retention.traces)
    found = ctx.tx.find(Copy, order="ended_at", ended_at__lt=before, limit=limit, skip=_passed(passed))
    ids = [one.id for one in legal_holds.not_kept(ctx, found)]
    in_use = {one.copy_id for one in ctx.tx.find(Delivery, copy_id__in=ids)} if ids else set()
    in_use |= _newest(ctx, Copy)
    gone = ctx.tx.find(Copy, id__in=[one for one in ids if one not in in_use]) if ids else []
    if gone:
        drafts.discard_answers(ctx, [one.id for one in gone])  # answers to what is long destroyed
        ctx.tx.remove(Copy, id__in=[one.id for one in gone])
        _messages(ctx, sorted({one.message_id for one in gone}))
    return _next(passed, found, gone, limit)


def _messages(ctx: Context, ids: Sequence[int]) -> None:
    left = {one.message_id for one in ctx.tx.find(Copy, message_id__in=ids)}
    asked = {one.message_id for one in ctx.tx.find(Question, message_id__in=ids)}
    gone = [one for one in ids if one not in left | asked | _newest(ctx, Message)]
    if gone:
        for answer in ctx.tx.find(Message, reply_to_id__in=gone):
            ctx.tx.put(replace(answer, reply_to_id=None))
        ctx.tx.remove(Message, id__in=gone)


def invitations(ctx: Context, passed: int, limit: int) -> int:
    """Forget invitations that came to nothing. Wrong birthdates are remembered for as long as the audit."""
    before, long_ago = _before(ctx, ctx.site.retention.traces), _before(ctx, ctx.site.retention.audit)
    over = {"state__in": ENDED, "changed_at__lt": before}
    found = ctx.tx.find(Invitation, order="changed_at", limit=limit, skip=_passed(passed), **over)
    old = legal_holds.not_kept(ctx, found)
    ids = [one.id for one in old if one.changed_at < long_ago or not one.wrong_birthdates + one.wrong_birthdates_before]
    in_use = {one.invitation_id for table in (Copy, Delivery) for one in _of(ctx, table, ids)} | _newest(
        ctx, Invitation
    )
    in_use |= {one.invitation_id for kind in _OF_INVITATIONS for one in ctx.tx.find(kind, order="-id", limit=1)}
    gone = [one for one in ids if one not in in_use]
    for kind in _OF_INVITATIONS:
        _remove(ctx, kind, gone, "invitation_id")
    _remove(ctx, Invitation, gone)
    return _next(passed, found, gone, limit)


def give_back(ctx: Context, _after: int, _limit: int) -> int:
    """Give free pages back to the disk; how many are left."""
    return ctx.tx.give_back(PAGES)


SWEEPS: tuple[Callable[[Context, int, int], int], ...] = (
    *(kept, returned, deliveries, confirmations, questions, copies, invitations, chain.forget, throttle.forget),
    give_back,
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


def _passed(after: int) -> int:
    """How many rows, from the oldest on, have been looked at and stay."""
    return max(after - 1, 0)


def _next(after: int, found: Sequence[Any], gone: Sequence[Any], limit: int) -> int:
    """Where to go on: behind those that stay, or 0."""
    return _passed(after) + len(found) - len(gone) + 1 if len(found) == limit else 0


def _newest(ctx: Context, table: type[Any]) -> set[int]:
    """The row that stays, however old: its number stands in links, and would be that of the next row (SQLite)."""
    return {one.id for one in ctx.tx.find(table, order="-id", limit=1)}


def _before(ctx: Context, days: int) -> datetime:
    return ctx.now - timedelta(days=days)


def _of(ctx: Context, table: type[Any], ids: Sequence[int]) -> list[Any]:
    return ctx.tx.find(table, invitation_id__in=ids) if ids else []


def _remove(ctx: Context, table: type[Any], ids: Sequence[int], field: str = "id") -> None:
    if ids:
        ctx.tx.remove(table, **{f"{field}__in": ids})
