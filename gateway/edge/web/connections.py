"""Connections of web clients under limits that uvicorn has not: how many there may be, and for how long one may be
silent, dribble, or leave an answer unread.

There is no timer a connection: once a second all of them are looked at. Where they run short, the one that got on
least makes room for the next, so that silent clients cannot keep an honest one out.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.edge.smtp.limits import address_key
from gateway.edge.web.proxies import Networks, address_in, is_within

LOOK_EVERY = 1.0
"""Seconds."""
PATIENCE = 30.0
"""Seconds for the whole head of a request, for a span of its body, and for the next octet of an answer to be read."""
LEAST_RATE = 1000
"""Octets a second of a body, over that span: less than the slowest mobile network."""
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"  # RFC 9110 §15.5.9


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections there may be; a trusted proxy brings many clients, and may have all of them."""

    connections: int = 1000
    connections_an_address: int = 100


class ClientSession(Protocol):
    """A connection, as far as its limits go."""

    address: str
    """Whose it is: an IPv4 address, or the /64 of an IPv6 client; "" for a trusted proxy."""
    got_on_at: float
    """When it last got on, in the loop's seconds."""

    @property
    def is_waited_for(self) -> bool:
        """Whether its client is working on something for us, not we for it."""
        ...

    def dismiss(self) -> None: ...

    def look(self, now: float) -> None:
        """Dismiss it if it has not got on for too long; to be called once a second."""
        ...


class Connections:
    """All connections of one listener."""

    def __init__(self, caps: Limits, trusted: Networks = ()) -> None:
        self._caps, self._trusted = caps, trusted
        self._guests: dict[str, set[ClientSession]] = {}

    def follow(self, caps: Limits, trusted: Networks) -> None:
        """Go by other limits from now on; nobody is sent away for that."""
        self._caps, self._trusted = caps, trusted

    def whose(self, host: str) -> str:
        """The key by which a client's connections are counted together."""
        address = address_in(host)
        return "" if address is None or is_within(address, self._trusted) else address_key(address)

    def admit(self, session: ClientSession) -> bool:
        """Let a connection in, in another's place if need be."""
        own = self._guests.get(session.address, set())
        if session.address and len(own) >= self._caps.connections_an_address and not _make_room(own):
            return False
        if len(self.all) >= self._caps.connections and not _make_room(self.all):
            return False
        self._guests.setdefault(session.address, set()).add(session)
        return True

    def leave(self, session: ClientSession) -> None:
        sessions = self._guests.get(session.address, set())
        sessions.discard(session)
        if not sessions:
            self._guests.pop(session.address, None)

    @property
    def all(self) -> list[ClientSession]:
        return [session for sessions in self._guests.values() for session in sessions]

    async def watch(self) -> None:
        """Look at all of them, again and again."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for session in self.all:
                session.look(loop.time())


def _make_room(sessions: Iterable[ClientSession]) -> bool:
    """End the one that got on least, of those that we wait for."""
    last = min(
        (session for session in sessions if session.is_waited_for), key=lambda session: session.got_on_at, default=None
    )
    if last:
        last.dismiss()
    return last is not None


class Connection(H11Protocol):
    """uvicorn's connection, under the `limits`, which a subclass for each listener names."""

    limits: ClassVar[Connections]
    address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.got_on_at = self.loop.time()
        self._received = self._received_before = self._unread_before = 0
        self.address = self.limits.whose(self.client[0] if self.client else "")
        if not self.limits.admit(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.limits.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._get_on()
        super().on_response_complete()

    @property
    def _awaits_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_waited_for(self) -> bool:
        if self._awaits_head or self.transport.is_closing():
            return True
        return self.cycle.more_body and not self.cycle.waiting_for_100_continue and not self.flow.read_paused

    def look(self, now: float) -> None:
        if self._gets_on():
            self._get_on()
        elif now - self.got_on_at > PATIENCE:
            self.dismiss()

    def _gets_on(self) -> bool:
        """Whether we have no reason to complain: an answer is being read, a body comes fast enough, or it is our turn.

        A head has a time in which it must be whole, however it comes.
        """
        unread, before = self.transport.get_write_buffer_size(), self._unread_before
        self._unread_before = unread
        if unread:
            return unread != before
        if self._awaits_head or self.transport.is_closing():
            return False
        return not self.is_waited_for or self._received - self._received_before >= LEAST_RATE * PATIENCE

    def _get_on(self) -> None:
        self.got_on_at, self._received_before = self.loop.time(), self._received

    def dismiss(self) -> None:
        """End it, with a word where a request has been begun and nothing been answered."""
        self.limits.leave(self)
        begun = self._received > self._received_before and not (self.cycle and self.cycle.response_started)
        if begun and not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()
        else:
            self.transport.abort()


def under(connections: Connections) -> type[Connection]:
    """The protocol of a listener."""
    space: dict[str, Any] = {"limits": connections}
    return type("Limited", (Connection,), space)
