"""Slowing down whoever guesses: tries are counted in rows, so that all who serve from the database count together.

A window opens with the first try and is over a quarter of an hour later. It is named by a keyed digest: rows tell
nobody who tried what. Windows are numbered as they open, so the lowest numbers are over first.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.domain.model_records import TryWindow
from gateway.flow.context import Context

PERIOD = timedelta(minutes=15)
MOST = 1_000_000
"""Windows, of 100 octets each (PostgreSQL: 200). Beyond, the oldest give way to new ones. One client opens some dozens
in a period: who has addresses enough for that is not held up by counting.
"""
_CLEAR_AT, _CLEARED = 32, 64
"""Each window of so many that opens has so many cleared: as fast as strangers open them, they go faster."""


@dataclass(frozen=True, slots=True)
class Count:
    """What counts together: at most `limit` tries a period."""

    what: str
    limit: int


def take(ctx: Context, *counts: Count) -> bool:
    """Count a try; whether it may be made. Counted before it is made, so that many at once gain nothing.

    Where a count is used up, those behind it are left: a client that may try nothing opens no windows.
    """
    return all(_take(ctx, one) for one in counts)


def give_back(ctx: Context, *counts: Count) -> None:
    """The try was an honest one, or none was made: it does not count."""
    for one in counts:
        window = _window(ctx, one)
        if window and window.tries > 1:
            ctx.tx.put(replace(window, tries=window.tries - 1))
        elif window:
            ctx.tx.remove(TryWindow, id=window.id)


def forget(ctx: Context, _after: int, limit: int) -> int:
    """Forget windows that are over; whether there may be more."""
    return int(_clear(ctx, limit) == limit)


def _take(ctx: Context, one: Count) -> bool:
    window = _window(ctx, one)
    if window and not _is_over(ctx, window):
        if window.tries < one.limit:
            ctx.tx.put(replace(window, tries=window.tries + 1))
        return window.tries < one.limit
    if window:
        ctx.tx.remove(TryWindow, id=window.id)
    opened = ctx.tx.add(TryWindow(digest=_digest(ctx, one), since=ctx.now, tries=1))
    if opened.id % _CLEAR_AT == 0:
        _clear(ctx, _CLEARED, upto=opened.id - MOST)
    return True


def _window(ctx: Context, one: Count) -> TryWindow | None:
    return ctx.tx.one(TryWindow, digest=_digest(ctx, one))


def _clear(ctx: Context, limit: int, upto: int = 0) -> int:
    """Remove windows that are over, or are among the oldest (`upto`), as far as these many go; how many."""
    oldest = ctx.tx.find(TryWindow, limit=limit, id__gt=0)
    gone = [one.id for one in oldest if _is_over(ctx, one) or one.id <= upto]
    return ctx.tx.remove(TryWindow, id__in=gone) if gone else 0


def _is_over(ctx: Context, window: TryWindow) -> bool:
    """Nodes' clocks may differ a little; a window that lies far ahead is of a clock that was set back since."""
    return abs(ctx.now - window.since) >= PERIOD


def _digest(ctx: Context, one: Count) -> bytes:
    return ctx.keys.digest("tries", one.what.encode("utf-8", "surrogatepass"))
