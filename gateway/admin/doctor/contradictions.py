"""What a row says that cannot be: each finding with whom it concerns."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.admin.doctor.findings import Finding, Harm
from gateway.admin.doctor.patient import Patient
from gateway.domain.address import address
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Meta, Sender
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState, Relationship, State
from gateway.errors import BadAddress
from gateway.flow.accounts.account import is_erased
from gateway.flow.invitations import invite
from gateway.flow.outbound.deliver import LEASE
from gateway.flow.upkeep.forgetting import NOBODY
from gateway.prepare import CALENDAR, calendar
from gateway.store.models import table_name

LIVING = (
    *(CopyState.HELD, CopyState.ASKED, CopyState.INBOX),
    *(CopyState.RELAYED, CopyState.SENT, CopyState.TO_SENDERS),
)
"""The states in which a copy has a key."""
SLACK = timedelta(minutes=5)
AGAIN = "have it sent again"
INSTANTS = ("alive", "timed work", "last backup", "current key since", "links dead before")
"""The database's notes that begin with an instant."""


def is_address(text: str) -> bool:
    try:
        return "@" in text and bool(address(text))
    except BadAddress:
        return False


def _addressed(_: Patient, row: Any) -> Iterator[Finding]:
    """An address stands twice, to be compared and to be written to."""
    named = f"{table_name(type(row))} {row.id}"
    if is_erased(row.address) and row.typed in ("", NOBODY):
        return
    if "@" in row.typed and (not is_address(row.typed) or address(row.typed).key != row.address):
        what = f"{named} is of {row.address!r}, but is written to {row.typed!r}: it was altered"
        remedy = "find out by the audit which one is right"
        yield Finding(Harm.DAMAGE, "address", what, named, (row.typed,), remedy=remedy)


# --------------------------------------------------------------------------------------------------------- invitations


def _invitation(patient: Patient, row: Invitation) -> Iterator[Finding]:
    for wrong, what in _impossible(patient, row):
        if wrong:
            yield _about(row, "invitation-state", what, "look at it: gateway invitations show")
    if not _is_planned_anew(patient):
        return
    planned = invite.planned(patient.ctx, row)
    if planned != row.due_at:
        what = f"is due {_instant(row.due_at)}, but by its days {_instant(planned)}"
        yield _about(row, "due", what, "gateway doctor --fix sets it right", fixable=True)


def _impossible(patient: Patient, row: Invitation) -> Iterator[tuple[bool, str]]:
    invited = row.state is State.INVITED
    is_patient = row.relationship is Relationship.PATIENT
    yield row.state is State.ACCEPTED and row.account_id is None, "is accepted, and has no account"
    yield invited and row.relationship is None, "is invited, and nobody has said who that is"
    yield invited and is_patient and not row.birthdate_digest, "is invited as a patient, and has no birthdate to prove"
    yield min(row.wrong_birthdates, row.last_step_day, row.extended_to, row.generation - 1) < 0, "counts below nothing"
    if not row.is_open:
        held = patient.find(Copy, invitation_id=row.id, state=CopyState.HELD, limit=1)
        yield bool(held), f"is {row.state.value}, and still holds mail that nobody will get"


def _about(row: Invitation, kind: str, what: str, remedy: str, *, fixable: bool = False) -> Finding:
    named = f"invitation {row.id}"
    said = f"{named} of {row.typed} {what}"
    return Finding(Harm.DAMAGE, kind, said, named, (row.typed,), remedy=remedy, fixable=fixable)


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"


def _is_planned_anew(patient: Patient) -> bool:
    """Whether the due times are those of the settings as they are: after a change the next start plans them anew."""
    if patient.keys is None or not patient.keys_fit:
        return False
    (known, *_) = patient.find(Meta, name=CALENDAR) or [None]
    return known is None or known.value == calendar(patient.ctx)


# ----------------------------------------------------------------------------------------------- copies and deliveries


def _copy(patient: Patient, row: Copy) -> Iterator[Finding]:
    lives = row.state in LIVING
    if lives != bool(row.wrapped_key) and not row.kept:
        message = patient.message_said(patient.get(Message, row.message_id), row.message_id)
        has = "has no key: they cannot read it" if lives else "has a key: it could still be read"
        what = f"{message} for {patient.reader(row)} is {row.state.value}, and {has}"
        remedy = AGAIN if lives else "tell whoever took it back; look at the audit for what was altered"
        yield _of_copy(row, "copy-key", what, remedy, Harm.LOST if lives else Harm.DAMAGE)
    if row.state is CopyState.HELD and row.invitation_id is None:
        yield _of_copy(row, "copy-state", f"copy {row.id} for {row.typed} is held for no invitation: it never leaves")
    if row.state is CopyState.INBOX and row.account_id is None:
        yield _of_copy(row, "copy-state", f"copy {row.id} for {row.typed} is in the inbox of no account")


def _of_copy(row: Copy, kind: str, what: str, remedy: str = AGAIN, harm: Harm = Harm.LOST) -> Finding:
    return Finding(harm, kind, what, f"copy {row.id}", (row.typed,), row.message_id, remedy)


def _delivery(patient: Patient, row: Delivery) -> Iterator[Finding]:
    named, waits = f"delivery {row.id}", row.state in (DeliveryState.QUEUED, DeliveryState.PAUSED)
    if waits and row.lease_until and row.lease_until > patient.now + LEASE + SLACK:
        until = _instant(row.lease_until)
        what = f"{named} to {row.recipient} is in somebody's hands until {until}: it is not sent before"
        remedy = "gateway doctor --fix frees it"
        yield Finding(Harm.DAMAGE, "lease", what, named, (row.recipient,), remedy=remedy, fixable=True)
    needs = {DeliveryKind.PASS: row.wrapped_key, DeliveryKind.NOTICE: row.facts, DeliveryKind.REPORT: row.facts}
    needs |= {DeliveryKind.RETURN: row.facts and row.wrapped_key}
    if waits and not needs.get(row.kind, True):
        what = f"{named} to {row.recipient} waits, and has nothing to say"
        yield Finding(Harm.LOST, "delivery-empty", what, named, (row.recipient,), remedy="gateway queue drop")


def _meta(_: Patient, row: Meta) -> Iterator[Finding]:
    """What the gateway reads as an instant must be one, or its work stops."""
    if row.name not in INSTANTS:
        return
    try:
        datetime.fromisoformat(row.value.decode().partition(" ")[0]).astimezone(UTC)
    except ValueError:
        what = f"the database's note {row.name!r} cannot be read: timed work may stop"
        remedy = "gateway doctor --fix removes it; it is written again"
        yield Finding(Harm.DAMAGE, "meta", what, f"meta {row.id}", remedy=remedy, fixable=True)


CONTRADICTIONS: dict[type, tuple[Callable[[Patient, Any], Iterator[Finding]], ...]] = {
    Sender: (_addressed,),
    Account: (_addressed,),
    Invitation: (_addressed, _invitation),
    Copy: (_addressed, _copy),
    Delivery: (_delivery,),
    Meta: (_meta,),
}
"""What each table's rows are asked."""
