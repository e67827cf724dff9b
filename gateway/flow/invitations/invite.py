"""Moving an invitation through its life: the table's effects, carried out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gateway.domain import lifecycle, tries, typos
from gateway.domain.acts import Act, of_event, of_signal
from gateway.domain.address import Address
from gateway.domain.lifecycle import Effect, Event
from gateway.domain.model import Account, Delivery, Invitation, Sender, WaitingSender
from gateway.domain.site import Practice
from gateway.domain.timetable import is_near_end, last_day, next_due
from gateway.domain.vocabulary import (
    LIVE,
    TO_INVITEE,
    DeliverySignal,
    DeliveryState,
    Details,
    Notice,
    Purpose,
    Relationship,
    State,
)
from gateway.flow import copies, ledger, notices, retired_keys, senders, who
from gateway.flow.context import Context
from gateway.flow.facts import AboutPerson, Invite, ShutOut
from gateway.flow.standing import Token, Why

APART = timedelta(hours=1)
"""No two reminders go within this time."""


def open_for(
    ctx: Context, practice: Practice, address: Address, name: str = "", *, before: Invitation | None
) -> Invitation:
    """A fresh invitation, which waits to hear who the person is; wrong birthdates of the one before still count."""
    fresh = Invitation(
        practice_id=practice.id,
        address=address.key,
        typed=address.typed,
        name=name or (before.name if before else ""),
        wrong_birthdates_before=before.wrong_birthdates_before + before.wrong_birthdates if before else 0,
        schedule_start=ctx.today,
        created_at=ctx.now,
        changed_at=ctx.now,
    )
    invitation = ctx.tx.add(replace(fresh, due_at=planned(ctx, fresh)))
    ctx.audit("gateway", Act.INVITATION_OPENED, f"invitation {invitation.id}")
    return invitation


def can(invitation: Invitation, event: Event) -> bool:
    """Whether the event means anything in the invitation's state."""
    return lifecycle.step(invitation.state, event) is not None


def transition(
    ctx: Context, invitation: Invitation, event: Event, *, by: str = "gateway", **changes: Any
) -> Invitation:
    """Carry out an event that is possible (`can`): effects, new state, next due step, audit."""
    step = lifecycle.step(invitation.state, event)
    if step is None:
        raise ValueError(f"{event.name} means nothing while {invitation.state}")
    after = replace(invitation, state=step.to, changed_at=ctx.now, **changes)
    for effect in step.effects:
        after = EFFECTS[effect](ctx, after)
    ctx.audit(by, of_event(event), f"invitation {after.id}", after.state.value)
    ledger.note_standing(ctx, after)
    return ctx.tx.put(replace(after, due_at=planned(ctx, after)))


def planned(ctx: Context, invitation: Invitation) -> datetime | None:
    """When the next step is due: all that `due_at` ever is. To move it alone is undone by the next move."""
    rhythm, zone = ctx.site.rhythm, ctx.site.zone
    return next_due(
        invitation.state, invitation.schedule_start, invitation.last_step_day, zone, rhythm, invitation.extended_to
    )


def join(ctx: Context, invitation: Invitation, by: Sender) -> Invitation:
    """Another mail waits for an open invitation, and its sender with it. Near its end the days start afresh, and the
    invitee hears of it; else no date moves.
    """
    is_late = is_near_end(
        invitation.state, invitation.schedule_start, ctx.today, ctx.site.rhythm, invitation.extended_to
    )
    event = Event.JOINED_LATE if is_late and can(invitation, Event.JOINED_LATE) else Event.JOINED
    return transition(ctx, invitation, event, by=by.address)


# -------------------------------------------------------------------------------------------------------- details


def doubt(ctx: Context, invitation: Invitation, details: Details) -> Why:
    """Why a sender should be asked before an invitation leaves; NONE where nothing speaks against it.

    OUTSIDE: a colleague at my practice is said to have an address outside of it. MISSPELT: the address has a slip in
    the name of a mail provider, and nothing has been sent to it yet.
    """
    practice, person = ctx.site.practice(invitation.practice_id), Address(invitation.address, invitation.typed)
    if who.works_at(ctx, practice, person):
        return Why.NONE
    if details.relationship is Relationship.COLLEAGUE_HERE:
        return Why.OUTSIDE
    return Why.MISSPELT if invitation.state is State.AWAITING and typos.meant(person) else Why.NONE


