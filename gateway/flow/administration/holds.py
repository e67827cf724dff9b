"""An administrator places and releases legal holds; legal_holds.py says what they keep."""

from dataclasses import dataclass

from gateway.domain.acts import ADMINISTRATOR
from gateway.domain.address import Address
from gateway.domain.model import Copy
from gateway.domain.model_records import LegalHold
from gateway.flow import legal_holds
from gateway.flow.context import Context
from gateway.flow.upkeep import holding, retention

AT_A_TIME = 100
"""Copies that are destroyed in one transaction."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A hold that stands; `also` are the addresses at which it stands too, since its person has moved there."""

    hold: LegalHold
    also: tuple[str, ...] = ()


def listed(ctx: Context, *, released: bool = False) -> list[Standing]:
    """The holds that stand, the oldest first; or those that were released."""
    rows = ctx.tx.find(LegalHold) if released else ctx.tx.find(LegalHold, released_at=None)
    wanted = [one for one in rows if bool(one.released_at) == released]
    firsts = {one.id for one in wanted}
    also = {first: tuple(one.address for one in wanted if one.follows == first) for first in firsts}
    return [Standing(one, also[one.id]) for one in wanted if one.follows not in firsts]


def hold_person(ctx: Context, who: Address, reason: str) -> LegalHold | None:
    """Nothing of this person is destroyed from now on; None where a hold stands already."""
    return None if legal_holds.on_person(ctx, who.key) else _place(ctx, reason, who.key, "")


def hold_practice(ctx: Context, practice_id: str, reason: str) -> LegalHold | None:
    """Nothing of this practice is destroyed from now on; None where a hold stands already."""
    return None if legal_holds.on_practices(ctx, [practice_id]) else _place(ctx, reason, "", practice_id)


def release_person(ctx: Context, who: Address) -> int:
    """End the holds on this person, at whatever address they are by now; how many stood on this one."""
    return holding.release(ctx, legal_holds.on_person(ctx, who.key), ADMINISTRATOR)


def release_practice(ctx: Context, practice_id: str) -> int:
    """End the holds on this practice; how many there were."""
    return holding.release(ctx, legal_holds.on_practices(ctx, [practice_id]), ADMINISTRATOR)


def sweep(ctx: Context, after: int) -> tuple[int, int]:
    """Destroy some of what was kept and need not be any more: where to go on, or 0, and how many there were.

    Housekeeping does the same each hour, should this be broken off.
    """
    before = ctx.tx.count(Copy, kept=True)
    return retention.kept(ctx, after, AT_A_TIME), before - ctx.tx.count(Copy, kept=True)


def _place(ctx: Context, reason: str, key: str, practice_id: str) -> LegalHold:
    row = LegalHold(address=key, practice_id=practice_id, reason=reason, placed_by=ADMINISTRATOR, placed_at=ctx.now)
    return holding.place(ctx, row)
