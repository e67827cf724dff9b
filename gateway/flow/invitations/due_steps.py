"""What the calendar brings: one planned step of each invitation that is due."""

from dataclasses import replace

from gateway.domain.model import Invitation
from gateway.domain.timetable import due
from gateway.domain.vocabulary import OPEN
from gateway.flow.context import Context
from gateway.flow.invitations import invite


def run_due(ctx: Context, limit: int) -> int:
    """Take the due step of up to `limit` invitations; how many there were."""
    invitations = ctx.tx.find(Invitation, order="due_at", due_at__le=ctx.now, limit=limit)
    for invitation in invitations:
        _run(ctx, invitation)
    return len(invitations)


def _run(ctx: Context, invitation: Invitation) -> None:
    rhythm, zone = ctx.site.rhythm, ctx.site.zone
    step = due(
        invitation.state,
        invitation.schedule_start,
        invitation.last_step_day,
        ctx.now,
        zone,
        rhythm,
        invitation.extended_to,
    )
    if step is None:  # the zone's rules have moved the instant into the future
        ctx.tx.put(replace(invitation, due_at=invite.planned(ctx, invitation)))
        return
    invite.transition(ctx, replace(invitation, last_step_day=step.day), step.event)


def follow_settings(ctx: Context, after: int, limit: int) -> int:
    """Plan anew what settings have changed, for so many invitations behind this id; the last of them, or 0."""
    found = ctx.tx.find(Invitation, order="id", id__gt=after, state__in=OPEN, limit=limit)
    for one in found:
        anew = replace(one, due_at=invite.planned(ctx, one))
        if anew != one:
            ctx.tx.put(anew)
    return found[-1].id if found else 0
