"""Moving an invitation through its life: the table's effects, carried out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain import lifecycle, misspelt, tries
from gateway.domain.address import Address
from gateway.domain.lifecycle import Effect, Event
from gateway.domain.model import Account, Delivery, Invitation, Sender, Waiter
from gateway.domain.reminders import is_near_end, last_day, next_due
from gateway.domain.site import Practice
from gateway.domain.vocabulary import LIVE, TO_INVITEE, DeliveryState, Details, Notice, Purpose, Relationship, State
from gateway.flow import hold, notices, people
from gateway.flow.context import Context

APART = timedelta(hours=1)
"""No two reminders go within this time."""


def open_for(
    ctx: Context, practice: Practice, address: Address, name: str = "", *, before: Invitation | None
) -> Invitation:
    """A fresh invitation, which waits to hear who the person is; wrong birthdates of the one before still count."""
    invitation = ctx.tx.add(
        Invitation(
            practice_id=practice.id,
            address=address.key,
            typed=address.typed,
            name=name or (before.name if before else ""),
            strikes_before=before.strikes_before + before.strikes if before else 0,
            day0=ctx.today,
            due_at=next_due(State.AWAITING, ctx.today, 0, ctx.site.zone, ctx.site.rhythm),
            created_at=ctx.now,
            changed_at=ctx.now,
        )
    )
    ctx.audit("gateway", "opened", f"invitation {invitation.id}")
    return invitation


def can(invitation: Invitation, event: Event) -> bool:
    """Whether the event means anything in the invitation's state."""
    return lifecycle.step(invitation.state, event) is not None


def move(ctx: Context, invitation: Invitation, event: Event, *, by: str = "gateway", **changes: Any) -> Invitation:
    """Carry out an event that is possible (`can`): effects, new state, next due step, audit."""
    step = lifecycle.step(invitation.state, event)
    if step is None:
        raise ValueError(f"{event.name} means nothing while {invitation.state}")
    after = replace(invitation, state=step.to, changed_at=ctx.now, **changes)
    for effect in step.effects:
        after = EFFECTS[effect](ctx, after)
    ctx.audit(by, event.name.lower(), f"invitation {after.id}", after.state.value)
    return ctx.tx.put(replace(after, due_at=planned(ctx, after)))


def planned(ctx: Context, invitation: Invitation) -> datetime | None:
    """When the invitation's next step is due."""
    rhythm, zone = ctx.site.rhythm, ctx.site.zone
    return next_due(invitation.state, invitation.day0, invitation.step, zone, rhythm, invitation.moved_to)


def join(ctx: Context, invitation: Invitation, by: Sender) -> Invitation:
    """Another mail waits for an open invitation, and its sender with it. Near its end the days start afresh, and the
    invitee hears of it; else no date moves.
    """
    is_late = is_near_end(invitation.state, invitation.day0, ctx.today, ctx.site.rhythm, invitation.moved_to)
    event = Event.JOINED_LATE if is_late and can(invitation, Event.JOINED_LATE) else Event.JOINED
    return move(ctx, invitation, event, by=by.address)


# -------------------------------------------------------------------------------------------------------- details


def doubt(ctx: Context, invitation: Invitation, details: Details) -> str:
    """Why a sender should be asked before an invitation leaves; "" where nothing speaks against it.

    `outside`: a colleague at my practice is said to have an address outside of it. `misspelt`: the address has a slip
    in the name of a mail provider, and nothing has been sent to it yet.
    """
    practice, who = ctx.site.practice(invitation.practice_id), Address(invitation.address, invitation.typed)
    if practice.owns(who):
        return ""
    if details.relationship is Relationship.COLLEAGUE_HERE:
        return "outside"
    return "misspelt" if invitation.state is State.AWAITING and misspelt.meant(who) else ""


def tries_used_up(ctx: Context, invitation: Invitation) -> bool:
    """Whether wrong birthdates, over all rounds, leave none to try."""
    return tries.used_up(invitation, ctx.site.rhythm)


