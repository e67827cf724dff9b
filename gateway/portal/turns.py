"""Turns at work that takes long: clients take them one after another, however much each of them asks for.

A client may have a few turns at once, and so may a link, so that one invitation does not pass for many clients. When
all places are taken, the client with the most of them gives one up.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.errors import TryAgain


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a turn: a client, and by which link, if by one."""

    client: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """How many turns may be taken at once, and how many may be waited for; of one client or link, both together."""

    at_once: int = 2
    at_once_of_a_client: int = 2
    waiting: int = 64
    of_a_client: int = 8
    of_a_link: int = 2


@dataclass(eq=False, slots=True)
class _Ticket:
    asker: Asker
    called: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Whose turn has come; TryAgain for who has to give their place to another."""


class Turns:
    """Turns at one kind of work."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Ticket]] = OrderedDict()
        """Who waits, by client, in the order in which clients are called."""
        self._held: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def turn(self, asker: Asker) -> AsyncIterator[None]:
        """Wait for a turn, and have it. Raises TryAgain where too many are asked for."""
        ticket = self._enter(asker)
        try:
            await ticket.called
            yield
        finally:
            self._leave(ticket)

    def _enter(self, asker: Asker) -> _Ticket:
        places, held = self._places, self._held
        if held["client", asker.client] >= places.of_a_client or (
            asker.link and held["link", asker.link] >= places.of_a_link
        ):
            raise TryAgain("too many turns at once for one client or link")
        if sum(map(len, self._waiting.values())) >= places.waiting:
            self._make_room(asker)
        ticket = _Ticket(asker)
        held.update(_keys(asker))
        self._waiting.setdefault(asker.client, deque()).append(ticket)
        self._call()
        return ticket

    def _make_room(self, asker: Asker) -> None:
        """Send the last comer of the client that waits for the most turns away, if that is not the asker."""
        longest = max(self._waiting.values(), key=len, default=None)
        if longest is None or len(longest) <= len(self._waiting.get(asker.client, ())) + 1:
            raise TryAgain("too many turns are waited for")
        called = self._drop(longest[-1])
        if not called.done():  # or nobody waits any more
            called.set_exception(TryAgain("another client has got the place"))

    def _call(self) -> None:
        """Give free turns to those whose turn it is."""
        while self._running.total() < self._places.at_once and (client := self._next()):
            self._waiting.move_to_end(client)
            called = self._drop(self._waiting[client][0])
            if not called.done():  # or nobody waits any more
                self._running[client] += 1
                called.set_result(None)

    def _next(self) -> str | None:
        """Whose turn it is."""
        most = self._places.at_once_of_a_client
        return next((client for client in self._waiting if self._running[client] < most), None)

    def _drop(self, ticket: _Ticket) -> asyncio.Future[None]:
        """Take a ticket out of those that wait."""
        tickets = self._waiting[ticket.asker.client]
        tickets.remove(ticket)
        if not tickets:
            del self._waiting[ticket.asker.client]
        return ticket.called

    def _leave(self, ticket: _Ticket) -> None:
        self._held -= Counter(_keys(ticket.asker))
        called = ticket.called
        if ticket in self._waiting.get(ticket.asker.client, ()):
            self._drop(ticket)
        elif not called.cancelled() and called.exception() is None:
            self._running -= Counter([ticket.asker.client])
            self._call()


def _keys(asker: Asker) -> list[tuple[str, str]]:
    return [("client", asker.client), *([("link", asker.link)] if asker.link else [])]
