"""An erased person's address leaves rows that are only history, and after a restore it leaves them again.

The ledger is told of each row, by its number: it holds no address.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.domain.ledger import LedgerKind
from gateway.domain.model import Copy, Delegation, Delivery, Invitation, Sender
from gateway.domain.model_questions import Observation
from gateway.domain.model_records import DirectoryEntry, ListedPerson
from gateway.flow import ledger
from gateway.flow.accounts.account import erased_address
from gateway.flow.context import Context

NOBODY = "erased@erased.invalid"
"""What is shown in the place of an address that was erased: an address of nobody's (RFC 2606 §2)."""


def forget(ctx: Context, row: Any) -> None:
    """Take the person out of this row, or the row away where it says nothing else."""
    _HOW[type(row)](ctx, row)
    ledger.note(ctx, LedgerKind.PERSON, type(row).__name__, row.id)


def forget_mail(ctx: Context, delivery: Delivery, *fields: str) -> None:
    """Take the person out of those fields of a mail that was sent or dropped, and what a hop said of them."""
    changes: dict[str, Any] = dict.fromkeys(fields, NOBODY)
    ctx.tx.put(replace(delivery, last_reply="", **changes))
    ledger.note(ctx, LedgerKind.PERSON, Delivery.__name__, delivery.id, *fields)


def forget_again(ctx: Context, table: str, row_id: int, *fields: str) -> bool:
    """The same after a restore; whether there was anything to forget."""
    row = ctx.tx.get(_TABLES[table], row_id) if table in _TABLES else None
    if row is None or getattr(row, "address", "") == erased_address(row_id):
        return False
    if not isinstance(row, Delivery):
        forget(ctx, row)
    elif all(getattr(row, name) == NOBODY for name in fields):
        return False
    else:
        forget_mail(ctx, row, *fields)
    return True


def _remove(ctx: Context, row: Any) -> None:
    ctx.tx.remove(type(row), id=row.id)


def _blank(ctx: Context, row: Any) -> None:
    ctx.tx.put(replace(row, address=erased_address(row.id), typed=NOBODY))


def _sender(ctx: Context, sender: Sender) -> None:
    ctx.tx.put(replace(sender, address=erased_address(sender.id), typed=NOBODY, name=""))


def _invitation(ctx: Context, invitation: Invitation) -> None:
    nameless = replace(invitation, name="", relationship=None, role=None, birthdate_digest=None)
    _blank(ctx, nameless)


_HOW: Mapping[type, Callable[[Context, Any], None]] = {
    Copy: _blank,
    Invitation: _invitation,
    Sender: _sender,
    **dict.fromkeys((ListedPerson, DirectoryEntry, Delegation, Observation), _remove),
}
_TABLES: Mapping[str, type[Any]] = {table.__name__: table for table in (*_HOW, Delivery)}
