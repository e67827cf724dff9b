"""Who asks: the client that a trusted proxy names, and nobody whom anybody else names.

Each proxy adds the address that it was asked from at the end of X-Forwarded-For, so that the list is believed from its
end, as far as trusted proxies have written it. Forwarded (RFC 7239) is read where there is no X-Forwarded-For.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.edge.run.metrics import Figures
from gateway.errors import TryAgain
from gateway.flow.context import Desk
from gateway.flow.upkeep import proxies
from gateway.flow.upkeep.proxies import ProxyFault

log = structlog.get_logger()

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*"?([^";]*)', re.IGNORECASE)  # RFC 7239 §4
_TOLD_AGAIN = 3600.0
"""Seconds until the same doubt on the same peer is recorded once more."""
_MOST_TOLD = 8
"""How many peers are recorded in that time: strangers could make up any number."""


class ProxyHeaders:
    """ASGI middleware: puts the client that trusted proxies name into the scope.

    `doubted` is told each request that seems to come through a proxy which is not trusted, or which names no client
    although it must be one, since the site is reached by `https`, which we do not speak.
    """

    def __init__(
        self, app: ASGIApp, trusted: Networks, doubted: Callable[[str, ProxyFault], None], *, https: bool = False
    ) -> None:
        self._app, self._trusted, self._doubted, self._https = app, trusted, doubted, https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (peer := address_in((scope.get("client") or ("",))[0])):
            named = _named(Headers(scope=scope))
            if not is_within(peer, self._trusted):
                if named or "via" in Headers(scope=scope):
                    self._doubted(str(peer), ProxyFault.UNKNOWN)
            elif named:
                peer = _believed(named, peer, self._trusted)
            elif self._https and scope["method"] == "POST":
                self._doubted(str(peer), ProxyFault.MUTE)
            scope = {**scope, "client": (str(peer), 0)}
        await self._app(scope, receive, send)


def address_in(text: str) -> Address | None:
    """The address in an entry of either header, with or without a port; None for whatever else may stand there."""
    bare = text.strip().strip('"')
    if found := re.fullmatch(r"\[(.*)\](?::\d+)?|([^:]*):\d+", bare):
        bare = found[1] or found[2]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def _named(headers: Headers) -> list[str]:
    """Who is named, the nearest last."""
    if lines := headers.getlist("x-forwarded-for"):
        return ",".join(lines).split(",")
    elements = ",".join(headers.getlist("forwarded")).split(",")
    found = (_FOR.search(element) for element in elements if element.strip())
    return [one[1] if one else "" for one in found]


def _believed(named: Iterable[str], peer: Address, trusted: Networks) -> Address:
    """The nearest that is no trusted proxy; where there is none, or where what stands there is no address, the last
    proxy on the way to it.
    """
    for text in reversed(list(named)):
        address = address_in(text)
        if address is None:
            return peer
        peer = address
        if not is_within(peer, trusted):
            return peer
    return peer


class Doubts:
    """What is made of doubts: a warning in the log, once; a figure; and a note in the database, for `gateway check`."""

    def __init__(self, desk: Desk, figures: Figures) -> None:
        self._desk, self._figures = desk, figures
        self._warned: set[ProxyFault] = set()
        self._told: dict[tuple[str, ProxyFault], float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    def __call__(self, peer: str, doubt: ProxyFault) -> None:
        self._figures.proxy_doubted(doubt)
        if doubt not in self._warned:
            self._warned.add(doubt)
            log.warning(
                "clients of the portal cannot be told apart: see portal.trusted_proxies", peer=peer, it=doubt.value
            )
        now = time.monotonic()
        self._told = {key: at for key, at in self._told.items() if now - at < _TOLD_AGAIN}
        if (peer, doubt) not in self._told and len(self._told) < _MOST_TOLD:
            self._told[peer, doubt] = now
            note = asyncio.create_task(self._note(peer, doubt))
            self._notes.add(note)
            note.add_done_callback(self._notes.discard)

    async def _note(self, peer: str, doubt: ProxyFault) -> None:
        with contextlib.suppress(TryAgain):  # it will come again
            await self._desk.do(proxies.note, peer, doubt)
