"""What comes in goes before what goes out: in a rush of mail, the outbox gives way for a while.

Sending a mail costs the event loop about as much as taking one in. Clients wait for their 250, while nobody waits for
the next hop; so a burst is taken in first and sent after it. A rush that goes on is no burst: then both have their
share, or the queue would grow without end.
"""

import time
from collections.abc import Callable

RUSH = 80
"""Mails a second that make a rush."""
SPAN = 0.25
"""Seconds over which they are counted."""
PATIENCE = 30.0
"""Seconds for which a rush goes first."""


class Traffic:
    """Counts the mails that come in, and those that go out."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._span = 0.0
        self._count = 0
        self._rush_since: float | None = None
        self.taken = 0
        self.sent = 0
        """Mails since the start."""

    def went_out(self, count: int) -> None:
        """So many mails were taken by their hop."""
        self.sent += count

    def came_in(self) -> None:
        """A mail was taken in."""
        self._move_on()
        self.taken += 1
        self._count += 1

    @property
    def goes_first(self) -> bool:
        """Whether what goes out should give way now."""
        now = self._move_on()
        return self._rush_since is not None and now - self._rush_since < PATIENCE

    def _move_on(self) -> float:
        """Judge the span that has ended, if it has."""
        now = self._seconds()
        if now - self._span >= SPAN:
            was_rush = self._count >= RUSH * SPAN and now - self._span < 2 * SPAN
            self._rush_since = (self._rush_since or now) if was_rush else None
            self._span, self._count = now, 0
        return now
