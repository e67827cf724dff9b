"""After an outage nothing is destroyed for want of an answer that could not reach us: we ask again, and wait.

An invitation, or a question, whose end has come meanwhile gets a later one, and whoever may still answer is told. A
message that its reader could not open stays a little longer.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.lifecycle import Event
from gateway.domain.model import Copy, Invitation
from gateway.domain.model_questions import Question
from gateway.domain.timetable import ENDS, ahead, first_day, instant
from gateway.flow import meta
from gateway.flow.context import Context
from gateway.flow.inbound import question
from gateway.flow.invitations import invite

OUTAGE = timedelta(hours=1)
"""Being away for longer is an outage."""
_ALIVE = "alive"


def note_alive(ctx: Context) -> None:
    """Note that timed work is done at this instant."""
    meta.put(ctx.tx, _ALIVE, ctx.now.isoformat().encode())


def note_away(ctx: Context) -> None:
    """Note that answers since a while could not come in, as after a restore: the next start gives grace for that."""
    away = ctx.now - OUTAGE - timedelta(minutes=1)
    meta.put(ctx.tx, _ALIVE, min(away, last_alive(ctx) or away).isoformat().encode())


def last_alive(ctx: Context) -> datetime | None:
    """When timed work was last done."""
    return meta.instant(ctx.tx, _ALIVE)


def length(ctx: Context) -> timedelta:
    """For how long no timed work has been done; nothing where that is no outage, or where there never was any."""
    alive = last_alive(ctx)
    away = ctx.now - alive if alive else timedelta()
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
    steps = ahead(invitation.state, invitation.last_step_day, rhythm, invitation.extended_to)
    missed = [step for step in steps if instant(invitation.schedule_start, step, zone, rhythm) <= ctx.now]
    if missed and missed[-1].event in ENDS:
        done = max((step.day for step in missed[:-1]), default=invitation.last_step_day)
        extended_to = first_day(invitation.schedule_start, missed[-1], until, zone, rhythm)
        invite.transition(ctx, invitation, Event.OUTAGE, last_step_day=done, extended_to=extended_to)


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
