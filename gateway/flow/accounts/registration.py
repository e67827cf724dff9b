"""An invitee proves who they are, and gets an account; an account answers another practice's question."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from gateway.domain import tries
from gateway.domain.acts import Act
from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, AddressChange, Invitation
from gateway.domain.timetable import last_day
from gateway.domain.vocabulary import Purpose, Relationship, State
from gateway.flow import senders
from gateway.flow.context import Context
from gateway.flow.invitations import invite


@dataclass(frozen=True, slots=True)
class Welcome:
    """What an invitation's page may say. `tries_left` is None where no birthdate is asked."""

    invitation_id: int
    practice_id: str
    practice: str
    inviters: tuple[str, ...]
    relationship: Relationship
    name: str
    address: str
    until: date
    tries_left: int | None
    has_account: bool


@dataclass(frozen=True, slots=True)
class Used:
    """An invitation that was accepted by registering: whose account it became."""

    invitation_id: int
    account: Account
    relationship: Relationship


@dataclass(frozen=True, slots=True)
class Proof:
    """What the invitee says to show who they are: the field that their relationship asks for, the others empty."""

    birthdate: date | None = None
    organisation: bool = False
    practice_name: str = ""
    practice_phone: str = ""
    practice_address: str = ""


class Check(StrEnum):
    """What became of a proof."""

    RIGHT = "right"
    WRONG = "wrong"
    """not right; some tries are left"""
    LOCKED = "locked"
    """not right, and that was the last try"""
    DEAD = "dead"
    """there is nothing to prove any more"""


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to a proof; `tries_left` counts wrong birthdates that may still be given."""

    check: Check
    tries_left: int = 0


def find(ctx: Context, token: str) -> Invitation | None:
    """The invitation that this link opens now; None for every dead link alike."""
    invitation = _of(ctx, token)
    return invitation if invitation and invitation.state is State.INVITED else None


def used(ctx: Context, token: str) -> Used | None:
    """What became of an invitation whose newest link this is, once its invitee has registered; changes nothing."""
    invitation = _of(ctx, token)
    if invitation is None or invitation.state is not State.ACCEPTED or invitation.account_id is None:
        return None
    account = ctx.tx.get(Account, invitation.account_id)
    relationship = invitation.relationship or Relationship.COLLEAGUE_ELSEWHERE
    return Used(invitation.id, account, relationship) if account else None


def _of(ctx: Context, token: str) -> Invitation | None:
    return ctx.opened(token, Purpose.INVITE, Invitation, lambda invitation: (invitation.generation,))


def look(ctx: Context, token: str) -> Welcome | None:
    """What the link's page shows; changes nothing."""
    invitation = find(ctx, token)
    return _welcome(ctx, invitation) if invitation else None


def check(ctx: Context, token: str, proof: Proof) -> Checked:
    """Check a proof without registering; a wrong birthdate is counted, and that somebody has begun is noted."""
    invitation = find(ctx, token)
    if invitation is None:
        return Checked(Check.DEAD)
    # Whoever fills in a form blindly says at which practice they work, but knows no birthdate and chooses nothing.
    is_begun = proof.birthdate is not None or proof.organisation
    if is_begun and invitation.opened_at is None:
        invitation = ctx.tx.put(replace(invitation, opened_at=ctx.now))
    return _check(ctx, invitation, proof)


def register(ctx: Context, token: str, proof: Proof, name: str, password_hash: str) -> Account | None:
    """Make the account, accept the invitation and release what was held; None if the link died or the proof fails.

    The proof is looked at again, and a wrong birthdate is counted as by `check`: none is compared for nothing.
    """
    invitation = find(ctx, token)
    if invitation is None:
        return None
    if ctx.tx.one(Account, address=invitation.address):
        return None
    if _check(ctx, invitation, proof).check is not Check.RIGHT:
        return None
    practice = ctx.site.practice(invitation.practice_id)
    account = ctx.tx.add(
        Account(
            address=invitation.address,
            typed=invitation.typed,
            name=name,
            password_hash=password_hash,
            practice_name=proof.practice_name,
            practice_phone=proof.practice_phone,
            practice_address=proof.practice_address,
            language=practice.language,
            created_at=ctx.now,
        )
    )
    ctx.audit(account.address, Act.REGISTERED, f"account {account.id}")
    _accept(ctx, invitation, account)
    return account


