"""The gateway is taken out of use: what is held goes back to its senders, and everybody who was told of it is told.

Each function is a transaction, run until it says 0; broken off, all is run again. A mail travels back whole, as an
attachment, only to a practice's own domain over a hop that is verified or on this machine, as an answer from the portal
does; otherwise its sender is told that it was not delivered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.address import address
from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Meta, Sender
from gateway.domain.model_records import LegalHold
from gateway.domain.vocabulary import OPEN, CopyState, DeliveryKind, DeliveryState, Notice, Purpose, State
from gateway.errors import WrongKey
from gateway.flow import copies, meta, notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import Closing, Returned
from gateway.flow.inbound import question
from gateway.flow.invitations import invite
from gateway.flow.standing import Token

SHOWN = 20
"""How many recipients a notice names."""
_TOLD = "accounts told of the end"
"""The last account that was told that its inbox closes."""
_WAITS = (CopyState.HELD, CopyState.ASKED)
_WERE_INVITED = (State.INVITED, State.LOCKED, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Held:
    """What there is to hand back, and to tell."""

    mails: int
    recipients: int
    invitations: int
    answers: int
    accounts: int
    waiting_to_be_sent: int
    holds: int
    came_back: int
    """Mails that were handed back, and that their senders' mail server did not take."""
    may_travel: bool
    """Whether whole mails may go back by the next hop."""


def held(ctx: Context) -> Held:
    """Look, and change nothing."""
    waiting = _mail_copies(ctx)
    return Held(
        mails=len({copy.message_id for copy in waiting}),
        recipients=len(waiting),
        invitations=ctx.tx.count(Invitation, state__in=OPEN),
        answers=ctx.tx.count(Copy, state=CopyState.TO_SENDERS),
        accounts=len(_accounts_to_tell(ctx)),
        waiting_to_be_sent=ctx.tx.count(Delivery, state=DeliveryState.QUEUED),
        holds=ctx.tx.count(LegalHold, released_at=None),
        came_back=came_back(ctx),
        may_travel=ctx.site.replies_may_travel,
    )


# --------------------------------------------------------------------------------------------------------- held mail


def hand_back(ctx: Context, after: int, limit: int, practice_id: str = "") -> int:
    """Give so many held mails back to their senders, and end their copies; the last message, or 0.

    Of one practice if it is named.
    """
    found = sorted({copy.message_id for copy in _mail_copies(ctx, after)})[:limit]
    for message_id in found:
        message = ctx.tx.get(Message, message_id)
        if message and practice_id in ("", message.practice_id):
            _hand_back(ctx, message)
    return found[-1] if found else 0


def _mail_copies(ctx: Context, after: int = 0) -> list[Copy]:
    where: dict[str, Any] = {"wrapped_key__ne": None, "kept": False}
    return ctx.tx.find(Copy, order="id", message_id__gt=after, state__in=_WAITS, **where)


def _hand_back(ctx: Context, message: Message) -> None:
    waiting = [copy for copy in ctx.tx.find(Copy, message_id=message.id, state__in=_WAITS) if not copy.kept]
    sender = ctx.tx.get(Sender, message.sender_id or 0)
    if sender:
        readers = [copy.typed for copy in waiting]
        facts = Returned(readers=tuple(readers[:SHOWN]), more=len(readers[SHOWN:]), sent=_day(ctx, message))
        _return(ctx, sender, message, waiting[0], facts, holder="")
        ctx.audit(ADMINISTRATOR, Act.HANDED_BACK, f"message {message.id}")
    for copy in waiting:
        if copy.state is CopyState.ASKED:
            question.drop_reader(ctx, copy, ADMINISTRATOR)
        else:
            copies.destroy(ctx, copy)


def _return(ctx: Context, sender: Sender, message: Message, copy: Copy, facts: Returned, holder: str) -> None:
    """Queue the notice, with the whole mail in it where that may travel and can be opened."""
    to = notices.read_by(ctx, sender)
    key = _key(ctx, message, copy, holder) if _may_travel(ctx, sender, to) else b""
    facts = replace(facts, enclosed=bool(key))
    told = notices.to_sender(
        ctx, Notice.RETURNED, sender, facts, reply=Token(Purpose.SENDER, sender.id), answers=message.header_id
    )
    if key:
        wrapped = ctx.keys.wrap(key, copies.bound_to_passing(message.content_id, told.recipient))
        ctx.tx.put(replace(told, kind=DeliveryKind.RETURN, content_id=message.content_id, wrapped_key=wrapped))


