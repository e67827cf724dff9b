"""Who may act for whom: a sender's delegates, named by the sender in a mail or by IT in the settings."""

from typing import Any

from gateway.domain.address import Address
from gateway.domain.commands import Command, Verb
from gateway.domain.model import Delegation, Sender, Waiter
from gateway.flow import people
from gateway.flow.context import Context

MOST = 20
"""How many delegates one sender may name."""
_OF_ONES_OWN = (Verb.INVITE, Verb.DELEGATE, Verb.UNDELEGATE)
"""What names somebody whom nobody need wait for yet: who writes it means it for themselves."""

Result = dict[str, Any]


def may_act_for(ctx: Context, who: Address, sender: Sender) -> bool:
    """Whether this address may answer what the sender is asked: a delegate, or who hears in senders' place."""
    practice = ctx.site.practice_of(who)
    if practice is None or practice.id != sender.practice_id:
        return False
    return who.key in practice.stand_ins or is_delegate(ctx, who, sender)


def is_delegate(ctx: Context, who: Address, sender: Sender) -> bool:
    """Whether this address, which writes for the sender's practice too, is one of the sender's delegates."""
    practice = ctx.site.practice_of(who)
    if practice is None or practice.id != sender.practice_id:
        return False
    named = (who.key, sender.address) in practice.delegates
    return named or ctx.tx.one(Delegation, sender_id=sender.id, address=who.key) is not None


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
    practice = ctx.site.practice_of(author)
    sender = ctx.tx.one(Sender, address=author.key, practice_id=practice.id) if practice else None
    return sender is not None and is_delegate(ctx, own, sender)


def principals(ctx: Context, who: Sender) -> list[Sender]:
    """The senders whom this one may act for, in the order in which they came."""
    ids = [one.sender_id for one in ctx.tx.find(Delegation, address=who.address)]
    fixed = [of for one, of in ctx.site.practice(who.practice_id).delegates if one == who.address]
    named = ctx.tx.find(Sender, id__in=ids, practice_id=who.practice_id) if ids else []
    listed = ctx.tx.find(Sender, address__in=fixed, practice_id=who.practice_id) if fixed else []
    return [*{one.id: one for one in (*named, *listed) if one.id != who.id}.values()]


def whose(ctx: Context, sender: Sender, command: Command) -> list[Sender]:
    """On whose behalf a line is meant that this sender wrote: their own if they wait for the person, else of whom they
    are a delegate and who does. Several are to be asked which, but for a list, which is everybody's.
    """
    others = principals(ctx, sender)
    if others and command.verb is Verb.LIST:
        return [sender, *others]
    if not others or command.person is None or command.verb in _OF_ONES_OWN:
        return [sender]
    invitation = people.latest_invitation(ctx, sender.practice_id, command.person.key)
    if invitation is None:
        return [sender]
    waits = {w.sender_id for w in ctx.tx.find(Waiter, invitation_id=invitation.id, withdrawn=False)}
    return [sender] if sender.id in waits else [one for one in others if one.id in waits] or [sender]


def which(ctx: Context, person: Address, senders: list[Sender]) -> Result:
    """The question for whom a line is meant: each of them has a token of their own to answer with."""
    invitation = people.latest_invitation(ctx, senders[0].practice_id, person.key)
    assert invitation is not None  # noqa: S101 - they wait for it
    waiters = {one.id: ctx.tx.one(Waiter, invitation_id=invitation.id, sender_id=one.id) for one in senders}
    rows = [{**people.standing(ctx, invitation, waiters[one.id]), "of": people.display(one)} for one in senders]
    return {"code": "which_sender", "who": invitation.who, "people": rows}


def marked(owner: Sender, by: Sender | None, command: Command) -> Result:
    """What a result says of the sender on whose behalf somebody else wrote."""
    return {"behalf": people.display(owner), "owner": owner.id, "changed": command.changes} if by else {}


def actor(owner: Sender, by: Sender | None) -> str:
    """Who did it, as the audit has it."""
    return f"{by.address} for {owner.address}" if by else owner.address


# ---------------------------------------------------------------------------------------------------------- the verbs


def delegate(ctx: Context, sender: Sender, by: Sender | None, named: Address | None) -> list[Result]:
    """DELEGATE: name somebody of the same practice; without an address, who may act for me and I for whom."""
    if named is None:
        return [{"code": "delegates", "who": "", **_list(ctx, sender)}]
    if by is not None:
        return [{"code": "only_oneself", "who": named.typed}]
    practice = ctx.site.practice_of(named)
    if practice is None or practice.id != sender.practice_id or named.key == sender.address:
        return [{"code": "no_delegate", "who": named.typed}]
    if is_delegate(ctx, named, sender):
        return [{"code": "delegates", "who": named.typed, **_list(ctx, sender)}]
    if ctx.tx.count(Delegation, sender_id=sender.id) >= MOST:
        return [{"code": "too_many_delegates", "who": named.typed, **_list(ctx, sender)}]
    ctx.tx.add(Delegation(sender_id=sender.id, address=named.key, typed=named.typed, since=ctx.now))
    return [{"code": "delegated", "who": named.typed, **_list(ctx, sender)}]


def undelegate(ctx: Context, sender: Sender, by: Sender | None, named: Address | None) -> list[Result]:
    """UNDELEGATE: nothing more of theirs is done in my name; what they have done stands."""
    if named is None:
        return [{"code": "delegates", "who": "", **_list(ctx, sender)}]
    if by is not None and by.address != named.key:
        return [{"code": "only_oneself", "who": named.typed}]
    ended = ctx.tx.remove(Delegation, sender_id=sender.id, address=named.key)
    if (named.key, sender.address) in ctx.site.practice(sender.practice_id).delegates:
        return [{"code": "fixed_delegate", "who": named.typed}]
    return [{"code": "undelegated" if ended else "no_such_delegate", "who": named.typed, **_list(ctx, sender)}]


def _list(ctx: Context, sender: Sender) -> Result:
    named = [one.typed for one in ctx.tx.find(Delegation, sender_id=sender.id)]
    fixed = [one for one, of in ctx.site.practice(sender.practice_id).delegates if of == sender.address]
    return {"delegates": [*named, *fixed], "principals": [people.display(one) for one in principals(ctx, sender)]}
