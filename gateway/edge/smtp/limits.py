"""What one client, and all of them together, may take of the listener: sessions, time, errors, memory.

There is no timer a session: once a second all of them are looked at. Where sessions run short, the one that has got on
least makes room for the next, so that neither idle nor dribbling clients can keep an honest one out.
"""

import ipaddress
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

COMMAND_SECONDS = 300  # RFC 5321 §4.5.3.2.7
CROWDED_SECONDS = 10
"""How long a session may be idle while more than three quarters of all sessions are taken."""
RATE_SECONDS = 20
"""The span over which the rate of DATA is judged."""
GRACE_SECONDS = 2
"""A session that got on within this time is not sent away for another's sake."""
KEPT = 4
"""One session of so many is kept for clients that are trusted."""
ERRORS = 50
"""Refused commands in a row, without a mail that was taken, before a session is ended."""
IDLE_COMMANDS = 100
"""Commands in a row that hand in nothing (NOOP, RSET, EHLO …)."""
ERRORS_AN_ADDRESS = 500
"""Refused commands of one address within an hour, over all its sessions, before it is sent away."""
ERRORS_SECONDS = 3600
_MAKING_ROOM = "421 4.3.2 Making room for others, please come back later"


class ClientSession(Protocol):
    """A session, as far as its limits go."""

    @property
    def address(self) -> str:
        """Whose session it is: an IPv4 address, or the /64 that an IPv6 client chooses its addresses from."""
        ...

    @property
    def network(self) -> str:
        """The network that it comes from: the /24 of an IPv4 address, the /48 of an IPv6 one."""
        ...

    @property
    def is_trusted(self) -> bool:
        """Whether it comes from where mail may be relayed for."""
        ...

    @property
    def got_on_at(self) -> float:
        """When it last got on, in the loop's seconds: by a whole command, or by enough content."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether it is about to hand in a mail."""
        ...

    def dismiss(self, reply: str) -> None:
        """Say a last word and close."""
        ...

    def too_slow(self, now: float, least_rate: int) -> bool:
        """Whether content comes in slower than `least_rate` octets a second, while it is awaited."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much there may be of everything."""

    sessions: int = 1000
    sessions_an_address: int = 200
    sessions_a_network: int = 400
    """Of one network that is not trusted."""
    recipients: int = 1000
    least_rate: int = 100
    """Octets a second in DATA."""
    memory: int = 64_000_000
    """Octets of content that all sessions together may have in memory before they are read no further."""


