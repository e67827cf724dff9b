"""Legal holds placed and released, by an administrator or once more after a restore; the ledger is told of each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.domain.acts import Act
from gateway.domain.ledger import HoldLine, LedgerKind, LedgerLine
from gateway.domain.model import Account, AddressChange, Copy, Delivery, Invitation, Sender
from gateway.domain.model_records import LegalHold, ListedPerson
from gateway.flow import ledger, legal_holds
from gateway.flow.accounts import account as accounts
from gateway.flow.context import Context

AGAIN = "placed again after a restore; its reason was lost with the database, since the ledger holds no words"
AT_A_TIME = 1000
_KNOW: tuple[type[Any], ...] = (Account, Invitation, Copy, Sender, AddressChange, Delivery, ListedPerson)
"""The tables that know people by their addresses."""


def place(ctx: Context, hold: LegalHold) -> LegalHold:
    """From now on nothing of the hold's person or practice is destroyed."""
    placed = ctx.tx.add(hold)
    ctx.audit(hold.placed_by, Act.HOLD_PLACED, f"hold {placed.id}")
    _tell(ctx, placed, is_placed=True)
    return placed


def release(ctx: Context, found: Sequence[LegalHold], by: str) -> int:
    """End these holds, and those at their people's other addresses; how many were given."""
    for first in {one.follows or one.id for one in found}:
        together = [one for one in ctx.tx.find(LegalHold, released_at=None) if first in (one.id, one.follows)]
        for one in together:
            ctx.tx.put(replace(one, released_at=ctx.now, released_by=by))
            _tell(ctx, one, is_placed=False)
            _let_go(ctx, one.address)
        ctx.audit(by, Act.HOLD_RELEASED, f"hold {first}")
    return len(found)


def follow(ctx: Context, line: HoldLine, at: datetime) -> bool:
    """Do again what the ledger tells of a hold; False where nothing was to be done, or nobody knows whom it was on."""
    standing = [one for one in ctx.tx.find(LegalHold, released_at=None) if _digest(ctx, one) == line.digest]
    if not line.is_placed:
        return bool(release(ctx, standing, "gateway"))
    whom = None if standing else _known(ctx, line)
    if whom is None:
        return False
    key, practice_id = ("", whom) if line.on_practice else (whom, "")
    hold = LegalHold(address=key, practice_id=practice_id, reason=AGAIN, placed_by="gateway", placed_at=at)
    place(ctx, hold)
    return True


def unplaced(ctx: Context, lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    """The lines of holds that should stand after all of these were followed, and do not."""
    last = {HoldLine.read(one.subject).digest: one for one in lines if one.kind == LedgerKind.HOLD}
    stand = {_digest(ctx, one) for one in ctx.tx.find(LegalHold, released_at=None)}
    return [one for key, one in last.items() if HoldLine.read(one.subject).is_placed and key not in stand]


def _tell(ctx: Context, hold: LegalHold, *, is_placed: bool) -> None:
    ledger.note(ctx, LedgerKind.HOLD, HoldLine(is_placed, bool(hold.practice_id), _digest(ctx, hold)))


def _digest(ctx: Context, hold: LegalHold) -> str:
    return ledger.hold_digest(ctx.keys, hold.practice_id or hold.address, on_practice=bool(hold.practice_id))


def _known(ctx: Context, line: HoldLine) -> str | None:
    """The address or the practice that this line is about, if it is known here."""
    names = (one.id for one in ctx.site.practices) if line.on_practice else _addresses(ctx)

    def is_it(name: str) -> bool:
        return ledger.hold_digest(ctx.keys, name, on_practice=line.on_practice) == line.digest

    return next(filter(is_it, names), None)


def _addresses(ctx: Context) -> Iterator[str]:
    """Every address that a row names, each once."""
    seen: set[str] = set()
    for table in _KNOW:
        after = 0
        while rows := ctx.tx.find(table, id__gt=after, limit=AT_A_TIME):
            after = rows[-1].id
            fresh = {key for row in rows for key in legal_holds.people_named(row)} - seen
            seen |= fresh
            yield from fresh


def _let_go(ctx: Context, key: str) -> None:
    """What was kept of an account that its person has erased meanwhile; its copies go with the next sweep."""
    left = ctx.tx.one(Account, address=key) if key else None
    if left and left.is_erased and not legal_holds.keeps(ctx, left):
        accounts.forget_rest(ctx, left)
