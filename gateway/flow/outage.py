"""After an outage nothing is destroyed for want of an answer that could not reach us: we ask again, and wait.

An invitation, or a question, whose end has come meanwhile gets a later one, and whoever may still answer is told. A
message that its reader could not open stays a little longer.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.lifecycle import Event
from gateway.domain.model import Copy, Invitation, Meta
from gateway.domain.model_questions import Question
from gateway.domain.reminders import ENDS, ahead, first_day, instant
from gateway.flow import invite, meta, question
from gateway.flow.context import Context

OUTAGE = timedelta(hours=1)
"""Being away for longer is an outage."""
_ALIVE = "alive"


def note_alive(ctx: Context) -> None:
    """Note that timed work is done at this instant."""
    meta.put(ctx.tx, _ALIVE, ctx.now.isoformat().encode())


def length(ctx: Context) -> timedelta:
    """For how long no timed work has been done; nothing where that is no outage, or where there never was any."""
    known = ctx.tx.one(Meta, name=_ALIVE)
    away = ctx.now - datetime.fromisoformat(known.value.decode()) if known else timedelta()
    return away if away > OUTAGE else timedelta()


def give_grace(ctx: Context, kind: type, after: int, limit: int) -> int:
    """Move the ends that have come during an outage, of so many rows of a kind behind this id; the last one, or 0."""
    conditions, move = KINDS[kind]
    rows: list[Any] = ctx.tx.find(kind, id__gt=after, limit=limit, **conditions(ctx))
    for row in rows:
        move(ctx, row, ctx.now + ctx.site.rhythm.grace_after_outage)
    return rows[-1].id if rows else 0


def _move_invitation(ctx: Context, invitation: Invitation, until: datetime) -> None:
    zone, rhythm = ctx.site.zone, ctx.site.rhythm
    steps = ahead(invitation.state, invitation.step, rhythm, invitation.moved_to)
    missed = [step for step in steps if instant(invitation.day0, step, zone, rhythm) <= ctx.now]
    if missed and missed[-1].event in ENDS:
        done = max((step.day for step in missed[:-1]), default=invitation.step)
        moved_to = first_day(invitation.day0, missed[-1], until, zone, rhythm)
        invite.move(ctx, invitation, Event.OUTAGE, step=done, moved_to=moved_to)


def _move_copy(ctx: Context, copy: Copy, until: datetime) -> None:
    ctx.tx.put(replace(copy, expires_at=until))


def _due(ctx: Context) -> dict[str, Any]:
    return {"due_at__le": ctx.now}


def _unread(ctx: Context) -> dict[str, Any]:
    return {"expires_at__le": ctx.now, "read_at": None}


KINDS: dict[type, tuple[Callable[[Context], dict[str, Any]], Callable[[Context, Any, datetime], None]]] = {
    Invitation: (_due, _move_invitation),
    Question: (_due, question.wait_longer),
    Copy: (_unread, _move_copy),
}
"""What may have ended during an outage: how it is found, and how its end is moved."""
