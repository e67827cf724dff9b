"""A clock that the visitor may set forward."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.edge.run.clock import SystemClock
from gateway.ports import Clock

MORNING = time(10)
"""An hour by which everything that a day brings has become due (`invitations.reminder_hour` is nine)."""


class MovableClock:
    """The port `Clock`: the machine's time, and as much on top of it as it was moved."""

    def __init__(self, zone: ZoneInfo, machine: Clock | None = None) -> None:
        self._zone = zone
        self._machine = machine or SystemClock()
        self._ahead = self._seen = timedelta()

    def begin(self, days_ago: int) -> None:
        """Show a time in the past, for what happened before."""
        self._ahead = -timedelta(days=days_ago)

    def catch_up(self) -> None:
        """Show the machine's time, which is later than what was shown."""
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._machine.now() + self._ahead

    def phones(self) -> datetime:
        return self._machine.now()

    def tick(self) -> bool:
        """Whether it was moved since the last look."""
        before, self._seen = self._seen, self._ahead
        return before != self._ahead

    def pass_by(self, minutes: int) -> None:
        """Go on by so many minutes."""
        self._ahead += timedelta(minutes=minutes)

    def move(self, days: int) -> None:
        """Go on to ten in the morning of the day that is this many days (at least one) ahead."""
        day = self.now().astimezone(self._zone).date() + timedelta(days=days)
        self._ahead += datetime.combine(day, MORNING, self._zone) - self.now()
