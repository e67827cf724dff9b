"""A connection before its session: until a load balancer has said who it is, and where TLS comes first."""

import asyncio
import ssl
from asyncio import sslproto
from typing import Any

import structlog

from gateway.edge.smtp.proxy_protocol import introduction
from gateway.edge.smtp.session import Listener
from gateway.errors import BadProxyHeader

log = structlog.get_logger()

PATIENCE = 10
"""Seconds for a balancer to say who has connected, and then for the TLS handshake."""


class Entrance(asyncio.Protocol):
    """One connection; `tls` is for a listener on which TLS comes first (RFC 8314 §3.3)."""

    def __init__(self, session: Listener, tls: ssl.SSLContext | None) -> None:
        self._session, self._tls = session, tls
        self._transport: Any = None
        self._begun = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # gone already
            transport.close()
        elif self._session.is_balancer(peer[0]):
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, transport.abort)  # type: ignore[attr-defined]
        else:
            self._let_in(peer[0], b"")

    def data_received(self, data: bytes) -> None:
        self._begun += data
        try:
            said = introduction(self._begun)
        except BadProxyHeader as error:
            peer = self._transport.get_extra_info("peername")[0]
            log.warning(
                "a load balancer did not say who has connected: see smtp.proxy_protocol", peer=peer, it=str(error)
            )
            self._transport.abort()
            return
        if said:
            host = said.host or self._transport.get_extra_info("peername")[0]
            self._let_in(host, self._begun[said.length :])

    def connection_lost(self, _error: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def _let_in(self, host: str, early: bytes) -> None:
        """The connection becomes the session's."""
        if self._timer:
            self._timer.cancel()
        session, transport = self._session, self._transport
        if not session.meet(transport, host):
            return
        if self._tls is None:
            transport.set_protocol(session)
            session.connection_made(transport)
            if early:
                session.data_received(early)
            return
        tls = session.begin_tls(self._tls, PATIENCE)
        transport.set_protocol(tls)
        tls.connection_made(transport)
        if early:
            _feed(tls, early)


def _feed(tls: sslproto.SSLProtocol, octets: bytes) -> None:
    """Hand on what was read together with the introduction, as the loop would have."""
    while octets:
        room = tls.get_buffer(len(octets))
        part = octets[: len(room)]
        room[: len(part)] = part
        tls.buffer_updated(len(part))
        octets = octets[len(part) :]
