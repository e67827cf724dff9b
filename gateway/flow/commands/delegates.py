"""Who may act for whom: a sender's delegates, named by the sender in a mail or by IT in the settings."""

from dataclasses import replace

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.commands import Command
from gateway.domain.model import Delegation, Sender, WaitingSender
from gateway.domain.verbs import Verb
from gateway.flow import senders, who
from gateway.flow.context import Context
from gateway.flow.results import OwnedStanding, Result, ResultCode

MOST = 20
"""How many delegates one sender may name."""
_OF_ONES_OWN = (Verb.INVITE, Verb.DELEGATE, Verb.UNDELEGATE)
"""What names somebody whom nobody need wait for yet: who writes it means it for themselves."""


def may_act_for(ctx: Context, writer: Address, sender: Sender) -> bool:
    """Whether this address may answer what the sender is asked: a delegate, or who hears in senders' place."""
    practice = who.practice_of(ctx, writer)
    if practice is None or practice.id != sender.practice_id:
        return False
    return writer.key in practice.stand_ins or is_delegate(ctx, writer, sender)


def is_delegate(ctx: Context, writer: Address, sender: Sender) -> bool:
    """Whether this address, which writes for the sender's practice too, is one of the sender's delegates."""
    practice = who.practice_of(ctx, writer)
    if practice is None or practice.id != sender.practice_id:
        return False
    named = (writer.key, sender.address) in practice.delegates
    return named or ctx.tx.one(Delegation, sender_id=sender.id, address=writer.key) is not None


def may_write_as(ctx: Context, login: str, author: Address | None) -> bool:
    """Whether this login may hand in mail of the author: `ada@…` her own and her principals', `*@…` its domain's."""
    if author is None:
        return False
    local, _, domain = login.rpartition("@")
    if local == "*":
        return author.domain == domain
    own = Address(login, login)
    if author == own or author.key == login:
        return True
    practice = who.practice_of(ctx, author)
    sender = senders.known_sender(ctx, practice, author) if practice else None
    return sender is not None and is_delegate(ctx, own, sender)


def principals(ctx: Context, delegate: Sender) -> list[Sender]:
    """The senders whom this one may act for, in the order in which they came."""
    ids = [one.sender_id for one in ctx.tx.find(Delegation, address=delegate.address)]
    fixed = [of for one, of in ctx.site.practice(delegate.practice_id).delegates if one == delegate.address]
    named = ctx.tx.find(Sender, id__in=ids, practice_id=delegate.practice_id) if ids else []
    listed = ctx.tx.find(Sender, address__in=fixed, practice_id=delegate.practice_id) if fixed else []
    return [*{one.id: one for one in (*named, *listed) if one.id != delegate.id}.values()]


def whose(ctx: Context, sender: Sender, command: Command) -> list[Sender]:
    """On whose behalf a line is meant that this sender wrote: their own if they wait for the person, else of whom they
    are a delegate and who does. Several are to be asked which, but for a list, which is everybody's.
    """
    others = principals(ctx, sender)
    if others and command.verb is Verb.LIST:
        return [sender, *others]
    if not others or command.person is None or command.verb in _OF_ONES_OWN:
        return [sender]
    invitation = senders.latest_invitation(ctx, sender.practice_id, command.person.key)
    if invitation is None:
        return [sender]
    waits = {w.sender_id for w in ctx.tx.find(WaitingSender, invitation_id=invitation.id, withdrawn=False)}
    return [sender] if sender.id in waits else [one for one in others if one.id in waits] or [sender]


def which(ctx: Context, person: Address, owners: list[Sender]) -> Result:
    """The question for whom a line is meant: each of them has a token of their own to answer with."""
    invitation = senders.latest_invitation(ctx, owners[0].practice_id, person.key)
    assert invitation is not None  # noqa: S101 - they wait for it
    waiting_senders = {
        one.id: ctx.tx.one(WaitingSender, invitation_id=invitation.id, sender_id=one.id) for one in owners
    }
    rows = [
        OwnedStanding.of(senders.standing(ctx, invitation, waiting_senders[one.id]), owner=senders.display(one))
        for one in owners
    ]
    return Result(code=ResultCode.WHICH_SENDER, who=invitation.who, people=tuple(rows))


def marked(result: Result, owner: Sender, by: Sender | None, command: Command) -> Result:
    """A result with what it says of the sender on whose behalf somebody else wrote."""
    if by is None:
        return result
    return replace(result, behalf=senders.display(owner), owner=owner.id, changed=command.changes)


def actor(owner: Sender, by: Sender | None) -> str:
    """Who did it, as the audit has it."""
    return f"{by.address} for {owner.address}" if by else owner.address


# ---------------------------------------------------------------------------------------------------------- the verbs


def delegate(ctx: Context, sender: Sender, by: Sender | None, named: Address | None) -> list[Result]:
    """DELEGATE: name somebody of the same practice; without an address, who may act for me and I for whom."""
    if named is None:
        return [_listed(ctx, sender, ResultCode.DELEGATES)]
    if by is not None:
        return [Result(code=ResultCode.ONLY_ONESELF, who=named.typed)]
    practice = who.practice_of(ctx, named)
    if practice is None or practice.id != sender.practice_id or named.key == sender.address:
        return [Result(code=ResultCode.NO_DELEGATE, who=named.typed)]
    if is_delegate(ctx, named, sender):
        return [_listed(ctx, sender, ResultCode.DELEGATES, named.typed)]
    if ctx.tx.count(Delegation, sender_id=sender.id) >= MOST:
        return [_listed(ctx, sender, ResultCode.TOO_MANY_DELEGATES, named.typed)]
    ctx.tx.add(Delegation(sender_id=sender.id, address=named.key, typed=named.typed, since=ctx.now))
    ctx.audit(sender.address, Act.DELEGATED, named.key)
    return [_listed(ctx, sender, ResultCode.DELEGATED, named.typed)]


def undelegate(ctx: Context, sender: Sender, by: Sender | None, named: Address | None) -> list[Result]:
    """UNDELEGATE: nothing more of theirs is done in my name; what they have done stands."""
    if named is None:
        return [_listed(ctx, sender, ResultCode.DELEGATES)]
    if by is not None and by.address != named.key:
        return [Result(code=ResultCode.ONLY_ONESELF, who=named.typed)]
    ended = ctx.tx.remove(Delegation, sender_id=sender.id, address=named.key)
    if ended:
        ctx.audit(actor(sender, by), Act.UNDELEGATED, named.key)
    if (named.key, sender.address) in ctx.site.practice(sender.practice_id).delegates:
        return [Result(code=ResultCode.FIXED_DELEGATE, who=named.typed)]
    return [_listed(ctx, sender, ResultCode.UNDELEGATED if ended else ResultCode.NO_SUCH_DELEGATE, named.typed)]


def _listed(ctx: Context, sender: Sender, code: ResultCode, who: str = "") -> Result:
    named = [one.typed for one in ctx.tx.find(Delegation, sender_id=sender.id)]
    fixed = [one for one, of in ctx.site.practice(sender.practice_id).delegates if of == sender.address]
    own = tuple(senders.display(one) for one in principals(ctx, sender))
    return Result(code=code, who=who, delegates=(*named, *fixed), principals=own)
