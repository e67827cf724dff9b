"""Slowing down whoever guesses passwords.

Counts are kept in memory: a restart forgives, which costs a guesser more time than it gives.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address


@dataclass(slots=True)
class _Window:
    since: datetime
    tries: int = 0


class Throttle:
    """At most `limit` tries a `period` for each key; the keys used least recently are forgotten beyond `capacity`."""

    def __init__(self, limit: int, period: timedelta, capacity: int = 10_000) -> None:
        self._limit, self._period, self._capacity = limit, period, capacity
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def take(self, key: str, now: datetime) -> bool:
        """Count a try; whether it may be made. Counted before it is made, so that many at once gain nothing."""
        window = self._windows.get(key)
        if window is None or now - window.since >= self._period:
            window = self._windows[key] = _Window(now)
        self._windows.move_to_end(key)
        if len(self._windows) > self._capacity:
            self._windows.popitem(last=False)
        window.tries += 1
        return window.tries <= self._limit

    def give_back(self, key: str) -> None:
        """The try was an honest one: it does not count."""
        if window := self._windows.get(key):
            window.tries -= 1


def network(client: str) -> str:
    """What counts as one client: an address, or the /64 that an IPv6 client chooses its addresses from."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return client
