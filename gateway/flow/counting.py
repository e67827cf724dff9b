"""Counting what may happen only so often: in the store, so that neither a restart nor another worker begins anew.

A count is forgotten with the fingerprints of old mail, `remind.REMEMBER_MAIL` after.
"""

from hashlib import sha256

from gateway.domain.model import Seen
from gateway.flow.context import Context


def is_within(ctx: Context, what: str, times: int) -> bool:
    """Whether this has happened at most so many times, this one counted."""
    return any(ctx.tx.add_once(Seen(fingerprint=turn, at=ctx.now)) for turn in _turns(what, times))


def is_within_a_day(ctx: Context, what: str, times: int) -> bool:
    """The same, of today."""
    return is_within(ctx, f"{what}|{ctx.today}", times)


def take_back(ctx: Context, what: str, times: int) -> None:
    """Once less than was counted."""
    for turn in reversed(_turns(what, times)):
        if ctx.tx.remove(Seen, fingerprint=turn):
            return


def _turns(what: str, times: int) -> list[bytes]:
    return [sha256(f"{what}|{turn}".encode()).digest() for turn in range(times)]
