"""Invitations, for an administrator: listed, shown, reminded of, cancelled. Of a birthdate nothing is ever told."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.acts import ADMINISTRATOR
from gateway.domain.address import Address
from gateway.domain.lifecycle import Event
from gateway.domain.model import Copy, Delivery, Invitation, Message, Sender, WaitingSender
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import OPEN, TO_INVITEE, CopyState, Notice, Purpose, State
from gateway.flow import notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import AboutPerson
from gateway.flow.invitations import invite
from gateway.flow.standing import Standing, Token

AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which invitations are meant: of some states, of a practice, of an address; with a step that is due before an
    instant; opened before an instant.
    """

    states: Collection[State] = OPEN
    practice: str = ""
    address: str = ""
    due_before: datetime | None = None
    opened_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An invitation with how many wait for it, and how many mails are held for it."""

    invitation: Invitation
    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of an invitation. `octets` are those of the mails that are held; `told` is what went to them."""

    line: Line
    standing: Standing
    octets: int
    answers: int
    waiting: list[tuple[WaitingSender, Sender]]
    told: list[Delivery]
    audit: list[Audit]


class Did(StrEnum):
    """What came of a wish about an invitation."""

    REMINDED = "reminded"
    LATELY = "was reminded within the last hour; nothing was sent"
    NOT_INVITED = "is not invited yet: its senders have not said who this is"
    RESTS = "rests: its sender has to invite again"
    CANCELLED = "cancelled: what was held is destroyed, and whoever waited is told"
    OVER = "is over already"
    UNKNOWN = "there is no such invitation"


DONE = (Did.REMINDED, Did.CANCELLED)


def listed(ctx: Context, wanted: Wanted, limit: int) -> list[Line]:
    """The invitations that are meant, the earliest first."""
    found: list[Line] = []
    for one in _each(ctx, wanted):
        found.append(_line(ctx, one))
        if len(found) == limit:
            break
    return found


def _each(ctx: Context, wanted: Wanted) -> Iterator[Invitation]:
    where: dict[str, Any] = {"state__in": tuple(wanted.states)}
    where |= {"practice_id": wanted.practice} if wanted.practice else {}
    where |= {"address": wanted.address} if wanted.address else {}
    where |= {"due_at__lt": wanted.due_before} if wanted.due_before else {}
    where |= {"created_at__lt": wanted.opened_before} if wanted.opened_before else {}
    after = 0
    while rows := ctx.tx.find(Invitation, id__gt=after, limit=AT_A_TIME, **where):
        yield from rows
        after = rows[-1].id


def _line(ctx: Context, one: Invitation) -> Line:
    waiting = ctx.tx.count(WaitingSender, invitation_id=one.id, withdrawn=False)
    return Line(one, waiting, ctx.tx.count(Copy, invitation_id=one.id, state=CopyState.HELD))


def shown(ctx: Context, one: Invitation) -> Shown:
    """Everything that is known of an invitation, but for its birthdate and for what its mails say."""
    held = senders.held_copies(ctx, one)
    messages = ctx.tx.find(Message, id__in=[copy.message_id for copy in held]) if held else []
    return Shown(
        _line(ctx, one),
        senders.standing(ctx, one),
        sum(message.size for message in messages),
        len(senders.answers(ctx, one)),
        senders.waiting(ctx, one),
        ctx.tx.find(Delivery, invitation_id=one.id, notice__in=(*TO_INVITEE, Notice.LOCKED)),
        ctx.tx.find(Audit, subject=f"invitation {one.id}"),
    )


def named(ctx: Context, number: int, who: Address | None = None) -> list[Invitation]:
    """The invitation of this number; or those of this address that are open, else the latest of each practice."""
    if who is None:
        one = ctx.tx.get(Invitation, number)
        return [one] if one else []
    of_them = ctx.tx.find(Invitation, address=who.key)
    latest = {one.practice_id: one for one in of_them}
    return [one for one in of_them if one.is_open] or list(latest.values())


def remind(ctx: Context, number: int) -> Did:
    """Remind an invitee, as a sender's REMIND does."""
    one = ctx.tx.get(Invitation, number)
    match one:
        case None:
            return Did.UNKNOWN
        case Invitation(state=State.AWAITING):
            return Did.NOT_INVITED
        case Invitation(state=State.INVITED):
            if invite.reminded_lately(ctx, one):
                return Did.LATELY
            invite.transition(ctx, one, Event.REMIND, by=ADMINISTRATOR)
            return Did.REMINDED
        case _:
            return Did.RESTS if one.is_open else Did.OVER


def cancel(ctx: Context, number: int) -> Did:
    """End an invitation for everybody who waits, as their CANCEL would: what is held is destroyed, and each is told."""
    one = ctx.tx.get(Invitation, number)
    if one is None:
        return Did.UNKNOWN
    if not invite.can(one, Event.CANCEL):
        return Did.OVER
    waiting = senders.waiting(ctx, one)
    after = invite.transition(ctx, one, Event.CANCEL, by=ADMINISTRATOR)
    for waiting_sender, sender in waiting:
        facts = AboutPerson(person=senders.standing(ctx, after, waiting_sender), by_administrator=True)
        reply = Token(Purpose.SENDER, sender.id)
        notices.to_sender(ctx, Notice.CANCELLED, sender, facts, reply=reply, invitation=after)
    return Did.CANCELLED