def give_details(ctx: Context, invitation: Invitation, sender: Sender, details: Details) -> Invitation:
    """The sender's answer: invites, corrects or invites again, as the state has it. The caller asked `can` before."""
    digest = ctx.birthdate_digest(invitation.id, details.birthdate) if details.birthdate else None
    asked = {"relationship": details.relationship, "birthdate_digest": digest}
    changed = any(getattr(invitation, name) != value for name, value in asked.items())
    event = Event.REINVITE
    if invitation.state in LIVE:
        event = Event.CORRECTED if changed and invitation.state is State.INVITED else Event.DETAILS
    return move(ctx, invitation, event, by=sender.address, role=details.role, details_by=sender.id, **asked)


def may_correct(ctx: Context, invitation: Invitation, sender: Sender) -> bool:
    """The first live details stand: only who gave them may correct them, while they wait themselves."""
    if invitation.details_by in (None, sender.id) or invitation.state is not State.INVITED:
        return True
    return all(waiting.id != invitation.details_by for _, waiting in people.waiting(ctx, invitation))


# ------------------------------------------------------------------------------------------------------ withdrawal


def withdraw(ctx: Context, invitation: Invitation, sender: Sender) -> Invitation:
    """Destroy this sender's held mail; the invitation ends when nobody else waits."""
    for copy in people.held_by(ctx, invitation, sender):
        hold.destroy(ctx, copy)
    waiter = people.wait_for(ctx, invitation, sender)
    ctx.tx.put(replace(waiter, withdrawn=True))
    ctx.audit(sender.address, "withdrew", f"invitation {invitation.id}")
    if people.waiting(ctx, invitation):
        return invitation
    return move(ctx, invitation, Event.CANCEL, by=sender.address)


# --------------------------------------------------------------------------------------------------------- effects


def _restart_schedule(ctx: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, day0=ctx.today, step=0, moved_to=0)


def _new_link(_: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, generation=invitation.generation + 1, heard=None, heard_at=None)


def _count_strike(_: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, strikes=invitation.strikes + 1)


def _forgive_strikes(_: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, strikes_before=invitation.strikes_before + invitation.strikes, strikes=0)


def reminded_lately(ctx: Context, invitation: Invitation) -> Delivery | None:
    """The reminder that they were sent within the last hour, by the calendar or by whoever asked for it."""
    where: dict[str, Any] = {"invitation_id": invitation.id, "notice": Notice.REMINDER}
    newest = ctx.tx.find(Delivery, order="-id", limit=1, **where)
    return next((one for one in newest if ctx.now - one.created_at < APART and _is_on_its_way(one)), None)


def _is_on_its_way(delivery: Delivery) -> bool:
    """Sent, or about to be; one that a hop has put off may take its time."""
    return delivery.state is DeliveryState.SENT or (delivery.state is DeliveryState.QUEUED and not delivery.attempts)


def _put_off(ctx: Context, invitation: Invitation) -> Delivery | None:
    """The invitation, or else the reminder, that a hop would not take yet."""
    where: dict[str, Any] = {"invitation_id": invitation.id, "state": DeliveryState.QUEUED}
    found = ctx.tx.find(Delivery, notice__in=TO_INVITEE, attempts__gt=0, **where)
    return next(iter(found), None)


def _remind(ctx: Context, invitation: Invitation) -> Invitation:
    return invitation if reminded_lately(ctx, invitation) else _tell_days(ctx, invitation)


def _tell_days(ctx: Context, invitation: Invitation) -> Invitation:
    """One mail at a time: what a hop has put off is written afresh and goes now, and no second mail beside it."""
    waits = _put_off(ctx, invitation)
    if waits and waits.lease_until:
        return invitation  # it is being sent at this moment
    if waits and waits.notice:
        ctx.tx.put(replace(waits, state=DeliveryState.DROPPED, facts=None))
        return _write_invitee(waits.notice)(ctx, invitation)
    return _write_invitee(Notice.REMINDER)(ctx, invitation)


def _write_invitee(notice: Notice) -> Callable[[Context, Invitation], Invitation]:
    def effect(ctx: Context, invitation: Invitation) -> Invitation:
        practice = ctx.site.practice(invitation.practice_id)
        inviters = [people.display(sender) for _, sender in people.waiting(ctx, invitation)]
        until = last_day(State.INVITED, invitation.day0, ctx.site.rhythm, invitation.moved_to) or ctx.today
        facts = {
            "inviters": inviters,
            "relationship": invitation.relationship.value if invitation.relationship else "",
            "until": until.isoformat(),
            "last_day": until == ctx.today,
            "has_account": ctx.tx.one(Account, address=invitation.address) is not None,
            "replaces": invitation.generation > 1,
            "invite": notices.token(Purpose.INVITE, invitation.id, invitation.generation),
        }
        speaks_for = inviters[0] if inviters else practice.name
        notices.to_invitee(ctx, notice, invitation, practice, speaks_for, facts)
        return invitation

    return effect