def tries_used_up(ctx: Context, invitation: Invitation) -> bool:
    """Whether wrong birthdates, over all rounds, leave none to try."""
    return tries.used_up(invitation, ctx.site.rhythm)


def give_details(ctx: Context, invitation: Invitation, sender: Sender, details: Details) -> Invitation:
    """The sender's answer: invites, corrects or invites again, as the state has it. The caller asked `can` before."""
    born = details.birthdate
    same = ctx.is_birthdate(invitation.id, invitation.birthdate_digest, born)
    sealed = None if same or born is None else ctx.sealed_birthdate(invitation.id, born)
    digest = invitation.birthdate_digest if same else sealed
    asked = {"relationship": details.relationship, "birthdate_digest": digest}
    changed = not same or invitation.relationship is not details.relationship
    event = Event.REINVITE
    if invitation.state in LIVE:
        anew = invitation.state is State.INVITED and (changed or link_is_dead(ctx, invitation))
        event = Event.CORRECTED if anew else Event.DETAILS
    return transition(ctx, invitation, event, by=sender.address, role=details.role, details_by=sender.id, **asked)


def may_correct(ctx: Context, invitation: Invitation, sender: Sender) -> bool:
    """The first live details stand: only who gave them may correct them, while they wait themselves."""
    if invitation.details_by in (None, sender.id) or invitation.state is not State.INVITED:
        return True
    return all(waiting.id != invitation.details_by for _, waiting in senders.waiting(ctx, invitation))


# ------------------------------------------------------------------------------------------------------ withdrawal


def withdraw(ctx: Context, invitation: Invitation, sender: Sender) -> Invitation:
    """Destroy this sender's held mail; the invitation ends when nobody else waits."""
    for copy in senders.held_by(ctx, invitation, sender):
        copies.destroy(ctx, copy)
    waiting_sender = senders.wait_for(ctx, invitation, sender)
    ctx.tx.put(replace(waiting_sender, withdrawn=True))
    ctx.audit(sender.address, Act.WITHDREW, f"invitation {invitation.id}")
    if senders.waiting(ctx, invitation):
        return invitation
    return transition(ctx, invitation, Event.CANCEL, by=sender.address)


# --------------------------------------------------------------------------------------------------------- effects


def _restart_schedule(ctx: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, schedule_start=ctx.today, last_step_day=0, extended_to=0)


def _new_link(_: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, generation=invitation.generation + 1, delivery_signal=None, delivery_signal_at=None)


def _count_wrong_birthdate(_: Context, invitation: Invitation) -> Invitation:
    return replace(invitation, wrong_birthdates=invitation.wrong_birthdates + 1)


def _forgive_wrong_birthdates(_: Context, invitation: Invitation) -> Invitation:
    return replace(
        invitation,
        wrong_birthdates_before=invitation.wrong_birthdates_before + invitation.wrong_birthdates,
        wrong_birthdates=0,
    )


def link_is_dead(ctx: Context, invitation: Invitation) -> bool:
    """Whether the last link that they were sent was made under a key that is retired."""
    bound = retired_keys.dead_before(ctx.tx)
    if bound is None:
        return False
    newest = ctx.tx.find(Delivery, order="-id", limit=1, invitation_id=invitation.id, notice__in=TO_INVITEE)
    return all(one.created_at < bound for one in newest)


def reminded_lately(ctx: Context, invitation: Invitation) -> Delivery | None:
    """The reminder that they were sent within the last hour, by the calendar or by whoever asked for it."""
    if link_is_dead(ctx, invitation):
        return None
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
        ctx.tx.put(replace(waits, state=DeliveryState.DROPPED, facts=None, ended_at=ctx.now))
        return _write_invitee(waits.notice)(ctx, invitation)
    return _write_invitee(Notice.REMINDER)(ctx, invitation)


