"""A secure mail on its way to its readers, within one transaction: each gets a copy, and the sender one receipt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from gateway.domain.address import Address
from gateway.domain.birthdate import Doubt
from gateway.domain.commands import read_details
from gateway.domain.decide import Action
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Sender, Waiter
from gateway.domain.site import Practice
from gateway.domain.vocabulary import CopyState, DeliveryKind, Details, Relationship, State
from gateway.flow import confirm, invite, people, release
from gateway.flow.case import Case
from gateway.flow.context import Context


class Keep(Protocol):
    """Puts a reader's copy where the decision has it."""

    def __call__(
        self, reader: Address, state: CopyState, *, account_id: int | None = None, invitation_id: int | None = None
    ) -> Copy: ...


PARTS_WITHIN = timedelta(days=1)
"""How long after one part of a mail another may come in."""


@dataclass(slots=True)
class Mailing:
    """One secure mail of one sender; `rows` and `waiters` are what its receipt says."""

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
    rows: list[dict[str, Any]] = field(default_factory=list)
    waiters: list[Waiter] = field(default_factory=list)

    @property
    def has_news(self) -> bool:
        """Whether its sender has to hear of it: somebody does not have it yet, or never will."""
        return bool(self.waiters) or any(row["outcome"] == "no_address" for row in self.rows)


def carry_out(mailing: Mailing, case: Case) -> None:
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


def _relay(mailing: Mailing, case: Case) -> None:
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
        )
    )
    mailing.rows.append({"who": reader.typed, "outcome": "relayed", "reason": case.verdict.reason.value})


def _portal(mailing: Mailing, case: Case) -> None:
    account = case.account
    assert account is not None  # noqa: S101 - or the verdict would have been another
    copy = mailing.keep(Address(account.address, account.typed), CopyState.INBOX, account_id=account.id)
    release.announce(mailing.ctx, copy, account, people.display(mailing.sender), mailing.practice.name)
    mailing.rows.append({"who": case.address.typed, "outcome": "inbox", "reason": case.verdict.reason.value})


def _hold(mailing: Mailing, case: Case) -> None:
    ctx, stranger, sender = mailing.ctx, case.address, mailing.sender
    invitation = case.latest
    joined = invitation is not None and invitation.is_open
    if invitation is None or not joined:
        name = mailing.names.get(stranger.key, "")
        invitation = invite.open_for(ctx, mailing.practice, stranger, name, before=invitation)
    waiter = people.wait_for(ctx, invitation, sender)
    mailing.keep(stranger, CopyState.HELD, invitation_id=invitation.id)
    if joined:
        invitation = invite.join(ctx, invitation, sender)
    invitation, why = _given_details(mailing, invitation)
    mailing.waiters.append(waiter)
    standing = people.standing(ctx, invitation, waiter)
    outcome = {State.AWAITING: "asking", State.INVITED: "invited"}.get(invitation.state, "resting")
    row = {**standing, "outcome": outcome, "joined": joined, "why": why, "reason": case.verdict.reason.value}
    mailing.rows.append(row)


def _nowhere(mailing: Mailing, case: Case) -> None:
    """A slip in one address must not keep the mail from the others."""
    mailing.rows.append({"who": case.recipient.typed, "outcome": "no_address", "reason": case.verdict.reason.value})


_HANDLERS: dict[Action, Callable[[Mailing, Case], None]] = {
    Action.RELAY: _relay,
    Action.PORTAL: _portal,
    Action.HOLD: _hold,
    Action.NOWHERE: _nowhere,
}


def _given_details(mailing: Mailing, invitation: Invitation) -> tuple[Invitation, str]:
    """Take the details that the mail has, where they can only mean this person; else why not. Or in which order."""
    today, order = mailing.ctx.today, mailing.practice.date_order
    details = read_details(mailing.details, today, order) if mailing.details else None
    if details is None:
        return invitation, ""
    if isinstance(details, Doubt):
        return invitation, details.value
    if details.relationship is Relationship.PATIENT and _may_mean_others(mailing, invitation.address):
        return invitation, "several"
    after, why = _take_details(mailing, invitation, details)
    by_order = after != invitation and read_details(mailing.details, today) is Doubt.AMBIGUOUS
    return after, order.value if by_order else why


def _may_mean_others(mailing: Mailing, key: str) -> bool:
    """Whether the mail has other recipients of whom a birthdate might be: people without an account."""
    ctx = mailing.ctx
    sent = [one.id for one in parts(ctx, mailing.sender, mailing.header_id, ctx.now)]
    elsewhere = {copy.address for copy in ctx.tx.find(Copy, message_id__in=sent)} if sent else set()
    others = (mailing.addressees | elsewhere) - {key, mailing.sender.address}
    return len(others) > (ctx.tx.count(Account, address__in=list(others)) if others else 0)


def _take_details(mailing: Mailing, invitation: Invitation, details: Details) -> tuple[Invitation, str]:
    ctx, sender = mailing.ctx, mailing.sender
    if not invite.may_correct(ctx, invitation, sender) or invitation.state is State.INVITED:
        return invitation, ""
    if doubt := invite.doubt(ctx, invitation, details):
        confirm.ask(ctx, sender, [f"{invitation.typed} {mailing.details}"], doubt, invitation)
        return invitation, doubt
    if invite.tries_used_up(ctx, invitation):
        return invitation, "used_up"
    return invite.give_details(ctx, invitation, sender, details), ""