class Sessions:
    """All sessions of the listener. A part of them is kept for clients that are trusted: the practice's own server is
    not refused because strangers are many.
    """

    def __init__(self, caps: Limits) -> None:
        self._caps = caps
        self._guests: dict[str, set[ClientSession]] = {}
        """By address; those of strangers by network as well."""
        self._strangers: set[ClientSession] = set()
        self._trusted: set[ClientSession] = set()
        self._leaving: set[ClientSession] = set()
        """Those that made room, until their connection is gone."""
        self._full_until = 0.0
        """Before then no stranger makes room for another: looking at all of them for each that comes is dear."""
        self._errors: Counter[str] = Counter()
        self._errors_since = 0.0

    def follow(self, caps: Limits) -> None:
        """Go by other limits from now on; nobody is sent away for that."""
        self._caps = caps

    @property
    def count(self) -> int:
        return len(self._strangers) + len(self._trusted) + len(self._leaving)

    @property
    def all(self) -> list[ClientSession]:
        return [*self._trusted, *self._strangers, *self._leaving]

    def admit(self, guest: ClientSession, now: float) -> str:
        """Let a session in; a reply that sends it away if that cannot be."""
        if self._errors[guest.address] >= ERRORS_AN_ADDRESS:
            return "421 4.7.0 Too many errors from your address, please come back later"
        if not self._has_room_for_more(guest.address, self._caps.sessions_an_address, now):
            return "421 4.7.0 Too many sessions from your address, please come back later"
        if not guest.is_trusted and not self._has_room_for_more(guest.network, self._caps.sessions_a_network, now):
            return "421 4.7.0 Too many sessions from your network, please come back later"
        if not (self._has_room_for_trusted(now) if guest.is_trusted else self._has_room_for_a_stranger(now)):
            return "421 4.3.2 Too many sessions here, please come back later"
        for key in (guest.address,) if guest.is_trusted else (guest.address, guest.network):
            self._guests.setdefault(key, set()).add(guest)
        (self._trusted if guest.is_trusted else self._strangers).add(guest)
        return ""

    def trust(self, guest: ClientSession) -> None:
        """Somebody has signed in: their session is one of those that strangers do not displace."""
        if guest in self._strangers:
            self._strangers.discard(guest)
            self._guests[guest.network].discard(guest)
            self._trusted.add(guest)

    def leave(self, guest: ClientSession) -> None:
        self._forget(guest)
        self._leaving.discard(guest)

    def count_error(self, guest: ClientSession) -> None:
        self._errors[guest.address] += 1

    def sweep(self, now: float) -> None:
        """Send away who is idle for too long or dribbles content; to be called once a second."""
        self._sweep(self._strangers, self._most_strangers, now)
        self._sweep(self._trusted, self._caps.sessions - len(self._strangers), now)
        for guest in list(self._leaving):
            guest.dismiss(_MAKING_ROOM)
        if now - self._errors_since > ERRORS_SECONDS:
            self._errors.clear()
            self._errors_since = now

    def _sweep(self, guests: set[ClientSession], most: int, now: float) -> None:
        patience = CROWDED_SECONDS if len(guests) > most * 3 // 4 else COMMAND_SECONDS
        for guest in list(guests):
            if guest.too_slow(now, self._caps.least_rate):
                guest.dismiss("421 4.4.2 Your content comes too slowly")
            elif now - guest.got_on_at > patience:
                guest.dismiss("421 4.4.2 Idle for too long")

    @property
    def _most_strangers(self) -> int:
        return self._caps.sessions - self._caps.sessions // KEPT

    @property
    def _is_full(self) -> bool:
        return len(self._strangers) + len(self._trusted) >= self._caps.sessions

    def _has_room_for_more(self, key: str, most: int, now: float) -> bool:
        own = self._guests.get(key, set())
        return len(own) < most or self._make_room(own, now)

    def _has_room_for_trusted(self, now: float) -> bool:
        return not self._is_full or self._make_room(self._strangers, now, 0) or self._make_room(self._trusted, now)

    def _has_room_for_a_stranger(self, now: float) -> bool:
        if len(self._strangers) < self._most_strangers and not self._is_full:
            return True
        if now < self._full_until or not self._strangers:
            return False
        self._full_until = min(guest.got_on_at for guest in self._strangers) + GRACE_SECONDS
        return self._make_room(self._strangers, now)

    def _make_room(self, guests: set[ClientSession], now: float, grace: float = GRACE_SECONDS) -> bool:
        """End the session that has got on least, if that was so long ago."""
        last = min(guests, key=lambda guest: guest.got_on_at, default=None)
        if last is None or now - last.got_on_at < grace:
            return False
        self._forget(last)  # its connection may take a while to go
        self._leaving.add(last)
        last.dismiss(_MAKING_ROOM)
        return True

    def _forget(self, guest: ClientSession) -> None:
        for key in (guest.address, guest.network):
            guests = self._guests.get(key, set())
            guests.discard(guest)
            if not guests:
                self._guests.pop(key, None)
        self._strangers.discard(guest)
        self._trusted.discard(guest)


def address_key(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """What counts as one client."""
    return str(ip) if ip.version == 4 else str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))


def network_key(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """What counts as one network: about what one customer of a provider gets."""
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))


class Memory:
    """The octets of content that all sessions together hold in memory. Nobody is refused: reading stops."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def follow(self, most: int) -> None:
        """Go by another limit from now on."""
        self._most = most

    @property
    def is_short(self) -> bool:
        return self._held >= self._most

    def take(self, octets: int) -> None:
        self._held += octets

    def give_back(self, octets: int) -> None:
        self._held -= octets
        while self._waiting and not self.is_short:
            self._waiting.popleft()()

    def when_there_is_room(self, go_on: Callable[[], None]) -> None:
        self._waiting.append(go_on)
