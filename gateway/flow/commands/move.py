"""A sender's held mail moves to another address of the same person: the first one was wrong, or is dead."""

from dataclasses import dataclass, replace

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, Copy, Invitation, Sender
from gateway.flow import copies, legal_holds, senders
from gateway.flow.context import Context
from gateway.flow.inbox import messages
from gateway.flow.invitations import invite


@dataclass(frozen=True, slots=True)
class Moved:
    """The invitation with which the mail waits now; or the one that it has left, where it is `in_inbox`."""

    invitation: Invitation
    in_inbox: bool = False


def readdress(ctx: Context, invitation: Invitation, sender: Sender, to: Address) -> Moved | None:
    """Move what this sender waits for to the new address; None where it cannot go there.

    Whoever has an account at the new address has the mail in their inbox at once; an invitation of the new address is
    joined. Else the invitation itself moves, with its details, a new link and a new day 0; but while other senders wait
    at the old address, theirs stays, and the mover is asked anew who the person is. Wrong birthdates of earlier
    invitations to the new address still count.
    """
    if to.key == invitation.address or to.domain == ctx.site.domain or not invite.can(invitation, Event.MOVED):
        return None
    account = ctx.tx.one(Account, address=to.key)
    if account:
        _release_to(ctx, invitation, sender, account)
        return Moved(invite.withdraw(ctx, invitation, sender), in_inbox=True)
    standing = senders.latest_invitation(ctx, invitation.practice_id, to.key)
    alone = all(other.id == sender.id for _, other in senders.waiting(ctx, invitation))
    if alone and not (standing and standing.is_open):
        return _move_whole(ctx, invitation, sender, to, standing)
    if standing is None or not standing.is_open:
        practice = ctx.site.practice(invitation.practice_id)
        standing = invite.open_for(ctx, practice, to, invitation.name, before=standing)
    senders.wait_for(ctx, standing, sender)
    standing = invite.join(ctx, standing, sender)
    for copy in senders.held_by(ctx, invitation, sender):
        _rebind(ctx, copy, invitation, to, invitation_id=standing.id)
    invite.withdraw(ctx, invitation, sender)
    return Moved(standing)


def _move_whole(
    ctx: Context, invitation: Invitation, sender: Sender, to: Address, ended: Invitation | None
) -> Moved | None:
    """`ended` is the latest invitation of the new address, which is over."""
    tried = invitation.wrong_birthdates_before + (
        ended.wrong_birthdates_before + ended.wrong_birthdates if ended else 0
    )
    whole = replace(invitation, wrong_birthdates_before=tried)
    if invite.tries_used_up(ctx, whole):
        return None
    for copy in senders.held_copies(ctx, whole):
        _rebind(ctx, copy, invitation, to, invitation_id=whole.id)
    return Moved(invite.transition(ctx, whole, Event.MOVED, by=sender.address, address=to.key, typed=to.typed))


def _release_to(ctx: Context, invitation: Invitation, sender: Sender, account: Account) -> None:
    practice = ctx.site.practice(invitation.practice_id)
    for copy in senders.held_by(ctx, invitation, sender):
        moved = _rebind(ctx, copy, invitation, Address(account.address, account.typed), invitation_id=None)
        released = copies.release(ctx, moved, account.id, held_for=account.address)
        messages.announce(ctx, released, account, senders.display(sender), practice.name)


def _rebind(ctx: Context, copy: Copy, before: Invitation, to: Address, *, invitation_id: int | None) -> Copy:
    """The same copy for another address: what wraps its key is bound to whom it is for."""
    wrapped = copies.hand_over(ctx, copy, copies.at_address(before.address), copies.at_address(to.key))
    ctx.audit("gateway", Act.MOVED, f"copy {copy.id}")
    legal_holds.follow(ctx, before.address, to.key)
    return ctx.tx.put(replace(copy, address=to.key, typed=to.typed, wrapped_key=wrapped, invitation_id=invitation_id))
