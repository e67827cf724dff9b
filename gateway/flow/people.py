"""Who is who in the store: senders, those who wait, and how a person stands with a practice."""

from dataclasses import replace
from typing import Any

from gateway.domain import tries
from gateway.domain.address import Address
from gateway.domain.lifecycle import Event
from gateway.domain.model import Copy, Invitation, Message, Sender, Waiter
from gateway.domain.reminders import ahead, instant, last_day
from gateway.domain.site import Practice
from gateway.domain.vocabulary import OPEN, CopyState, Purpose, Relationship, State
from gateway.flow.context import Context
from gateway.flow.notices import token


def sender_row(ctx: Context, practice: Practice, address: Address, name: str = "") -> Sender:
    """The sender's row, made or brought up to date."""
    known = ctx.tx.one(Sender, address=address.key, practice_id=practice.id)
    if known is None:
        return ctx.tx.add(Sender(practice_id=practice.id, address=address.key, typed=address.typed, name=name))
    if name and name != known.name:
        return ctx.tx.put(replace(known, name=name))
    return known


def display(sender: Sender) -> str:
    """How a sender is named to others."""
    return sender.name or sender.typed


def wait_for(ctx: Context, invitation: Invitation, sender: Sender) -> Waiter:
    """The sender waits for this invitation from now on."""
    waiter = ctx.tx.one(Waiter, invitation_id=invitation.id, sender_id=sender.id)
    if waiter is None:
        return ctx.tx.add(Waiter(invitation_id=invitation.id, sender_id=sender.id, since=ctx.now))
    return ctx.tx.put(replace(waiter, withdrawn=False)) if waiter.withdrawn else waiter


def waiting(ctx: Context, invitation: Invitation) -> list[tuple[Waiter, Sender]]:
    """Those who wait for it, in the order in which they began."""
    waiters = ctx.tx.find(Waiter, invitation_id=invitation.id, withdrawn=False)
    senders = {sender.id: sender for sender in ctx.tx.find(Sender, id__in=[w.sender_id for w in waiters])}
    return [(waiter, senders[waiter.sender_id]) for waiter in waiters]


def latest_invitation(ctx: Context, practice_id: str, address_key: str) -> Invitation | None:
    """The most recent invitation of this practice for this address, over or not."""
    return next(iter(ctx.tx.find(Invitation, order="-id", limit=1, practice_id=practice_id, address=address_key)), None)


def message_of(ctx: Context, copy: Copy) -> Message:
    """The message of a copy: there always is one."""
    message = ctx.tx.get(Message, copy.message_id)
    assert message is not None  # noqa: S101 - a foreign key holds it
    return message


def held_copies(ctx: Context, invitation: Invitation) -> list[Copy]:
    return ctx.tx.find(Copy, invitation_id=invitation.id, state=CopyState.HELD)


def answers(ctx: Context, invitation: Invitation) -> list[Copy]:
    """What the invitee has answered by mail, the earliest first."""
    return ctx.tx.find(Copy, invitation_id=invitation.id, state=CopyState.TO_SENDERS)


def held_by(ctx: Context, invitation: Invitation, sender: Sender) -> list[Copy]:
    """This sender's mails that wait for the invitation."""
    return [copy for copy in held_copies(ctx, invitation) if message_of(ctx, copy).sender_id == sender.id]


def standing(ctx: Context, invitation: Invitation, waiter: Waiter | None = None) -> dict[str, Any]:
    """How a person stands, as facts for a template: names, state, dates; nothing of any mail.

    `until` is the last day on which an open invitation may be accepted, `ends` the day of the planned end in any state,
    `next` that of the next planned step.
    """
    rhythm, zone = ctx.site.rhythm, ctx.site.zone
    practice = ctx.site.practice(invitation.practice_id)
    steps = ahead(invitation.state, invitation.step, rhythm, invitation.moved_to)
    end = last_day(invitation.state, invitation.day0, rhythm, invitation.moved_to)
    ends = end.isoformat() if end else ""
    reminders = [step for step in steps if step.event is Event.REMINDER_DUE]
    local = invitation.created_at.astimezone(zone).date()
    return {
        "who": invitation.who,
        "name": invitation.name,
        "address": invitation.typed,
        "state": invitation.state.value,
        "relationship": invitation.relationship.value if invitation.relationship else "",
        "role": invitation.role.value if invitation.role else "",
        "since": (waiter.since.astimezone(zone).date() if waiter else local).isoformat(),
        "changed": invitation.changed_at.astimezone(zone).date().isoformat(),
        "until": ends if invitation.state is State.INVITED else "",
        "ends": ends,
        "next": instant(invitation.day0, steps[0], zone, rhythm).astimezone(zone).date().isoformat() if steps else "",
        "reminders": [instant(invitation.day0, s, zone, rhythm).astimezone(zone).date().isoformat() for s in reminders],
        "waiting": invitation.state in OPEN,
        "heard": invitation.heard.value if invitation.heard and invitation.state is State.INVITED else "",
        "heard_on": invitation.heard_at.astimezone(zone).date().isoformat() if invitation.heard_at else "",
        "at_my_practice": practice.owns(Address(invitation.address, invitation.typed)),
        "tries_left": tries.left(invitation, rhythm) if invitation.relationship is Relationship.PATIENT else None,
        "wrong": invitation.strikes,
        "token": token(Purpose.WAITER, waiter.id) if waiter else "",
        "page": page_token(ctx, Purpose.WAITER_PAGE, waiter.id) if waiter else "",
    }


def page_token(ctx: Context, purpose: Purpose, row: int) -> dict[str, Any]:
    """The token of a sender's page in a mail of today: its generation is the day, so that it does not last."""
    return token(purpose, row, ctx.today.toordinal())
