"""One mail on its way from the socket to its sealed forms: read no faster than it is sealed.

Small mail is taken in within the event loop, at its end; what is larger goes piece by piece through a thread, where
sealing and writing happen while the next piece arrives. Reading stops, and the client's clock with it, while this
mail or all mails together hold more in memory than they may.

What takes long to understand is read in one thread, mail after mail: beside the event loop Python's lock is shared, and
each thread that computes would hold the loop up for as long again, at every step that it takes (`SWITCH_SECONDS`).
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.edge.smtp.data_reader import DataReader, is_forbidden, unstuffed
from gateway.edge.smtp.limits import RATE_SECONDS, Memory
from gateway.errors import BareLineEnd, TooLarge
from gateway.flow.inbound.mail_receiver import MailReceiver, SealedForms
from gateway.flow.inbound.understand import IncomingMail

R = TypeVar("R")

SMALL = 240 * 1024
"""Octets up to which a mail is sealed in the event loop, within a millisecond; only its home is then waited for. With
what we add to its head, it is no more than a `ContentWriter` takes without storing anything."""
HIGH_WATER = 512 * 1024
"""Octets of one mail that may wait for the thread before reading stops."""
EXCESS = 4
"""A mail this many times too large is not even read to its end."""


class Flow(Protocol):
    """The transport's reading side."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Threads:
    """Where mail is taken in beside the event loop: `sealing` waits for the home of content, `reading` computes."""

    sealing: ThreadPoolExecutor
    reading: ThreadPoolExecutor

    @classmethod
    def start(cls, sealing: int) -> "Threads":
        return cls(ThreadPoolExecutor(sealing, "intake"), ThreadPoolExecutor(1, "reading"))

    def shutdown(self) -> None:
        self.sealing.shutdown()
        self.reading.shutdown()


class Reception:
    """Octets in by `data_received`; `taken` waits for the end. `transport` is paused and resumed as need be."""

    def __init__(self, receiver: MailReceiver, transport: Flow, memory: Memory, threads: Threads, most: int) -> None:
        self._taking = receiver
        self._transport = transport
        self._memory = memory
        self._threads = threads
        self._most = most
        self._reader = DataReader()
        self._pending: list[bytes] = []
        self._pending_size = self._size = 0
        self._news = asyncio.Event()
        self.is_smuggling = False
        """Whether it has line ends by which other servers may see another end than we do."""
        self._paused = False
        self._job: asyncio.Future[Any] | None = None
        self._rate_since, self._rate_size = asyncio.get_running_loop().time(), 0

    @property
    def ended(self) -> bool:
        """Whether the end of data has come."""
        return self._reader.ended

    @property
    def size(self) -> int:
        """How many octets have come so far."""
        return self._size

    @property
    def is_excessive(self) -> bool:
        return self._size > self._most * EXCESS

    def data_received(self, octets: bytes) -> bytes:
        """Content as it comes from the wire; what follows its end."""
        content, rest = self._reader.feed(octets)
        self._size += len(content)
        if content and self._size <= self._most:
            self._pending.append(content)
            self._pending_size += len(content)
            self._memory.take(len(content))
        if self.ended or self._size > SMALL or self._memory.is_short:
            self._news.set()
        if not self.ended and (self._pending_size > HIGH_WATER or self._memory.is_short):
            self._pause()
        return rest

    @property
    def got_on_at(self) -> float:
        """The start of the span over which the rate is judged, in the loop's seconds."""
        return self._rate_since

    def too_slow(self, now: float, least_rate: int) -> bool:
        """Whether less than `least_rate` octets a second came in the last span in which they were awaited."""
        if self._paused or self.ended or self._size - self._rate_size >= least_rate * RATE_SECONDS:
            self._rate_since, self._rate_size = now, self._size
        return now - self._rate_since > RATE_SECONDS

    async def taken(self) -> tuple[IncomingMail, SealedForms]:
        """The mail, once all of it has arrived and is sealed. Raises GatewayError, and has then left nothing behind;
        neither does it when it is cancelled.
        """
        try:
            while not self.ended and not self.is_excessive:
                await self._news.wait()
                self._news.clear()
                if self._size > SMALL or not self.ended:
                    await self._in_thread(self._feed, self._withdraw())
            octets = self._withdraw()
            if self._size > SMALL or self._taking.takes_long(octets):
                return await self._in_thread(self._finish, octets)
            self._memory.give_back(len(octets))
            self._feed(octets)
            taken = self._taking.finish()
            if self._taking.is_spilt:
                await self._in_thread(self._sync, b"")
            return taken
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Nobody waits for this mail any more: leave nothing behind, once nobody works on it either."""
        if self._job and not self._job.done():
            self._job.add_done_callback(lambda _: self.leave())
        else:
            self._memory.give_back(len(self._withdraw()))
            self._taking.abandon()
            self._paused = False  # there is nothing to read any more

    # ------------------------------------------------------------------------------------------------------- parts

    async def _in_thread(self, work: Callable[[bytes], R], octets: bytes) -> R:
        """Do the next piece of work beside the loop."""
        pool = self._threads.reading if self._taking.is_laborious else self._threads.sealing
        self._job = job = asyncio.get_running_loop().run_in_executor(pool, work, octets)
        try:
            return await asyncio.shield(job)
        finally:
            self._memory.give_back(len(octets))
            self._go_on()

    def _withdraw(self) -> bytes:
        """What has come since the last time; it stays on the account until it is given back."""
        octets = b"".join(self._pending)
        self._pending, self._pending_size = [], 0
        return octets

    def _feed(self, octets: bytes) -> None:
        self.is_smuggling = self.is_smuggling or is_forbidden(octets)
        if self._size > self._most:
            self._taking.refuse(TooLarge())
        elif self.is_smuggling:
            self._taking.refuse(BareLineEnd())
        else:
            self._taking.feed(unstuffed(octets))

    def _finish(self, octets: bytes) -> tuple[IncomingMail, SealedForms]:
        self._feed(octets)
        taken = self._taking.finish()
        self._taking.sync()
        return taken

    def _sync(self, _: bytes) -> None:
        self._taking.sync()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _go_on(self) -> None:
        """Read on, as soon as that is possible."""
        if not self._paused or self._pending_size > HIGH_WATER:
            return
        if self._memory.is_short:
            self._memory.when_there_is_room(self._go_on)
        else:
            self._paused = False
            self._transport.resume_reading()
