"""The SMTP listener as a whole: where sessions come in, what they share, and how they end."""

import asyncio
import socket
from typing import Any

from gateway.edge.intake import Intake
from gateway.edge.limits import Memory, Sessions
from gateway.edge.reception import Reception, Threads
from gateway.edge.smtp_in import Listener, Policy
from gateway.flow.take_in import Taking

THREADS = 8
"""How many mails are sealed and synced to disk at the same time."""
BACKLOG = 1024
"""Connections that may wait to be let in."""
DRAIN_SECONDS = 10
"""How long sessions that are in a transaction are waited for when the listener closes."""


class MailServer:
    """The listener as a whole: its sessions, and what they share."""

    def __init__(self, intake: Intake, policy: Policy, hostname: str) -> None:
        self.intake = intake
        self.policy = policy
        self.hostname = hostname
        self.sessions = Sessions(policy.caps)
        self.is_closing = False
        self.now = asyncio.get_running_loop().time
        self._memory = Memory(policy.caps.memory)
        self._threads = Threads.start(THREADS)
        self._pattern = Listener(self)

    async def listen(self, bound: socket.socket) -> None:
        """Let clients in through a socket that is bound."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._pattern.another, sock=bound, backlog=BACKLOG)
        self._sweeper = loop.create_task(self._sweep())
        self.intake.figures.sessions.set_function(lambda: self.sessions.count)

    def reception(self, taking: Taking, transport: Any) -> Reception:
        """A mail begins to arrive."""
        return Reception(taking, transport, self._memory, self._threads, self.policy.max_size)

    async def close(self) -> None:
        """Take no new sessions; let those that are handing in a mail end, within `DRAIN_SECONDS`."""
        self.is_closing = True
        self._server.close()
        deadline = self.now() + DRAIN_SECONDS
        while self.sessions.count and self.now() < deadline:
            for guest in self.sessions.all:
                if not guest.in_transaction:
                    guest.dismiss("421 4.3.2 Shutting down")
            await asyncio.sleep(0.05)
        for guest in self.sessions.all:
            guest.dismiss("421 4.3.2 Shutting down")
        self._sweeper.cancel()
        if self.policy.logins:
            self.policy.logins.close()
        self._threads.shutdown()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.sessions.sweep(self.now())


async def listen(intake: Intake, policy: Policy, hostname: str, bound: socket.socket) -> MailServer:
    """Open the listener. aiosmtpd's own Controller would want a thread of its own."""
    server = MailServer(intake, policy, hostname)
    await server.listen(bound)
    return server
