"""A secure mail on its way to its readers, within one transaction: each gets a copy, and the sender one receipt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from gateway.domain.address import Address
from gateway.domain.birthdate import Doubt
from gateway.domain.commands import read, read_details
from gateway.domain.decide import Action
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Sender, WaitingSender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import CopyState, DeliveryKind, Details, Relationship, State
from gateway.flow import confirmations, senders, who
from gateway.flow.context import Context
from gateway.flow.facts import Outcome, ReceiptRow
from gateway.flow.inbound.recipient_case import RecipientCase
from gateway.flow.inbox import messages
from gateway.flow.invitations import invite
from gateway.flow.standing import Why


class Keep(Protocol):
    """Puts a reader's copy where the decision has it."""

    def __call__(
        self, reader: Address, state: CopyState, *, account_id: int | None = None, invitation_id: int | None = None
    ) -> Copy: ...


PARTS_WITHIN = timedelta(days=1)
"""How long after one part of a mail another may come in."""


@dataclass(slots=True)
class Mailing:
    """One secure mail of one sender; `rows` and `waiting_senders` are what its receipt says."""

    ctx: Context
    practice: Practice
    sender: Sender
    header_id: str
    """The Message-ID that its sender knows it by."""
    details: str
    """What it says of its recipient, as typed."""
    names: Mapping[str, str]
    """How it names its visible recipients, by address."""
    addressees: frozenset[str]
    """Keys of all whom it names or was sent to."""
    keep: Keep
    rows: list[ReceiptRow] = field(default_factory=list)
    waiting_senders: list[WaitingSender] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        """Whether its sender has to hear of it: somebody does not have it yet, or never will."""
        return bool(self.waiting_senders) or any(row.outcome is Outcome.NO_ADDRESS for row in self.rows)


def carry_out(mailing: Mailing, case: RecipientCase) -> None:
    """Do for one reader what was decided."""
    _HANDLERS[case.verdict.action](mailing, case)


def parts(ctx: Context, sender: Sender, header_id: str, at: datetime) -> list[Message]:
    """The messages that one mail became, since its server handed it in several times around this instant.

    Much earlier and later ones are others: some programs write the same Message-ID for ever.
    """
    if not header_id:
        return []
    around: dict[str, Any] = {"received_at__gt": at - PARTS_WITHIN, "received_at__lt": at + PARTS_WITHIN}
    return ctx.tx.find(Message, header_id=header_id, sender_id=sender.id, **around)


def _relay(mailing: Mailing, case: RecipientCase) -> None:
    ctx, reader = mailing.ctx, case.address
    copy = mailing.keep(reader, CopyState.RELAYED)
    ctx.tx.add(
        Delivery(
            kind=DeliveryKind.RELAY,
            hop=reader.domain,
            recipient=reader.typed,
            copy_id=copy.id,
            created_at=ctx.now,
            due_at=ctx.now,
            queue_id=ctx.queue_id,
        )
    )
    mailing.rows.append(ReceiptRow(who=reader.typed, outcome=Outcome.RELAYED, reason=case.verdict.reason.value))


def _portal(mailing: Mailing, case: RecipientCase) -> None:
    account = case.account
    assert account is not None  # noqa: S101 - or the verdict would have been another
    copy = mailing.keep(Address(account.address, account.typed), CopyState.INBOX, account_id=account.id)
    messages.announce(mailing.ctx, copy, account, senders.display(mailing.sender), mailing.practice.name)
    mailing.rows.append(ReceiptRow(who=case.address.typed, outcome=Outcome.INBOX, reason=case.verdict.reason.value))


