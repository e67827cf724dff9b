"""What a sender takes back: mail that is held, and messages that have been delivered; and which of them were read."""

from dataclasses import replace

from gateway.domain.address import Address, address
from gateway.domain.model import Copy
from gateway.domain.vocabulary import OPEN, CopyState, State
from gateway.flow import senders
from gateway.flow.commands.command_call import CommandCall, person, result
from gateway.flow.inbox import recall
from gateway.flow.invitations import invite
from gateway.flow.results import Result, ResultCode


def withdraw(call: CommandCall) -> list[Result]:
    """CANCEL: the sender's held mail, and the invitation if nobody else waits."""
    found = person(call)
    if isinstance(found, Result):
        return [found]
    invitation, waiting_sender = found
    if invitation.state is State.ACCEPTED:
        return result(call, ResultCode.TOO_LATE, invitation)
    if invitation.state not in OPEN or waiting_sender.withdrawn:
        return result(call, ResultCode.CANCELLED_ALREADY, invitation)
    mails = len(senders.held_by(call.ctx, invitation, call.sender))
    after = invite.withdraw(call.ctx, invitation, call.sender)
    return result(call, ResultCode.CANCELLED, after, mails=mails, others=after.state in OPEN)


def recall_message(call: CommandCall) -> list[Result]:
    """RECALL: a message that has been delivered; one that is still held is withdrawn, as CANCEL does."""
    who = _addressee(call)
    if isinstance(who, Result):
        return [who]
    copy = _copy_meant(call, who)
    told = Result(code=ResultCode.RECALL_NOTHING, who=who.typed, address=who.typed)
    if copy is None:
        return [told]
    told = replace(told, sent=_sent_on(call, copy))
    match copy.state:
        case CopyState.HELD:
            return withdraw(call)
        case CopyState.RELAYED:
            return [replace(told, code=ResultCode.RECALL_GONE)]
    if copy.read_at and not call.command.reason:
        return [replace(told, code=ResultCode.RECALL_READ)]
    recall.take_back(call.ctx, copy, call.command.reason, call.sender.address)
    return [replace(told, code=ResultCode.RECALLED, was_read=bool(copy.read_at))]


def _addressee(call: CommandCall) -> Address | Result:
    """Whom a line about a message is about: also somebody who was never invited by this practice."""
    if call.command.person:
        return call.command.person
    if call.scope.message and not call.scope.people:
        addresses = {copy.typed for copy in call.ctx.tx.find(Copy, message_id=call.scope.message.id)}
        if len(addresses) == 1:
            return address(addresses.pop())
    found = person(call)
    return found if isinstance(found, Result) else Address(found[0].address, found[0].typed)


def _copy_meant(call: CommandCall, who: Address) -> Copy | None:
    """The copy of the mail that the notice was about, or the sender's latest to this person."""
    if call.scope.message and call.command.person is None:
        return call.ctx.tx.one(
            Copy, message_id=call.scope.message.id, address=who.key, wrapped_key__ne=None, kept=False
        )
    return recall.latest(call.ctx, call.sender, who)


def _sent_on(call: CommandCall, copy: Copy) -> str:
    return senders.message_of(call.ctx, copy).received_at.isoformat()


def tell_read(call: CommandCall) -> list[Result]:
    """READ: which of the sender's messages have been read, if the site wants that told."""
    if not call.ctx.site.read_receipts:
        return [Result(code=ResultCode.READ_NOT_TOLD)]
    who = _addressee(call) if call.command.person or call.scope.people else None
    if isinstance(who, Result):
        return [who]
    return [Result(code=ResultCode.READ, readings=tuple(recall.readings(call.ctx, call.sender, who)))]
