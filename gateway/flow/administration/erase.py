"""An administrator erases a person: what they have here is destroyed, and their address leaves what is only history.

Each function is a transaction. They are run in the order in which they stand, those with a limit until they say 0;
broken off, all is run again. What the person wrote to a practice, or for one, is the practice's and stays. So does the
audit: it is there to show what was done, this erasure included.
"""

from typing import Any

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.address import Address
from gateway.domain.model import Copy, Delegation, Delivery, Invitation, Message, Sender, WaitingSender
from gateway.domain.model_questions import Observation
from gateway.domain.model_records import DirectoryEntry, LegalHold, ListedPerson
from gateway.domain.vocabulary import OPEN, CopyState, DeliveryKind, DeliveryState, Notice, Purpose
from gateway.flow import copies, legal_holds, notices, senders
from gateway.flow.accounts import account as accounts
from gateway.flow.administration import invitations, people
from gateway.flow.administration.people import Person
from gateway.flow.context import Context
from gateway.flow.facts import AboutPerson
from gateway.flow.inbound import question
from gateway.flow.outbound import deliver
from gateway.flow.standing import Token
from gateway.flow.upkeep import forgetting

_WAITS = (DeliveryState.HELD, DeliveryState.QUEUED, DeliveryState.QUARANTINED)
_THEIR_WORDS = CopyState.TO_SENDERS
"""The copies that hold what the person wrote themselves."""


def hindrances(ctx: Context, one: Person) -> list[LegalHold]:
    """The legal holds that keep anything of this person's: on them, or on a practice that they have to do with."""
    messages = {copy.message_id for copy in people.all_copies(ctx, one)}
    practices = {row.practice_id for row in ctx.tx.find(Message, id__in=sorted(messages))} if messages else set()
    practices |= {row.practice_id for row in people.written(ctx, one)}
    practices |= {row.practice_id for rows in (one.invitations, one.listed, one.sends_for) for row in rows}
    return [*legal_holds.on_person(ctx, one.address), *legal_holds.on_practices(ctx, practices)]


def take_out_of_queue(ctx: Context, at: Address, after: int, limit: int) -> int:
    """Drop the mail that waits to be sent to the person, and forget to whom it was sent; where to go on, or 0.

    What tells them that their account is erased still goes.
    """
    rows = ctx.tx.find(Delivery, id__gt=after, limit=limit)
    for row in rows:
        theirs, from_them = people.is_at(at, row.recipient), people.is_at(at, row.mail_from)
        if theirs and row.state in _WAITS and row.notice is not Notice.ACCOUNT_CHANGED:
            deliver.drop(ctx, row, tell=row.kind is not DeliveryKind.NOTICE)
        now = ctx.tx.get(Delivery, row.id) if theirs or from_them else None
        if now and now.state not in _WAITS:
            forgetting.forget_mail(ctx, now, *["recipient"] * theirs, *["mail_from"] * from_them)
    return rows[-1].id if len(rows) == limit else 0


def end(ctx: Context, at: Address) -> list[LegalHold]:
    """End the person's open invitations, whose senders are told, and their account; or the holds that forbid it."""
    one = people.person(ctx, at)
    if holds := hindrances(ctx, one):
        return holds
    ctx.audit(ADMINISTRATOR, Act.ERASING_PERSON, f"person {at.key}")
    for invitation in one.invitations:
        if invitation.is_open:
            invitations.cancel(ctx, invitation.id)
    if one.account:
        accounts.erase(ctx, one.account, by=ADMINISTRATOR)
        for copy in ctx.tx.find(Copy, account_id=one.account.id):
            forgetting.forget(ctx, copy)
    return []


def destroy_copies(ctx: Context, at: Address, limit: int) -> int:
    """Destroy what else is kept for this address, delivered or not; how much there was."""
    there = ctx.tx.find(Copy, address=at.key, wrapped_key__ne=None, kept=False)
    found = [one for one in there if one.state is not _THEIR_WORDS][:limit]
    for copy in found:
        if copy.state is CopyState.ASKED:
            question.drop_reader(ctx, copy, ADMINISTRATOR)
            _tell_undelivered(ctx, copy)
            continue
        for row in ctx.tx.find(Delivery, copy_id=copy.id, state__in=_WAITS):
            deliver.drop(ctx, row, tell=True)
        left = ctx.tx.get(Copy, copy.id)
        if left and left.wrapped_key:
            copies.destroy(ctx, left)
    return len(found)


def forget(ctx: Context, at: Address) -> None:
    """Take the address off lists and out of rows that are only history."""
    for table in (ListedPerson, DirectoryEntry, Delegation, Copy, Invitation):
        for row in ctx.tx.find(table, address=at.key):
            forgetting.forget(ctx, row)
    for sender in ctx.tx.find(Sender, address=at.key):
        _forget_sender(ctx, sender)
    for seen in ctx.tx.find(Observation):
        if people.is_at(at, seen.author) or people.is_at(at, seen.recipient):
            forgetting.forget(ctx, seen)
    ctx.audit(ADMINISTRATOR, Act.ERASED_PERSON, f"person {at.key}")


def remains(ctx: Context, at: Address) -> int:
    """How many messages stay that the person wrote for a practice, with their name."""
    return sum(ctx.tx.count(Message, sender_id=sender.id) for sender in ctx.tx.find(Sender, address=at.key))


# --------------------------------------------------------------------------------------------------------------- parts


def _tell_undelivered(ctx: Context, copy: Copy) -> None:
    sender = ctx.tx.get(Sender, senders.message_of(ctx, copy).sender_id or 0)
    if sender:
        facts = AboutPerson(address=copy.typed)
        notices.to_sender(ctx, Notice.UNDELIVERABLE, sender, facts, reply=Token(Purpose.SENDER, sender.id))


def _forget_sender(ctx: Context, sender: Sender) -> None:
    """Somebody who wrote for a practice stays its sender for as long as anything that they wrote is there."""
    for delegation in ctx.tx.find(Delegation, sender_id=sender.id):
        forgetting.forget(ctx, delegation)
    waits: dict[str, Any] = {"sender_id": sender.id, "withdrawn": False}
    open_ones = [one.invitation_id for one in ctx.tx.find(WaitingSender, **waits)]
    still = open_ones and ctx.tx.count(Invitation, id__in=open_ones, state__in=OPEN)
    if not still and not ctx.tx.count(Message, sender_id=sender.id):
        forgetting.forget(ctx, sender)