# -------------------------------------------------------------------------------------- questions inside an account


def questions(ctx: Context, account: Account) -> list[Welcome]:
    """What other practices still ask of somebody who is registered already."""
    return [_welcome(ctx, invitation) for invitation in _asked_of(ctx, account)]


def question(ctx: Context, account: Account, invitation_id: int) -> Welcome | None:
    """One of the account's open questions."""
    return next((asked for asked in questions(ctx, account) if asked.invitation_id == invitation_id), None)


def answer(ctx: Context, account: Account, invitation_id: int, proof: Proof) -> Checked:
    """Answer an open question; the right answer releases that practice's held mail, and only that."""
    invitation = next((one for one in _asked_of(ctx, account) if one.id == invitation_id), None)
    if invitation is None:
        return Checked(Check.DEAD)
    checked = _check(ctx, invitation, proof)
    if checked.check is Check.RIGHT:
        _accept(ctx, invitation, account)
        if proof.practice_name:
            ctx.tx.put(
                replace(
                    account,
                    practice_name=proof.practice_name,
                    practice_phone=proof.practice_phone,
                    practice_address=proof.practice_address,
                )
            )
    return checked


# ------------------------------------------------------------------------------------------------------------ parts


def _asked_of(ctx: Context, account: Account) -> list[Invitation]:
    """The open invitations of the account's address, and those that had come to an earlier one before it changed.

    They stay where the practice sent them, so that nobody learns of the new address. An address that has an account of
    its own again is somebody's who answers for it.
    """
    asked = {one.id: one for one in ctx.tx.find(Invitation, address=account.address, state=State.INVITED)}
    for change in ctx.tx.find(AddressChange, account_id=account.id):
        if change.done_at is None or change.stopped_at or ctx.tx.one(Account, address=change.old_address):
            continue
        there = ctx.tx.find(Invitation, address=change.old_address, state=State.INVITED)
        asked |= {one.id: one for one in there if one.created_at <= change.done_at}
    return list(asked.values())


def _welcome(ctx: Context, invitation: Invitation) -> Welcome:
    rhythm = ctx.site.rhythm
    is_patient = invitation.relationship is Relationship.PATIENT
    return Welcome(
        invitation_id=invitation.id,
        practice_id=invitation.practice_id,
        practice=ctx.site.practice(invitation.practice_id).name,
        inviters=tuple(senders.display(sender) for _, sender in senders.waiting(ctx, invitation)),
        relationship=invitation.relationship or Relationship.COLLEAGUE_ELSEWHERE,
        name=invitation.name,
        address=invitation.typed,
        until=last_day(State.INVITED, invitation.schedule_start, rhythm, invitation.extended_to) or ctx.today,
        tries_left=tries.left(invitation, rhythm) if is_patient else None,
        has_account=ctx.tx.one(Account, address=invitation.address) is not None,
    )


def _proves(ctx: Context, invitation: Invitation, proof: Proof) -> bool:
    match invitation.relationship:
        case Relationship.PATIENT:
            given = proof.birthdate
            return given is not None and ctx.is_birthdate(invitation.id, invitation.birthdate_digest, given)
        case Relationship.COLLEAGUE_HERE:
            return proof.organisation
        case _:
            return bool(proof.practice_name)


def _check(ctx: Context, invitation: Invitation, proof: Proof) -> Checked:
    """The one place where a proof is compared; whatever birthdate it compares in vain is counted."""
    left = tries.left(invitation, ctx.site.rhythm)
    by_date = invitation.relationship is Relationship.PATIENT
    if (left or not by_date) and _proves(ctx, invitation, proof):
        return Checked(Check.RIGHT, left)
    if not by_date or proof.birthdate is None:
        return Checked(Check.WRONG, left)  # an unread date is not a try
    event = Event.WRONG_BIRTHDATE if left > 1 else Event.LAST_WRONG_BIRTHDATE
    invite.transition(ctx, invitation, event, by=invitation.address)
    return Checked(Check.WRONG, left - 1) if left > 1 else Checked(Check.LOCKED)


def _accept(ctx: Context, invitation: Invitation, account: Account) -> None:
    invite.transition(ctx, invitation, Event.ACCEPT, by=account.address, account_id=account.id)
