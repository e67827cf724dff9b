"""The only room that may ask the machine for the time."""

import contextlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

import structlog

from gateway.errors import ConfigError
from gateway.ports import Clock

TOLERANCE = timedelta(hours=1)
"""By how much the machine's clock may be set at once and be believed: a summer time set by hand, but no wrong day."""
EVEN = timedelta(minutes=1)
CONVINCING = 600.0
"""Seconds for which a clock that was set has to go evenly before it is believed."""
log = structlog.get_logger()


def seconds_since_boot() -> float:
    """The time that has passed, of which sleep is a part."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)  # Linux; elsewhere the monotonic clock may sleep, too
    return time.clock_gettime(boot_time) if boot_time is not None else time.monotonic()


def clock_file() -> Path | None:
    """The file named by `GATEWAY_CLOCK_FILE`, if any: for tests and rehearsals."""
    name = os.environ.get("GATEWAY_CLOCK_FILE")
    return Path(name) if name else None


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    phones = now


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

    def phones(self) -> datetime:
        return SystemClock().now()

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
    return FileClock(file) if file else SteadyClock(SystemClock())


@runtime_checkable
class Turnable(Protocol):
    """A clock that somebody may turn: what is due then is done at once."""

    def now(self) -> datetime: ...

    def phones(self) -> datetime: ...

    def tick(self) -> bool:
        """Whether it shows another time than the machine's own going makes it."""
        ...


class SteadyClock:
    """The machine's clock, as long as it goes like one.

    A wall clock that leaves the time that has passed by more than an hour was set by somebody, or by mistake: then we
    go by the time that has passed, until it comes back, or has gone evenly for ten minutes and is taken as right. A
    machine that slept has passed that time as well.
    """

    def __init__(self, wall: Clock, passed: Callable[[], float] = seconds_since_boot) -> None:
        self._wall = wall
        self._passed = passed
        self._origin = wall.now() - timedelta(seconds=passed())
        self._ahead = timedelta()
        self._since = 0.0

    def now(self) -> datetime:
        wall, own = self._read()
        if abs(wall - own) > TOLERANCE:
            return own
        self._origin += wall - own
        return wall

    phones = now

    @property
    def is_astray(self) -> bool:
        """Whether the machine's clock is not believed."""
        wall, own = self._read()
        return abs(wall - own) > TOLERANCE

    def look(self) -> timedelta | None:
        """Look whether the machine's clock was set, once a second; by how much, when that is believed."""
        wall, own = self._read()
        ahead = wall - own
        if abs(ahead) <= TOLERANCE:
            if self._ahead:
                log.warning("the machine's clock is back")
            self._ahead = timedelta()
            return None
        if abs(ahead - self._ahead) > EVEN:
            if not self._ahead:
                log.warning("the machine's clock has jumped; we go on by our own until it is back", hours=_hours(ahead))
            self._ahead, self._since = ahead, self._passed()
        if self._passed() - self._since < CONVINCING:
            return None
        log.warning("the machine's clock has gone evenly since it jumped; it is believed now", hours=_hours(ahead))
        self._origin += ahead
        self._ahead = timedelta()
        return ahead

    def _read(self) -> tuple[datetime, datetime]:
        """What the machine's clock shows, and what it would show had nobody set it."""
        return self._wall.now(), self._origin + timedelta(seconds=self._passed())


def _hours(ahead: timedelta) -> float:
    return round(ahead.total_seconds() / 3600, 1)


def local_time_over_passed() -> timedelta:
    """The machine's local time, by which `schedule` goes, less the time that has passed: it moves when that is set."""
    return datetime.now() - datetime(1970, 1, 1) - timedelta(seconds=seconds_since_boot())  # noqa: DTZ001, DTZ005
