"""Counting what may happen only so often: in the store, so that neither a restart nor another worker begins anew.

A count is forgotten with the fingerprints of old mail, `retention.REMEMBER_MAIL` after.
"""

from bisect import bisect_left
from hashlib import sha256

from gateway.domain.model import Fingerprint
from gateway.flow.context import Context


def count(ctx: Context, what: str, most: int) -> int:
    """The how-manieth time this is, counted from 1; 0 where it is one too many.

    The first turn that nobody has had is looked for by halving, since there may be a thousand. Adding a row that turns
    out not to be new costs PostgreSQL more than any question: all who share the transaction are done again.
    """

    def is_free(turn: int) -> bool:
        return ctx.tx.one(Fingerprint, fingerprint=_turn(what, turn)) is None

    turn = bisect_left(range(most), x=True, key=is_free)
    return turn + 1 if turn < most and ctx.tx.add_once(Fingerprint(fingerprint=_turn(what, turn), at=ctx.now)) else 0


def count_today(ctx: Context, what: str, most: int) -> int:
    """The same, of today."""
    return count(ctx, f"{what}|{ctx.today}", most)


def take_back(ctx: Context, what: str, times: int) -> None:
    """Once less than was counted."""
    for turn in reversed(range(times)):
        if ctx.tx.remove(Fingerprint, fingerprint=_turn(what, turn)):
            return


def _turn(what: str, turn: int) -> bytes:
    return sha256(f"{what}|{turn}".encode()).digest()
