"""The scheduler loop: `schedule` only ticks; what is due stands in the database."""

import asyncio
from collections.abc import Awaitable, Callable

import schedule
import structlog

log = structlog.get_logger()

Job = Callable[[], Awaitable[object]]


class Ticker:
    """Runs jobs at intervals in the event loop; one that raises does not stop the others, nor its own next turn."""

    def __init__(self) -> None:
        self._scheduler = schedule.Scheduler()
        self._running: set[asyncio.Task[None]] = set()

    def every(self, seconds: int, job: Job) -> None:
        """Run the job now, and again after each interval; a turn is left out while the last one still runs."""
        busy = asyncio.Lock()
        self._scheduler.every(seconds).seconds.do(self._begin, job, busy)

    async def run(self) -> None:
        """Tick until cancelled; then wait for the jobs that run."""
        self._scheduler.run_all()
        try:
            while True:
                await asyncio.sleep(self._pause())
                self._scheduler.run_pending()
        finally:
            if self._running:
                await asyncio.wait(self._running)

    def _pause(self) -> float:
        return min(max(self._scheduler.idle_seconds or 0.0, 0.05), 1.0)

    def _begin(self, job: Job, busy: asyncio.Lock) -> None:
        if not busy.locked():
            task = asyncio.get_running_loop().create_task(self._turn(job, busy))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _turn(self, job: Job, busy: asyncio.Lock) -> None:
        async with busy:
            try:
                await job()
            except Exception:
                log.exception("a timed job failed; it runs again at its next turn", job=job.__qualname__)
