"""The port `Store` on PostgreSQL: each process commits the work of many callers at once, beside any number of others.

The callers of one process would mostly be in each other's way, since much of a day's work is about the same few
senders: one transaction for each caller, eight at a time, did the same work 3.4 times on average. So they share one
transaction, one after the other, and each has a savepoint of its own once something was refused; with others'
transactions only that one competes. What is known to take long has a transaction of its own beside it.

The work runs in a thread: the event loop does not wait for the server.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from gateway.errors import StoreBusy
from gateway.ports import ContentStore, Tx
from gateway.store.events import UNHEARD, StoreEvents
from gateway.store.postgres.bell import Bell, tell
from gateway.store.postgres.connections import PATIENCE_SECONDS, as_store_errors, connect, open_pool, store_error
from gateway.store.postgres.numbering import Numbers
from gateway.store.postgres.transaction import Job, NothingDone, Undecided, commit, look

R = TypeVar("R")
Connected = Callable[[], AbstractContextManager[psycopg.Connection]]
"""Where a connection is to be had, for as long as the context is open."""

CONNECTIONS = 8
"""Of one process: one for what callers share, the others for those who read, and for what takes long."""
BATCH = 30
"""Callers who share a commit: PostgreSQL remembers some 60 savepoints of a transaction cheaply."""
NUMBERS_SECONDS = 1.0
"""How long numbers may be kept for rows to come, while other gateways give out higher ones."""
TELL_SECONDS = 0.05
"""How soon other gateways hear of queued mail."""
SILENCE_SECONDS = 3 * PATIENCE_SECONDS
"""How long callers wait for a server that does not even refuse."""
LONGEST_RUN = 64
"""The most transactions that wait for their turn, until one begins without waiting again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.2
"""Seconds before work is tried again: at random up to twice as long each time, so that no two meet for ever."""


@dataclass(slots=True)
class _Waiting(Job):
    """A caller's work, and who waits for it."""

    done: "asyncio.Future[Any]" = field(kw_only=True)


@dataclass(slots=True)
class Turns:
    """Which transactions wait for their turn from the start: those after one that was undone, the more often that comes
    the more of them. What is undone was done in vain, and has been in others' way.
    """

    _run: int = 0
    """How many waited after the last one that was undone: twice as many will after the next, and fewer by half for each
    that did without.
    """
    _left: int = 0

    def begin(self) -> bool:
        """Whether the transaction that begins waits for its turn."""
        in_turn = self._left > 0
        self._left -= in_turn
        return in_turn

    def end(self, *, in_turn: bool, undone: bool) -> None:
        """A transaction is done, that waited for its turn or not, and was undone before or not."""
        if undone:
            self._left = self._run = min(max(1, 2 * self._run), LONGEST_RUN)
        elif not in_turn:
            self._run //= 2


