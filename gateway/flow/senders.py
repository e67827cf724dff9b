"""Who is who in the store: senders, those who wait, and how a person stands with a practice."""

from dataclasses import replace

from gateway.domain import tries
from gateway.domain.address import Address
from gateway.domain.lifecycle import Event
from gateway.domain.model import Copy, Invitation, Message, Sender, WaitingSender
from gateway.domain.site import Practice
from gateway.domain.timetable import ahead, instant, last_day, next_due
from gateway.domain.vocabulary import OPEN, CopyState, Purpose, Relationship, State
from gateway.flow import who
from gateway.flow.context import Context
from gateway.flow.standing import Standing, Token


def known_sender(ctx: Context, practice: Practice, address: Address | None) -> Sender | None:
    """The row of a sender who has written for this practice before."""
    return ctx.tx.one(Sender, address=address.key, practice_id=practice.id) if address else None


def sender_row(ctx: Context, practice: Practice, address: Address, name: str = "") -> Sender:
    """The sender's row, made or brought up to date."""
    known = known_sender(ctx, practice, address)
    if known is None:
        return ctx.tx.add(Sender(practice_id=practice.id, address=address.key, typed=address.typed, name=name))
    if name and name != known.name:
        return ctx.tx.put(replace(known, name=name))
    return known


def display(sender: Sender) -> str:
    """How a sender is named to others."""
    return sender.name or sender.typed


def wait_for(ctx: Context, invitation: Invitation, sender: Sender) -> WaitingSender:
    """The sender waits for this invitation from now on."""
    waiting_sender = ctx.tx.one(WaitingSender, invitation_id=invitation.id, sender_id=sender.id)
    if waiting_sender is None:
        return wait_first(ctx, invitation, sender)
    return ctx.tx.put(replace(waiting_sender, withdrawn=False)) if waiting_sender.withdrawn else waiting_sender


def wait_first(ctx: Context, invitation: Invitation, sender: Sender) -> WaitingSender:
    """The same, for an invitation that was just opened: nobody waits for it, and looking would hinder others' mail."""
    return ctx.tx.add(WaitingSender(invitation_id=invitation.id, sender_id=sender.id, since=ctx.now))


def waiting(ctx: Context, invitation: Invitation) -> list[tuple[WaitingSender, Sender]]:
    """Those who wait for it, in the order in which they began."""
    waiting_senders = ctx.tx.find(WaitingSender, invitation_id=invitation.id, withdrawn=False)
    senders = {sender.id: sender for sender in ctx.tx.find(Sender, id__in=[w.sender_id for w in waiting_senders])}
    return [(waiting_sender, senders[waiting_sender.sender_id]) for waiting_sender in waiting_senders]


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


def standing(ctx: Context, invitation: Invitation, waiting_sender: WaitingSender | None = None) -> Standing:
    """How a person stands now."""
    rhythm, zone = ctx.site.rhythm, ctx.site.zone
    practice = ctx.site.practice(invitation.practice_id)
    steps = ahead(invitation.state, invitation.last_step_day, rhythm, invitation.extended_to)
    due = next_due(
        invitation.state, invitation.schedule_start, invitation.last_step_day, zone, rhythm, invitation.extended_to
    )
    end = last_day(invitation.state, invitation.schedule_start, rhythm, invitation.extended_to)
    ends = end.isoformat() if end else ""
    reminders = [step for step in steps if step.event is Event.REMINDER_DUE]
    local = invitation.created_at.astimezone(zone).date()
    return Standing(
        who=invitation.who,
        name=invitation.name,
        address=invitation.typed,
        state=invitation.state.value,
        relationship=invitation.relationship.value if invitation.relationship else "",
        role=invitation.role.value if invitation.role else "",
        since=(waiting_sender.since.astimezone(zone).date() if waiting_sender else local).isoformat(),
        changed=invitation.changed_at.astimezone(zone).date().isoformat(),
        until=ends if invitation.state is State.INVITED else "",
        ends=ends,
        next=due.astimezone(zone).date().isoformat() if due else "",
        reminders=tuple(
            instant(invitation.schedule_start, s, zone, rhythm).astimezone(zone).date().isoformat() for s in reminders
        ),
        waiting=invitation.state in OPEN,
        delivery_signal=invitation.delivery_signal.value
        if invitation.delivery_signal and invitation.state is State.INVITED
        else "",
        delivery_signal_on=invitation.delivery_signal_at.astimezone(zone).date().isoformat()
        if invitation.delivery_signal_at
        else "",
        at_my_practice=who.works_at(ctx, practice, Address(invitation.address, invitation.typed)),
        tries_left=tries.left(invitation, rhythm) if invitation.relationship is Relationship.PATIENT else None,
        wrong=invitation.wrong_birthdates,
        token=Token(Purpose.WAITING_SENDER, waiting_sender.id) if waiting_sender else "",
        page=page_token(ctx, Purpose.INVITATION_PAGE, waiting_sender.id) if waiting_sender else "",
    )


def page_token(ctx: Context, purpose: Purpose, row: int) -> Token:
    """The token of a sender's page in a mail of today: its generation is the day, so that it does not last."""
    return Token(purpose, row, ctx.today.toordinal())
