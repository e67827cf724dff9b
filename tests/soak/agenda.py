"""Who does what when, by the simulated clock. What cannot be done yet is tried again a quarter of an hour later."""

import heapq
import itertools
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.soak.ledger import Ledger

AGAIN = timedelta(minutes=15)
TRIES = 400
NOT_YET = (OSError, LookupError, smtplib.SMTPException)
"""What an act raises when its mail has not come, or the gateway is down."""


@dataclass(order=True, slots=True)
class Entry:
    """One thing to do; mail and visits may as well come at any time before."""

    at: datetime
    number: int
    act: Callable[[], object] = field(compare=False)
    what: str = field(compare=False)
    any_time: bool = field(compare=False, default=False)
    tries: int = field(compare=False, default=0)


class Agenda:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._entries: list[Entry] = []
        self._numbers = itertools.count()

    def add(self, at: datetime, what: str, act: Callable[[], object], *, any_time: bool = False) -> None:
        heapq.heappush(self._entries, Entry(at, next(self._numbers), act, what, any_time))

    def run(self, now: datetime) -> None:
        """Do all that is due."""
        while self._entries and self._entries[0].at <= now:
            self._do(heapq.heappop(self._entries), now)

    def hasten(self, now: datetime, count: int) -> None:
        """Let the next few mails and visits come now."""
        chosen = sorted(one for one in self._entries if one.any_time)[:count]
        for one in chosen:
            self._entries.remove(one)
        heapq.heapify(self._entries)
        for one in chosen:
            self._do(one, now)

    def _do(self, entry: Entry, now: datetime) -> None:
        try:
            entry.act()
        except NOT_YET as reason:
            entry.at, entry.tries = now + AGAIN, entry.tries + 1
            if entry.tries < TRIES:
                heapq.heappush(self._entries, entry)
            else:
                self._ledger.notes.append(f"given up: {entry.what}: {reason}")
