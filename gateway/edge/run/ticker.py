"""The scheduler loop: `schedule` only ticks; what is due stands in the database."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import schedule
import structlog

from gateway.edge.run.clock import local_time_over_passed
from gateway.errors import StoreBusy, StoreFull, StoreGone
from gateway.flow import lease
from gateway.flow.context import Desk

log = structlog.get_logger()

Job = Callable[[], Awaitable[object]]
STEP = timedelta(seconds=0.5)
"""What counts as a clock that was set, and not as one that is made to go a little faster."""


class Ticker:
    """Runs jobs at intervals in the event loop; one that raises does not stop the others, nor its own next turn."""

    def __init__(self) -> None:
        self._scheduler = schedule.Scheduler()
        self._running: set[asyncio.Task[None]] = set()
        self._kept: set[Job] = set()  # by a database that cannot be written; said once
        self.is_ending = False
        """Whether a job that has much to do should leave the rest for another time."""

    def every(self, seconds: float, job: Job) -> None:
        """Run the job now, and again after each interval; a turn is left out while the last one still runs."""
        busy = asyncio.Lock()
        self._scheduler.every(seconds).seconds.do(self._begin, job, busy)  # type: ignore[arg-type]  # fractions will do

    async def run(self) -> None:
        """Tick until cancelled; then wait for the jobs that run."""
        self._scheduler.run_all()
        local = local_time_over_passed()
        try:
            while True:
                await asyncio.sleep(self._pause())
                local += self._follow(local_time_over_passed() - local)
                self._scheduler.run_pending()
        finally:
            self.is_ending = True
            if self._running:
                await asyncio.wait(self._running)

    def _follow(self, moved: timedelta) -> timedelta:
        """`schedule` goes by local time: where that was set, or summer time has ended, its jobs are moved along."""
        if abs(moved) < STEP:
            return timedelta()
        for job in self._scheduler.jobs:
            job.next_run = job.next_run and job.next_run + moved
        return moved

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
                self._goes_on(job)
            except StoreGone:
                pass  # the store has said so
            except (StoreBusy, StoreFull) as error:
                self._is_kept(job, error)
            except Exception:
                log.exception("a timed job failed; it runs again at its next turn", job=job.__qualname__)

    def _is_kept(self, job: Job, error: Exception) -> None:
        if job not in self._kept:
            log.warning("timed work waits until the database can be written", job=job.__qualname__, error=str(error))
        self._kept.add(job)

    def _goes_on(self, job: Job) -> None:
        if job in self._kept:
            self._kept.remove(job)
            log.info("timed work goes on", job=job.__qualname__)


class Turn:
    """Whether something is this process's to do, where several serve: it holds the lease, and renews it.

    Should two believe so at the same time, nothing is done twice: each step is taken in a transaction of its own.
    """

    RENEW = 5.0
    """Seconds; a third of the lease's term, so that a slow commit does not lose it."""

    def __init__(self, desk: Desk, *, alone: bool, what: str = lease.TIMED_WORK) -> None:
        self._desk = desk
        self._what = what
        self._alone = alone
        self._holder = secrets.token_hex(8)
        self._ours = False
        self._ask_at = 0.0

    async def is_ours(self) -> bool:
        """Asks the database every few seconds. Raises StoreBusy, StoreFull."""
        if self._alone:
            return True
        if time.monotonic() >= self._ask_at:
            self._ours = await self._desk.do(lease.hold, self._holder, self._what)
            self._ask_at = time.monotonic() + self.RENEW
        return self._ours

    async def is_lost(self) -> None:
        """Wait until it is not ours any more. Raises as `is_ours`."""
        while await self.is_ours():  # noqa: ASYNC110 - nobody tells us: the database is asked
            await asyncio.sleep(self.RENEW)

    async def give_up(self) -> None:
        """Leave it to another at once."""
        if self._alone:
            return
        with contextlib.suppress(StoreBusy, StoreFull):  # then it ends by itself
            await self._desk.do(lease.give_up, self._holder, self._what)