def _hold(mailing: Mailing, case: RecipientCase) -> None:
    ctx, stranger, sender = mailing.ctx, case.address, mailing.sender
    invitation = case.latest
    joined = invitation is not None and invitation.is_open
    if invitation is None or not joined:
        name = mailing.names.get(stranger.key, "")
        invitation = invite.open_for(ctx, mailing.practice, stranger, name, before=invitation)
    waiting_sender = (senders.wait_for if joined else senders.wait_first)(ctx, invitation, sender)
    mailing.keep(stranger, CopyState.HELD, invitation_id=invitation.id)
    if joined:
        invitation = invite.join(ctx, invitation, sender)
    invitation, why = _given_details(mailing, invitation)
    mailing.waiting_senders.append(waiting_sender)
    standing = senders.standing(ctx, invitation, waiting_sender)
    outcome = _OUTCOMES.get(invitation.state, Outcome.RESTING)
    row = ReceiptRow.of(standing, outcome=outcome, joined=joined, why=why, reason=case.verdict.reason.value)
    mailing.rows.append(row)


_OUTCOMES = {State.AWAITING: Outcome.ASKING, State.INVITED: Outcome.INVITED}


def _nowhere(mailing: Mailing, case: RecipientCase) -> None:
    """A slip in one address must not keep the mail from the others."""
    mailing.rows.append(
        ReceiptRow(who=case.recipient.typed, outcome=Outcome.NO_ADDRESS, reason=case.verdict.reason.value)
    )


_HANDLERS: dict[Action, Callable[[Mailing, RecipientCase], None]] = {
    Action.RELAY: _relay,
    Action.PORTAL: _portal,
    Action.HOLD: _hold,
    Action.NOWHERE: _nowhere,
}


def _given_details(mailing: Mailing, invitation: Invitation) -> tuple[Invitation, Why]:
    """Take the details that the mail has, where they can only mean this person; else why not. Or in which order."""
    today, order = mailing.ctx.today, mailing.practice.date_order
    details = read_details(mailing.details, today, order) if mailing.details else None
    if details is None:
        return _listed_details(mailing, invitation), Why.NONE
    if isinstance(details, Doubt):
        return invitation, Why(details.value)
    if details.relationship is Relationship.PATIENT and _may_mean_others(mailing, invitation.address):
        return invitation, Why.SEVERAL
    after, why = _take_details(mailing, invitation, details)
    by_order = after != invitation and read_details(mailing.details, today) is Doubt.AMBIGUOUS
    return after, Why(order.value) if by_order else why


def _listed_details(mailing: Mailing, invitation: Invitation) -> Invitation:
    """Of a colleague at the sender's own practice, whom a list or the directory names, nothing has to be asked."""
    reader = Address(invitation.address, invitation.typed)
    role = who.role_at(mailing.ctx, mailing.practice, reader) if invitation.state is State.AWAITING else None
    if role is None:
        return invitation
    return invite.give_details(mailing.ctx, invitation, mailing.sender, Details(Relationship.COLLEAGUE_HERE, role))


def _may_mean_others(mailing: Mailing, key: str) -> bool:
    """Whether the mail has other recipients of whom a birthdate might be: people without an account."""
    ctx = mailing.ctx
    sent = [one.id for one in parts(ctx, mailing.sender, mailing.header_id, ctx.now)]
    elsewhere = {copy.address for copy in ctx.tx.find(Copy, message_id__in=sent)} if sent else set()
    others = (mailing.addressees | elsewhere) - {key, mailing.sender.address}
    return len(others) > (ctx.tx.count(Account, address__in=list(others)) if others else 0)


def _take_details(mailing: Mailing, invitation: Invitation, details: Details) -> tuple[Invitation, Why]:
    ctx, sender = mailing.ctx, mailing.sender
    if not invite.may_correct(ctx, invitation, sender) or invitation.state is State.INVITED:
        return invitation, Why.NONE
    if doubt := invite.doubt(ctx, invitation, details):
        lines = read([f"{invitation.typed} {mailing.details}"], ctx.today, mailing.practice.date_order)
        confirmations.ask(ctx, sender, lines, doubt, invitation)
        return invitation, doubt
    if invite.tries_used_up(ctx, invitation):
        return invitation, Why.USED_UP
    return invite.give_details(ctx, invitation, sender, details), Why.NONE
