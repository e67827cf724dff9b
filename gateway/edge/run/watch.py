"""Knowing when no timed work was done: we were not running, the machine slept, or its clock was set forward."""

from datetime import datetime

import structlog

from gateway.edge.run.clock import seconds_since_boot
from gateway.flow.context import Desk
from gateway.flow.upkeep import outage

log = structlog.get_logger()

NOTE_EVERY = 60
"""Seconds between two notes that timed work is done."""
AT_A_TIME = 20
"""Rows in one transaction, so that a mail never waits long for its commit."""


class Watch:
    """Looks back at whether there was an outage before timed work goes on, and gives grace after one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looked_at: float | None = None
        self._noted: datetime | None = None

    async def look_back(self, *, clock_was_set: bool) -> None:
        """Where we begin, or wake up: move the ends that came meanwhile. Raises StoreBusy, StoreFull."""
        passed = seconds_since_boot()
        goes_on = self._looked_at is not None and passed - self._looked_at < outage.OUTAGE.total_seconds()
        if not goes_on or clock_was_set:
            await self._give_grace()
        self._looked_at = passed

    async def note(self) -> None:
        """Note now and then that timed work is done. Raises StoreBusy, StoreFull."""
        now = self._desk.clock.now()
        if self._noted is None or abs((now - self._noted).total_seconds()) >= NOTE_EVERY:
            await self._desk.do(outage.note_alive)
            self._noted = now

    async def _give_grace(self) -> None:
        away = await self._desk.ask(outage.length)
        if not away or not self._desk.site.rhythm.grace_after_outage:
            return
        log.warning("timed work was not done for a while: what has ended meanwhile is kept longer", outage=str(away))
        for kind in outage.KINDS:
            last = 0
            while last := await self._desk.do(outage.give_grace, kind, last, AT_A_TIME):
                pass