class PostgresStore:
    """The port `Store` on a PostgreSQL database, for one event loop. Other processes have other names."""

    def __init__(
        self,
        url: str,
        content: ContentStore,
        events: StoreEvents = UNHEARD,
        *,
        name: str = "",
        connections: int = CONNECTIONS,
    ) -> None:
        self._content = content
        self._events = events
        self._name = name or secrets.token_hex(8)
        self._pool = open_pool(url, connections)
        self._numbers = Numbers()
        self._turns = Turns()
        self._forgot_at = 0.0
        self._waiting: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._threads = ThreadPoolExecutor(connections - 1, "store")
        self._telling: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()

        def ring() -> None:
            loop.call_soon_threadsafe(events.queued)

        self._bell = Bell(url, self._name, ring)
        self._bell.open()

    # ------------------------------------------------------------------------------------------------------ callers

    async def write(self, work: Callable[[Tx], R], *, long: bool = False, concerns: Collection[str | bytes] = ()) -> R:
        job = _Waiting(work, concerns, done=asyncio.get_running_loop().create_future())
        if long:
            await self._answered(self._threads, self._commit_one, job)
            self._tell_callers([job], 0.0)
        else:
            self._waiting.append(job)
            self._writing = self._writing or asyncio.create_task(self._write_waiting())
        result: R = await job.done
        return result

    async def read(self, work: Callable[[Tx], R]) -> R:
        result: R = await AsyncRetrying(**_again())(self._answered, self._threads, self._read, work)
        return result

    async def close(self) -> None:
        """Finish what was asked for, then let the connections go."""
        while self._writing:
            await asyncio.wait([self._writing])
        if self._telling:
            self._telling.cancel()
        self._bell.end()
        await asyncio.to_thread(self._tell_others)  # which wakes us as well
        await asyncio.to_thread(self._bell.close)
        for threads in (self._writer, self._threads):
            await asyncio.to_thread(threads.shutdown)
        await asyncio.to_thread(self._pool.close)

    async def _answered(self, threads: ThreadPoolExecutor, call: Callable[..., R], *args: Any) -> R:
        """A server that says nothing at all holds up its thread, until its connection is found to be dead; no caller
        waits for that. Should it commit after all, what it was is known when it is tried again, as after any 451.
        """
        running = asyncio.get_running_loop().run_in_executor(threads, call, *args)
        try:
            return await asyncio.wait_for(asyncio.shield(running), SILENCE_SECONDS)
        except TimeoutError:
            running.cancel()  # where it has not begun: it would take in callers whom nobody answers
            raise StoreBusy("the database does not answer") from None

    # ------------------------------------------------------------------------------------------------------- writing

    async def _write_waiting(self) -> None:
        """Commit after commit, for as long as anybody waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                jobs: list[_Waiting] = []
                begun = loop.time()
                if begun - self._forgot_at > NUMBERS_SECONDS:
                    self._numbers.forget()
                    self._forgot_at = begun
                try:
                    await self._answered(self._writer, self._commit_waiting, jobs)
                except Exception as error:  # whatever a server may do, the next ones are served
                    self._fail(jobs or self._take_all(), store_error(error))
                else:
                    self._tell_callers(jobs, loop.time() - begun)
        finally:
            self._writing = None

    def _commit_waiting(self, jobs: list[_Waiting]) -> None:
        """Of those who wait now. Who comes later may know of commits that this transaction would not see."""
        while self._waiting and len(jobs) < BATCH:
            job = self._waiting.popleft()
            if not job.done.cancelled():
                jobs.append(job)
        self._commit(jobs, self._numbers, self._turns)

    def _take_all(self) -> list[_Waiting]:
        jobs = list(self._waiting)
        self._waiting.clear()
        return jobs

    def _commit_one(self, job: _Waiting) -> None:
        self._commit([job], Numbers(), Turns())

    def _commit(self, jobs: list[_Waiting], numbers: Numbers, turns: Turns) -> None:
        """In one transaction, which is tried until nobody is in its way. Raises StoreBusy, StoreFull."""

        def attempt(*, is_careful: bool, in_turn: bool) -> None:
            with as_store_errors(), self._pool.connection() as connection:
                commit(connection, jobs, numbers, self._content.settle, is_careful=is_careful, in_turn=in_turn)

        try:
            _tried(partial(attempt, is_careful=False), turns)
        except Undecided:
            _tried(partial(attempt, is_careful=True), turns)
        for job in jobs:
            if job.aftermath:
                job.aftermath.discard_from(self._content)

    def _tell_callers(self, jobs: list[_Waiting], seconds: float) -> None:
        self._events.committed(len(jobs), seconds)
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(job.error) if job.error else job.done.set_result(job.result)
        if any(job.aftermath and job.aftermath.queued for job in jobs):
            self._events.queued()
            self._telling = self._telling or asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell)

    def _fail(self, jobs: list[_Waiting], reason: Exception) -> None:
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(reason)

    def _tell(self) -> None:
        """Tell the other gateways, once for all that was queued since the last time."""
        self._telling = None
        self._threads.submit(self._tell_others)

    def _tell_others(self) -> None:
        with suppress(psycopg.Error, PoolTimeout), self._pool.connection() as connection:  # they look each second, too
            tell(connection, self._name)

    # ------------------------------------------------------------------------------------------------------- reading

    def _read(self, work: Callable[[Tx], R]) -> R:
        with as_store_errors(), self._pool.connection() as connection:
            return look(connection, work)


def read_once(url: str, work: Callable[[Tx], R]) -> R:
    """One look at a database. Raises StoreBusy, StoreFull, StoreDamaged."""
    return read_on(lambda: closing(connect(url)), work)


def write_once(url: str, work: Callable[[Tx], R]) -> R:
    """One transaction on a database. Raises StoreBusy, StoreFull, StoreDamaged, and what the work raises."""
    return write_on(lambda: closing(connect(url)), work)


def read_on(connected: Connected, work: Callable[[Tx], R]) -> R:
    """One look, on such a connection. Raises as `read_once`."""

    def attempt() -> R:
        with as_store_errors(), connected() as connection:
            return look(connection, work)

    return Retrying(**_again())(attempt)


def write_on(connected: Connected, work: Callable[[Tx], R], content: ContentStore | None = None) -> R:
    """One transaction, on such a connection; contents that are gone are removed from their home, if one is given.

    Raises as `write_once`.
    """
    job = Job(work)

    def attempt(*, in_turn: bool) -> None:
        with as_store_errors(), connected() as connection:
            commit(connection, [job], Numbers(), in_turn=in_turn)

    _tried(attempt, Turns())
    if job.error:
        raise job.error
    if content and job.aftermath:
        job.aftermath.discard_from(content)
    result: R = job.result
    return result


def _tried(attempt: Callable[..., None], turns: Turns) -> None:
    """Try until nobody is in its way. Raises as `attempt` does."""
    in_turn, tries = turns.begin(), 0
    try:
        for trying in Retrying(**_again()):
            with trying:
                tries += 1
                attempt(in_turn=in_turn or tries > 1)
    finally:
        turns.end(in_turn=in_turn, undone=tries > 1)


def _again() -> dict[str, Any]:
    """When work is tried again, and for how long."""
    return {
        "retry": retry_if_exception_type(NothingDone),
        "wait": wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        "stop": stop_after_delay(PATIENCE_SECONDS),
        "reraise": True,
    }
