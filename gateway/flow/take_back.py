"""What a sender takes back: mail that is held, and messages that have been delivered; and which of them were read."""

from gateway.domain.address import Address, address
from gateway.domain.model import Copy
from gateway.domain.vocabulary import OPEN, CopyState, State
from gateway.flow import invite, people, recall
from gateway.flow.ask import Ask, Result, person, result


def withdraw(ask: Ask) -> list[Result]:
    """CANCEL: the sender's held mail, and the invitation if nobody else waits."""
    found = person(ask)
    if isinstance(found, dict):
        return [found]
    invitation, waiter = found
    if invitation.state is State.ACCEPTED:
        return result(ask, "too_late", invitation)
    if invitation.state not in OPEN or waiter.withdrawn:
        return result(ask, "cancelled_already", invitation)
    mails = len(people.held_by(ask.ctx, invitation, ask.sender))
    after = invite.withdraw(ask.ctx, invitation, ask.sender)
    return result(ask, "cancelled", after, mails=mails, others=after.state in OPEN)


def recall_message(ask: Ask) -> list[Result]:
    """RECALL: a message that has been delivered; one that is still held is withdrawn, as CANCEL does."""
    who = _addressee(ask)
    if isinstance(who, dict):
        return [who]
    copy = _copy_meant(ask, who)
    facts = {"who": who.typed, "address": who.typed}
    if copy is None:
        return [{"code": "recall_nothing", **facts}]
    facts["sent"] = _sent_on(ask, copy)
    match copy.state:
        case CopyState.HELD:
            return withdraw(ask)
        case CopyState.RELAYED:
            return [{"code": "recall_gone", **facts}]
    if copy.read_at and not ask.command.reason:
        return [{"code": "recall_read", **facts}]
    recall.take_back(ask.ctx, copy, ask.command.reason, ask.sender.address)
    return [{"code": "recalled", "was_read": bool(copy.read_at), **facts}]


def _addressee(ask: Ask) -> Address | Result:
    """Whom a line about a message is about: also somebody who was never invited by this practice."""
    if ask.command.person:
        return ask.command.person
    if ask.scope.message and not ask.scope.people:
        addresses = {copy.typed for copy in ask.ctx.tx.find(Copy, message_id=ask.scope.message.id)}
        if len(addresses) == 1:
            return address(addresses.pop())
    found = person(ask)
    return found if isinstance(found, dict) else Address(found[0].address, found[0].typed)


def _copy_meant(ask: Ask, who: Address) -> Copy | None:
    """The copy of the mail that the notice was about, or the sender's latest to this person."""
    if ask.scope.message and ask.command.person is None:
        return ask.ctx.tx.one(Copy, message_id=ask.scope.message.id, address=who.key, wrapped_key__ne=None)
    return recall.latest(ask.ctx, ask.sender, who)


def _sent_on(ask: Ask, copy: Copy) -> str:
    return people.message_of(ask.ctx, copy).received_at.isoformat()


def tell_read(ask: Ask) -> list[Result]:
    """READ: which of the sender's messages have been read, if the site wants that told."""
    if not ask.ctx.site.read_receipts:
        return [{"code": "read_not_told"}]
    who = _addressee(ask) if ask.command.person or ask.scope.people else None
    if isinstance(who, dict):
        return [who]
    return [{"code": "read", "readings": recall.readings(ask.ctx, ask.sender, who)}]
