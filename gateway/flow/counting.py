"""Counting what may happen only so often: in the store, so that neither a restart nor another worker begins anew.

A count is forgotten with the fingerprints of old mail, `retention.REMEMBER_MAIL` after.
"""

from hashlib import sha256

from gateway.domain.model import Fingerprint
from gateway.flow.context import Context


def count(ctx: Context, what: str, most: int) -> int:
    """The how-manieth time this is, counted from 1; 0 where it is one too many."""
    turns = enumerate(_turns(what, most), 1)
    return next((n for n, turn in turns if ctx.tx.add_once(Fingerprint(fingerprint=turn, at=ctx.now))), 0)


def count_today(ctx: Context, what: str, most: int) -> int:
    """The same, of today."""
    return count(ctx, f"{what}|{ctx.today}", most)


def take_back(ctx: Context, what: str, times: int) -> None:
    """Once less than was counted."""
    for turn in reversed(_turns(what, times)):
        if ctx.tx.remove(Fingerprint, fingerprint=turn):
            return


def _turns(what: str, times: int) -> list[bytes]:
    return [sha256(f"{what}|{turn}".encode()).digest() for turn in range(times)]
