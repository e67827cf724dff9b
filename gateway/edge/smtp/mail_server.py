"""The SMTP listener as a whole: where sessions come in, what they share, and how they end."""

import asyncio
import socket
from typing import Any

from gateway.edge.smtp.entrance import Entrance
from gateway.edge.smtp.handler import SmtpHandler
from gateway.edge.smtp.limits import Memory, Sessions
from gateway.edge.smtp.policy import Policy
from gateway.edge.smtp.reception import Reception, Threads
from gateway.edge.smtp.session import Listener
from gateway.flow.inbound.mail_receiver import MailReceiver

THREADS = 8
"""How many mails are sealed and synced to disk at the same time."""
BACKLOG = 1024
"""Connections that may wait to be let in."""
DRAIN_SECONDS = 10
"""How long sessions that are in a transaction are waited for when the listener closes."""


class MailServer:
    """The listener as a whole: its sessions, and what they share."""

    def __init__(self, handler: SmtpHandler, policy: Policy, hostname: str) -> None:
        self.handler = handler
        self.policy = policy
        self.hostname = hostname
        self.sessions = Sessions(policy.caps)
        self.is_closing = False
        self.now = asyncio.get_running_loop().time
        self._memory = Memory(policy.caps.memory)
        self._threads = Threads.start(THREADS)
        self._pattern = Listener(self)

    async def listen(self, bound: socket.socket, bound_tls: socket.socket | None = None) -> None:
        """Let clients in through a socket that is bound, and through one on which TLS comes first."""
        loop = asyncio.get_running_loop()
        self._servers = [await loop.create_server(self._session, sock=bound, backlog=BACKLOG)]
        if bound_tls:
            self._servers.append(await loop.create_server(self._session_over_tls, sock=bound_tls, backlog=BACKLOG))
        self._sweeper = loop.create_task(self._sweep())
        self.handler.figures.sessions.set_function(lambda: self.sessions.count)

    def _session(self) -> Listener | Entrance:
        """The pattern of sessions may be another by the time that a client comes."""
        return Entrance(self._pattern.another(), None) if self.policy.balancers else self._pattern.another()

    def _session_over_tls(self) -> Entrance:
        return Entrance(self._pattern.another(), self.policy.tls)

    def follow(self, policy: Policy, hostname: str) -> None:
        """Go by other settings: new sessions wholly, those that run wherever nothing was promised to their client."""
        self.handler.follow(policy)
        self.policy, self.hostname = policy, hostname
        self.sessions.follow(policy.caps)
        self._memory.follow(policy.caps.memory)
        self._pattern = Listener(self)

    def reception(self, receiver: MailReceiver, transport: Any) -> Reception:
        """A mail begins to arrive."""
        return Reception(receiver, transport, self._memory, self._threads, self.policy.max_size)

    async def close(self) -> None:
        """Take no new sessions; let those that are handing in a mail end, within `DRAIN_SECONDS`."""
        self.is_closing = True
        for server in self._servers:
            server.close()
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


async def listen(
    handler: SmtpHandler,
    policy: Policy,
    hostname: str,
    bound: socket.socket,
    bound_tls: socket.socket | None = None,
) -> MailServer:
    """Open the listener. aiosmtpd's own Controller would want a thread of its own."""
    server = MailServer(handler, policy, hostname)
    await server.listen(bound, bound_tls)
    return server
