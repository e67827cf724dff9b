"""The wire to a hop: octets out with flow control, replies in, and one end to every trouble."""

import asyncio
from collections import deque
from typing import Any

from gateway.ports import Outcome

TIMEOUT = 60
"""Seconds to wait for a reply, or for room to write; RFC 5321 §4.5.3.2 allows more, a hop next door needs less."""
DOT_TIMEOUT = 300
"""Seconds to wait for the reply to the dot: giving up too soon is what sends a mail twice (RFC 5321 §4.5.3.2.6)."""
GOODBYE = 5
LONGEST_REPLY = 64 * 1024


class Wire(asyncio.Protocol):
    """One connection, used by one session.

    Nothing raises: when the connection is lost, in whatever way, every further reply is the `Outcome` that says so.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._replies: deque[Outcome] = deque()
        self._buffer = b""
        self._lines: list[str] = []
        self._lost: Outcome | None = None
        self.hung_up = False
        """Whether it was the hop who ended it."""
        self._paused = self._leaving = False
        self._waiter: asyncio.Future[None] | None = None
        transport.set_protocol(self)
        if transport.is_closing():
            self._lose(Outcome(0, "the connection was closed"))

    # ---------------------------------------------------------------------------------------------- for the session

    @property
    def lost(self) -> bool:
        return self._lost is not None

    @property
    def quiet(self) -> bool:
        """Whether the hop has said nothing that it was not asked, such as 421 before it hangs up."""
        return not (self.lost or self._replies or self._buffer or self._lines)

    def write(self, octets: bytes) -> None:
        if not self.lost:
            self._transport.write(octets)

    async def room(self) -> None:
        """Wait until what was written is on its way, so that memory stays flat."""
        while self._paused and not self.lost:
            await self._wait(TIMEOUT)

    async def reply(self, *, to_the_dot: bool = False) -> Outcome:
        """The next reply, or what the connection was lost by."""
        while not self._replies and self._lost is None:
            await self._wait(DOT_TIMEOUT if to_the_dot else TIMEOUT)
        return self._replies.popleft() if self._replies else self._lost or Outcome(0, "no reply")

    def leave(self) -> None:
        """Say QUIT, and go when the hop has answered (RFC 5321 §4.1.1.10), or soon."""
        self.write(b"QUIT\r\n")
        self._leaving = True
        self._loop.call_later(GOODBYE, self.abort)

    def abort(self, why: str = "the connection was dropped") -> None:
        """Go at once; content that was not ended by its dot is not taken."""
        self._lose(Outcome(0, why))
        self._transport.abort()

    async def _wait(self, seconds: float) -> None:
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self.abort, f"nothing came for {seconds} seconds")
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    # ------------------------------------------------------------------------------------------------ for asyncio

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            self._transport.close()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if not self.lost:
                self._line(line.rstrip(b"\r"))
        if len(self._buffer) + sum(map(len, self._lines)) > LONGEST_REPLY:
            self.abort("a reply without end")
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self.hung_up = self.hung_up or not self.lost
        self._lose(Outcome(0, f"the connection was lost ({exc})" if exc else "the hop hung up"))

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._go_on()

    def _line(self, line: bytes) -> None:
        """One line of a reply; all but the last have a hyphen behind the code (RFC 5321 §4.2.1)."""
        code, mark = line[:3], line[3:4]
        if not (code.isdigit() and code[:1] in b"2345" and mark in (b"", b" ", b"-")):
            self.abort("what the hop said is no reply")
            return
        self._lines.append(line[4:].decode("utf-8", "replace").strip())
        if mark != b"-":
            reply, self._lines = Outcome(int(code), "\n".join(self._lines)), []
            self._replies.append(reply)
            if reply.code == 421:  # the hop is leaving, and this is its answer to all that it was asked (RFC 5321 §3.8)
                self.hung_up = True
                self._lose(reply)
                self._transport.close()

    def _lose(self, last: Outcome) -> None:
        self._lost = self._lost or last
        self._go_on()

    def _go_on(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