def _write_invitee(notice: Notice) -> Callable[[Context, Invitation], Invitation]:
    def effect(ctx: Context, invitation: Invitation) -> Invitation:
        practice = ctx.site.practice(invitation.practice_id)
        inviters = [senders.display(sender) for _, sender in senders.waiting(ctx, invitation)]
        until = last_day(State.INVITED, invitation.schedule_start, ctx.site.rhythm, invitation.extended_to) or ctx.today
        facts = Invite(
            inviters=tuple(inviters),
            relationship=invitation.relationship.value if invitation.relationship else "",
            until=until.isoformat(),
            last_day=until == ctx.today,
            has_account=ctx.tx.one(Account, address=invitation.address) is not None,
            replaces=invitation.generation > 1,
            invite=Token(Purpose.INVITE, invitation.id, invitation.generation),
        )
        speaks_for = inviters[0] if inviters else practice.name
        notices.to_invitee(ctx, notice, invitation, practice, speaks_for, facts)
        return invitation

    return effect


def _tell_shut_out(ctx: Context, invitation: Invitation) -> Invitation:
    """Whoever gave the wrong dates may not have been the invitee: nothing is said of them."""
    practice = ctx.site.practice(invitation.practice_id)
    facts = ShutOut(inviters=tuple(senders.display(sender) for _, sender in senders.waiting(ctx, invitation)))
    notices.to_invitee(ctx, Notice.LOCKED, invitation, practice, "", facts)
    return invitation


def _tell_senders(notice: Notice) -> Callable[[Context, Invitation], Invitation]:
    def effect(ctx: Context, invitation: Invitation) -> Invitation:
        for waiting_sender, sender in senders.waiting(ctx, invitation):
            facts = AboutPerson(
                person=senders.standing(ctx, invitation, waiting_sender),
                used_up=tries_used_up(ctx, invitation),
            )
            reply = Token(Purpose.WAITING_SENDER, waiting_sender.id)
            notices.to_sender(ctx, notice, sender, facts, reply=reply, invitation=invitation)
        return invitation

    return effect


def _tell_asked(ctx: Context, invitation: Invitation) -> Invitation:
    """To those who wait; when it is over, to those who did."""
    for waiting_sender in ctx.tx.find(WaitingSender, invitation_id=invitation.id):
        sender = ctx.tx.get(Sender, waiting_sender.sender_id)
        if sender and not (invitation.is_open and waiting_sender.withdrawn):
            facts = AboutPerson(
                person=senders.standing(ctx, invitation, waiting_sender),
                used_up=tries_used_up(ctx, invitation),
            )
            reply = Token(Purpose.WAITING_SENDER, waiting_sender.id)
            notices.to_sender(ctx, Notice.ASKED_AGAIN, sender, facts, reply=reply, invitation=invitation)
    return invitation


def _release_held(ctx: Context, invitation: Invitation) -> Invitation:
    assert invitation.account_id is not None  # noqa: S101 - ACCEPT names the account
    for copy in senders.held_copies(ctx, invitation):
        copies.release(ctx, copy, invitation.account_id, held_for=invitation.address)
    return invitation


def _destroy_held(ctx: Context, invitation: Invitation) -> Invitation:
    for copy in [*senders.held_copies(ctx, invitation), *senders.answers(ctx, invitation)]:
        copies.destroy(ctx, copy)
    return invitation


EFFECTS: dict[Effect, Callable[[Context, Invitation], Invitation]] = {
    Effect.RESTART_SCHEDULE: _restart_schedule,
    Effect.NEW_LINK: _new_link,
    Effect.COUNT_WRONG_BIRTHDATE: _count_wrong_birthdate,
    Effect.FORGIVE_WRONG_BIRTHDATES: _forgive_wrong_birthdates,
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


def waiting_sender_of(ctx: Context, invitation: Invitation, sender: Sender) -> WaitingSender | None:
    """The sender's place among those who wait, if they do."""
    return ctx.tx.one(WaitingSender, invitation_id=invitation.id, sender_id=sender.id, withdrawn=False)


def note_signal(ctx: Context, invitation: Invitation | None, delivery_signal: DeliverySignal) -> None:
    """Keep what an invitee's mail system told us for the senders' STATUS; nothing else follows from it."""
    if invitation and invitation.state is State.INVITED:
        ctx.audit("gateway", of_signal(delivery_signal), f"invitation {invitation.id}")
        ctx.tx.put(replace(invitation, delivery_signal=delivery_signal, delivery_signal_at=ctx.now))