def _tell_shut_out(ctx: Context, invitation: Invitation) -> Invitation:
    """Whoever gave the wrong dates may not have been the invitee: nothing is said of them."""
    practice = ctx.site.practice(invitation.practice_id)
    facts = {"inviters": [people.display(sender) for _, sender in people.waiting(ctx, invitation)]}
    notices.to_invitee(ctx, Notice.LOCKED, invitation, practice, "", facts)
    return invitation


def _tell_senders(notice: Notice) -> Callable[[Context, Invitation], Invitation]:
    def effect(ctx: Context, invitation: Invitation) -> Invitation:
        for waiter, sender in people.waiting(ctx, invitation):
            facts = {"person": people.standing(ctx, invitation, waiter), "used_up": tries_used_up(ctx, invitation)}
            reply = notices.token(Purpose.WAITER, waiter.id)
            notices.to_sender(ctx, notice, sender, facts, reply=reply, invitation=invitation)
        return invitation

    return effect


def _tell_asked(ctx: Context, invitation: Invitation) -> Invitation:
    """To those who wait; when it is over, to those who did."""
    for waiter in ctx.tx.find(Waiter, invitation_id=invitation.id):
        sender = ctx.tx.get(Sender, waiter.sender_id)
        if sender and not (invitation.is_open and waiter.withdrawn):
            facts = {"person": people.standing(ctx, invitation, waiter), "used_up": tries_used_up(ctx, invitation)}
            reply = notices.token(Purpose.WAITER, waiter.id)
            notices.to_sender(ctx, Notice.ASKED_AGAIN, sender, facts, reply=reply, invitation=invitation)
    return invitation


def _release_held(ctx: Context, invitation: Invitation) -> Invitation:
    assert invitation.account_id is not None  # noqa: S101 - ACCEPT names the account
    for copy in people.held_copies(ctx, invitation):
        hold.release(ctx, copy, invitation.account_id, held_for=invitation.address)
    return invitation


def _destroy_held(ctx: Context, invitation: Invitation) -> Invitation:
    for copy in [*people.held_copies(ctx, invitation), *people.answers(ctx, invitation)]:
        hold.destroy(ctx, copy)
    return invitation


EFFECTS: dict[Effect, Callable[[Context, Invitation], Invitation]] = {
    Effect.RESTART_SCHEDULE: _restart_schedule,
    Effect.NEW_LINK: _new_link,
    Effect.COUNT_STRIKE: _count_strike,
    Effect.FORGIVE_STRIKES: _forgive_strikes,
    Effect.SEND_INVITATION: _write_invitee(Notice.INVITATION),
    Effect.SEND_REMINDER: _remind,
    Effect.SEND_NEW_DAYS: _tell_days,
    Effect.ASK_AGAIN: _tell_senders(Notice.DETAILS_AGAIN),
    Effect.TELL_ACCEPTED: _tell_senders(Notice.ACCEPTED),
    Effect.TELL_LOCKED: _tell_senders(Notice.LOCKED),
    Effect.TELL_SHUT_OUT: _tell_shut_out,
    Effect.TELL_EXPIRED: _tell_senders(Notice.EXPIRED),
    Effect.TELL_UNDELIVERABLE: _tell_senders(Notice.UNDELIVERABLE),
    Effect.TELL_LAPSED: _tell_senders(Notice.LAPSED),
    Effect.TELL_ASKED: _tell_asked,
    Effect.RELEASE_HELD: _release_held,
    Effect.DESTROY_HELD: _destroy_held,
}


def waiter_of(ctx: Context, invitation: Invitation, sender: Sender) -> Waiter | None:
    """The sender's place among those who wait, if they do."""
    return ctx.tx.one(Waiter, invitation_id=invitation.id, sender_id=sender.id, withdrawn=False)
