"""What the ledger is told: a line for what is destroyed, in the transaction that destroys it.

The lines wait in the database until they stand in the ledger's file (edge/run/bookkeeper.py), about a second later.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.domain.ledger import InvitationStanding, LedgerKind, LedgerPosition, Sent
from gateway.domain.model import Delivery, Invitation, Meta
from gateway.domain.model_records import LedgerEntry
from gateway.flow import meta
from gateway.flow.context import Context
from gateway.ports import Keys, Tx

AT_A_TIME = 500
"""Lines that are moved into the file in one transaction."""
_POSITION = "ledger"
_MICROSECONDS = 1_000_000


class LedgerFile(Protocol):
    """The ledger outside of the database; several processes may write to it, and any thread may call it."""

    of: str
    """Whose it is, of several gateways that serve from one database and keep one each; "" where there is one."""

    def append(self, entries: Sequence[LedgerEntry]) -> LedgerPosition:
        """Write these behind what stands there, durably, and into the copies; how far it has come. Raises OSError."""
        ...

    def forget(self, before: datetime) -> None:
        """Leave lines out that are older than this. Raises OSError."""
        ...


def note(ctx: Context, kind: LedgerKind, *words: object) -> None:
    """Have the ledger told."""
    ctx.tx.add(LedgerEntry(at=ctx.now, kind=kind.value, subject=" ".join(map(str, words))))


def note_standing(ctx: Context, after: Invitation) -> None:
    """Have it told where an invitation is going to stand, if that is not where its row has it."""
    before = ctx.tx.get(Invitation, after.id)
    if before is None or standing(before) != standing(after):
        note(ctx, LedgerKind.INVITATION, standing(after))


def standing(invitation: Invitation) -> InvitationStanding:
    return InvitationStanding(
        id=invitation.id,
        state=invitation.state.value,
        generation=invitation.generation,
        schedule_start=invitation.schedule_start.isoformat(),
        last_step_day=invitation.last_step_day,
        extended_to=invitation.extended_to,
        wrong_birthdates=invitation.wrong_birthdates,
        wrong_birthdates_before=invitation.wrong_birthdates_before,
    )


def sent(keys: Keys, delivery: Delivery) -> Sent:
    """What the ledger is told of a mail that a hop has taken."""
    about = f"i{delivery.invitation_id}" if delivery.invitation_id else ""
    return Sent(
        delivery=delivery.id,
        created=round(delivery.created_at.timestamp() * _MICROSECONDS),
        kind=delivery.kind.value,
        notice=delivery.notice.value if delivery.notice else "",
        about=f"c{delivery.copy_id}" if delivery.copy_id else about,
        recipient=recipient_digest(keys, delivery.recipient),
    )


def recipient_digest(keys: Keys, recipient: str) -> str:
    return keys.digest("ledger recipient", recipient.encode())[:8].hex()


def hold_digest(keys: Keys, whom: str, *, on_practice: bool) -> str:
    """What the ledger is told of whom a legal hold is on: a practice, by its id, or a person, by their address."""
    return keys.digest("ledger practice" if on_practice else "ledger person", whom.encode())[:16].hex()


def waiting(tx: Tx, limit: int = AT_A_TIME) -> list[LedgerEntry]:
    """What is not in the file yet, the oldest first."""
    return tx.find(LedgerEntry, limit=limit)


def moved(tx: Tx, ids: Sequence[int], position: LedgerPosition, of: str = "") -> None:
    """These stand in that file now, which has come so far."""
    if ids:
        tx.remove(LedgerEntry, id__in=list(ids))
    meta.put(tx, _position_of(of), str(position).encode())


def position(tx: Tx, of: str = "") -> LedgerPosition:
    """How far that ledger had come when the database last heard of it."""
    known = tx.one(Meta, name=_position_of(of))
    return LedgerPosition.read(known.value.decode()) if known else LedgerPosition()


def _position_of(whom: str) -> str:
    return f"{_POSITION} {whom}".rstrip()
