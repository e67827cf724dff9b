"""The only room that may ask the machine for the time."""

import contextlib
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from gateway.errors import ConfigError
from gateway.ports import Clock

TOLERANCE = timedelta(hours=1)


def clock_file() -> Path | None:
    """The file named by `GATEWAY_CLOCK_FILE`, if any: for tests and rehearsals."""
    name = os.environ.get("GATEWAY_CLOCK_FILE")
    return Path(name) if name else None


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FileClock:
    """A clock that shows what a file says (RFC 3339), as far as it has been read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._now = self._read()
        except (OSError, ValueError) as error:
            raise ConfigError(f"GATEWAY_CLOCK_FILE: {file} holds no RFC 3339 time ({error})") from error

    def now(self) -> datetime:
        return self._now

    def tick(self) -> bool:
        """Read the file again; whether it shows another time. One that is being written keeps what was read before."""
        before = self._now
        with contextlib.suppress(OSError, ValueError):
            self._now = self._read()
        return self._now != before

    def _read(self) -> datetime:
        read = datetime.fromisoformat(self._file.read_text("utf-8").strip())
        if read.tzinfo is None:
            raise ValueError("it has no offset")
        return read.astimezone(UTC)


def the_clock() -> Clock:
    """The machine's clock, or the file that stands in for it. Raises ConfigError."""
    file = clock_file()
    return FileClock(file) if file else SystemClock()


@runtime_checkable
class Turnable(Protocol):
    """A clock that somebody may turn: what is due then is done at once."""

    def now(self) -> datetime: ...

    def tick(self) -> bool:
        """Whether it shows another time than the machine's own going makes it."""
        ...


class ClockWatch:
    """Notices a wall clock that leaves the monotonic one while we run: someone set it, or a suspended machine woke.

    Timed work then pauses until the clock comes back, or until a restart confirms it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall = clock.now()
        self._monotonic = time.monotonic()

    @property
    def astray(self) -> bool:
        """Whether the clocks disagree by more than an hour since the start."""
        elapsed = timedelta(seconds=time.monotonic() - self._monotonic)
        return abs(self._clock.now() - self._wall - elapsed) > TOLERANCE
