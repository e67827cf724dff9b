"""Somebody holds an invitation's link that has died, and asks for a new one."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.lifecycle import Event
from gateway.domain.model import Invitation
from gateway.domain.vocabulary import Purpose
from gateway.flow import senders
from gateway.flow.context import Context
from gateway.flow.invitations import invite

ONCE_IN = timedelta(days=1)


def ask_again(ctx: Context, token: str) -> None:
    """Have the senders told, or the newest link sent to the invitee's own address; at most once a day.

    Nothing comes back, so that whoever asks learns nothing: not even whether the link was ever one of ours.
    """
    dead = _once_opened(ctx, token)
    latest = senders.latest_invitation(ctx, dead.practice_id, dead.address) if dead else None
    if latest is None or not invite.can(latest, Event.ASKED):
        return
    if latest.asked_at and ctx.now - latest.asked_at < ONCE_IN:
        return
    invite.transition(ctx, replace(latest, asked_at=ctx.now), Event.ASKED, by=latest.address)


def _once_opened(ctx: Context, token: str) -> Invitation | None:
    """The invitation that the link opens now or has opened in an earlier generation."""
    return ctx.opened(token, Purpose.INVITE, Invitation, lambda invitation: range(1, invitation.generation + 1))