def _day(ctx: Context, message: Message) -> str:
    return ctx.site.day_of(message.received_at).isoformat()


def _may_travel(ctx: Context, sender: Sender, to: str) -> bool:
    return ctx.site.replies_may_travel and address(to).domain in ctx.site.practice(sender.practice_id).domains


def _key(ctx: Context, message: Message, copy: Copy, holder: str) -> bytes:
    try:
        return copies.data_key(ctx, copy, message, holder)
    except WrongKey:
        ctx.audit("gateway", Act.COULD_NOT_OPEN, f"copy {copy.id}")
        return b""


# ------------------------------------------------------------------------------------------------------- invitations


def end_invitations(ctx: Context, after: int, limit: int, practice_id: str = "") -> int:
    """End so many open invitations for which nothing is held any more; the last of them, or 0.

    Whoever was invited is told that it is over; whoever was not never hears of it. What an invitee has answered by mail
    goes to those who wait; where it may not travel the invitation stays, and its answers on their page (`left_open`).
    """
    found = ctx.tx.find(Invitation, order="id", id__gt=after, limit=limit, **_open(practice_id))
    for invitation in found:
        answers = senders.answers(ctx, invitation)
        if not senders.held_copies(ctx, invitation) and _pass_on(ctx, invitation, answers):
            _end(ctx, invitation)
    return found[-1].id if found else 0


def left_open(ctx: Context, practice_id: str = "") -> int:
    """How many invitations stay open."""
    return ctx.tx.count(Invitation, **_open(practice_id))


def _open(practice_id: str) -> dict[str, Any]:
    return {"state__in": OPEN, **({"practice_id": practice_id} if practice_id else {})}


def came_back(ctx: Context) -> int:
    """How many mails that were handed back were not taken: they are set aside."""
    return ctx.tx.count(Delivery, kind=DeliveryKind.RETURN, state=DeliveryState.QUARANTINED)


def _pass_on(ctx: Context, invitation: Invitation, answers: Sequence[Copy]) -> bool:
    """Whether all answers could be given to everybody who waits."""
    waiting = [sender for _, sender in senders.waiting(ctx, invitation)]
    if answers and not all(_may_travel(ctx, sender, notices.read_by(ctx, sender)) for sender in waiting):
        return False
    for copy in answers:
        message = senders.message_of(ctx, copy)
        facts = Returned(readers=(), more=0, sent=_day(ctx, message), answer_of=invitation.who)
        for sender in waiting:
            _return(ctx, sender, message, copy, facts, copies.of_invitation(invitation.id))
    return True


def _end(ctx: Context, invitation: Invitation) -> None:
    was_told = invitation.state in _WERE_INVITED and not _is_still_here(ctx, invitation)
    after = invite.transition(ctx, invitation, Event.CANCEL, by=ADMINISTRATOR)
    if was_told:
        practice = ctx.site.practice(after.practice_id)
        notices.to_invitee(ctx, Notice.CLOSING, after, practice, "", Closing())


def _is_still_here(ctx: Context, invitation: Invitation) -> bool:
    """Whether the invitation has not left for its invitee yet: then it never does."""
    where: dict[str, Any] = {"invitation_id": invitation.id, "notice": Notice.INVITATION}
    return ctx.tx.count(Delivery, state=DeliveryState.QUEUED, attempts=0, **where) > 0


# ---------------------------------------------------------------------------------------------------------- accounts


def tell_accounts(ctx: Context, until: date, limit: int) -> int:
    """Tell so many people that their inbox closes after this day, each once; how many there were."""
    found = _accounts_to_tell(ctx)[:limit]
    for account in found:
        notices.to_account(ctx, Notice.CLOSING, account, "", Closing(until=until.isoformat()))
    if found:
        meta.put(ctx.tx, _TOLD, str(found[-1].id).encode())
    return len(found)


def _accounts_to_tell(ctx: Context) -> list[Account]:
    known = ctx.tx.one(Meta, name=_TOLD)
    after = int(known.value) if known else 0
    return [one for one in ctx.tx.find(Account, order="id", id__gt=after) if not one.is_erased]


def begin(ctx: Context, practice_id: str = "") -> None:
    """Record that the gateway is taken out of use, or that a practice leaves it."""
    ctx.audit(ADMINISTRATOR, Act.LEAVING, f"practice {practice_id}" if practice_id else "the gateway")
