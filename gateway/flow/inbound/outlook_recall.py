"""Outlook's recall of a secure mail: each recipient's copy is taken back, and its sender told what became of it."""

from dataclasses import dataclass, replace

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.model import Copy, Invitation, Sender
from gateway.domain.vocabulary import CopyState, Notice, Purpose
from gateway.errors import WrongKey
from gateway.flow import copies, notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import Transcript
from gateway.flow.inbox import recall
from gateway.flow.invitations import invite
from gateway.flow.results import Result, ResultCode
from gateway.flow.standing import Token

_THERE = (CopyState.HELD, CopyState.INBOX, CopyState.RELAYED, CopyState.ASKED)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Whom the recall was sent to, and their copy of the mail that it names; None if there is none."""

    who: Address
    copy: Copy | None


def named(ctx: Context, sender: Sender, who: Address, subject: str) -> Copy | None:
    """The sender's latest mail to this person with this subject."""
    found = recall.sent_to(ctx, sender, who, _THERE)
    return next((copy for copy in found if _subject(ctx, copy).casefold() == subject.casefold()), None)


def take_back(ctx: Context, sender: Sender, recalled: list[Recalled], header_id: str) -> None:
    """Take back what can be, and tell the sender."""
    results = [_taken_back(ctx, sender, one) for one in recalled]
    facts = Transcript(results=tuple(results), sender_page=senders.page_token(ctx, Purpose.SENDER_PAGE, sender.id))
    reply = Token(Purpose.SENDER, sender.id)
    notices.to_sender(ctx, Notice.TRANSCRIPT, sender, facts, reply=reply, answers=header_id)


def _taken_back(ctx: Context, sender: Sender, one: Recalled) -> Result:
    told = Result(
        code=ResultCode.RECALL_NOTHING, who=one.who.typed, address=one.who.typed, line=f"{one.who.typed} RECALL"
    )
    copy = one.copy
    if copy is None:
        return told
    told = replace(told, sent=senders.message_of(ctx, copy).received_at.isoformat())
    match copy.state:
        case CopyState.RELAYED:
            return replace(told, code=ResultCode.RECALL_GONE)
        case CopyState.INBOX if copy.read_at:
            return replace(told, code=ResultCode.RECALL_READ)
        case CopyState.HELD:
            _withdraw(ctx, sender, copy)
        case CopyState.INBOX:
            recall.take_back(ctx, copy, "", sender.address)
        case _:
            copies.destroy(ctx, copy)
    return replace(told, code=ResultCode.RECALLED)


def _withdraw(ctx: Context, sender: Sender, copy: Copy) -> None:
    """A mail that is still held; the last of the sender's takes their part in the invitation with it."""
    invitation = ctx.tx.get(Invitation, copy.invitation_id or 0)
    if invitation and [one.id for one in senders.held_by(ctx, invitation, sender)] == [copy.id]:
        invite.withdraw(ctx, invitation, sender)
    else:
        ctx.audit(sender.address, Act.RECALLED, f"copy {copy.id}", "held")
        copies.destroy(ctx, copy)


def _subject(ctx: Context, copy: Copy) -> str:
    message = senders.message_of(ctx, copy)
    try:
        return ctx.keys.open_under(copies.data_key(ctx, copy, message), message.subject).decode()
    except WrongKey:
        return ""
