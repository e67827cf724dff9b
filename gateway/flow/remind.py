"""What the calendar brings: one planned step of each invitation that is due."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.model import Invitation, Seen, Session
from gateway.domain.reminders import due, schedule
from gateway.domain.vocabulary import OPEN
from gateway.flow import invite
from gateway.flow.context import Context

REMEMBER_SESSION = timedelta(days=1)
"""How long it is known whose a session was that has ended: what its person typed is kept for them."""
REMEMBER_MAIL = timedelta(days=30)
"""How long a mail that is handed in twice is known as the same."""


def run_due(ctx: Context, limit: int) -> int:
    """Take the due step of up to `limit` invitations; how many there were."""
    invitations = ctx.tx.find(Invitation, order="due_at", due_at__le=ctx.now, limit=limit)
    for invitation in invitations:
        _run(ctx, invitation)
    return len(invitations)


def _run(ctx: Context, invitation: Invitation) -> None:
    rhythm, zone = ctx.site.rhythm, ctx.site.zone
    step = due(invitation.state, invitation.day0, invitation.step, ctx.now, zone, rhythm, invitation.moved_to)
    if step is None:  # the zone's rules have moved the instant into the future
        ctx.tx.put(replace(invitation, due_at=invite.planned(ctx, invitation)))
        return
    invite.move(ctx, replace(invitation, step=step.day), step.event)


def follow_settings(ctx: Context, after: int, limit: int, *, by_number: bool = False) -> int:
    """Plan anew what settings have changed, for so many invitations behind this id; the last of them, or 0.

    `by_number`: their steps were counted, and not yet known by their days.
    """
    found = ctx.tx.find(Invitation, order="id", id__gt=after, state__in=OPEN, limit=limit)
    for one in found:
        steps = schedule(one.state, ctx.site.rhythm)[: one.step]
        known = replace(one, step=steps[-1].day if steps else 0) if by_number else one
        anew = replace(known, due_at=invite.planned(ctx, known))
        if anew != one:
            ctx.tx.put(anew)
    return found[-1].id if found else 0


def forget(ctx: Context) -> None:
    """Remove what has served its time: ended sign-ins, fingerprints of old mail."""
    ctx.tx.remove(Session, expires_at__lt=ctx.now - REMEMBER_SESSION)
    ctx.tx.remove(Seen, at__lt=ctx.now - REMEMBER_MAIL)
