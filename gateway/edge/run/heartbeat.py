"""Seeing that another worker is gone: it has not shown that it lives while we did, and could have."""

import contextlib
import time

import structlog

from gateway.errors import TryAgain
from gateway.flow.context import Desk
from gateway.flow.outbound import heartbeat

log = structlog.get_logger()

BEAT_EVERY = 10
"""Seconds between two signs of life."""
GONE = heartbeat.PATIENCE.total_seconds()
"""Seconds without one after which a worker is gone. That it was killed is seen sooner: whoever is started in its place
frees what it had claimed at once."""
GAP = 25.0
"""Seconds after which our own watching was interrupted, as by a database that was locked: then it begins anew."""


class Heartbeat:
    """One worker's signs of life, and its watching over the others'."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._name = name
        self._looked_at = 0.0
        self._seen: dict[str, tuple[int, float]] = {}

    async def begin(self) -> None:
        """Whoever had this name before is gone. Raises StoreBusy, StoreFull."""
        if freed := await self._desk.do(heartbeat.free, [self._name]):
            log.warning("mails that a worker had in hand when it ended are free again", worker=self._name, mails=freed)

    async def end(self) -> None:
        """What we have not sent is free for others, now that we send nothing more."""
        with contextlib.suppress(TryAgain):  # then they see that we are gone
            await self._desk.do(heartbeat.free, [self._name])

    async def beat(self) -> None:
        """Show that we live, and free what workers that do not had claimed. Raises StoreBusy, StoreFull."""
        others = await self._desk.do(heartbeat.beat, self._name)
        gone = self._gone(others, time.monotonic())
        if gone:
            freed = await self._desk.do(heartbeat.free, gone)
            log.warning("workers show no sign of life; what they had in hand is free again", workers=gone, mails=freed)

    def _gone(self, others: dict[str, int], now: float) -> list[str]:
        if now - self._looked_at > GAP:
            self._seen.clear()
        self._looked_at = now
        for name, beats in others.items():
            if self._seen.get(name, (None, 0.0))[0] != beats:
                self._seen[name] = (beats, now)
        return [name for name in others if now - self._seen[name][1] > GONE]
