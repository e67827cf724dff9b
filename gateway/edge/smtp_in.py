"""The listener: an aiosmtpd session with a DATA reader of our own, and what it asks of the flows.

Declared policy for what RFC 5321 forbids: a message with a bare CR, a bare LF or a NUL is refused, so that no two
readers can disagree about where it ends (end-of-data smuggling); lines longer than 1,000 octets are taken and sent
on as they are.
"""

import asyncio
import ipaddress
import logging
import re
import secrets
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.edge.metrics import Figures
from gateway.errors import GatewayError, RelayDenied
from gateway.flow import receive, understand
from gateway.flow.context import Desk
from gateway.flow.receive import Exits
from gateway.flow.understand import Draft, Submission, recipient_of
from gateway.mail.headers import received
from gateway.ports import ContentStore

log = structlog.get_logger()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs whole command lines, tokens and all

MOST_RECIPIENTS = 1000
_END = b"\r\n.\r\n"
_EMPTY = b".\r\n"
_FORBIDDEN = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Policy:
    """What the listener is told by the settings."""

    trusted: tuple[Network, ...]
    submission: tuple[Network, ...]
    max_size: int
    authserv_id: str = ""
    tls: ssl.SSLContext | None = None


class Listener(SMTP):
    """One SMTP session. `aiosmtpd`'s own DATA reader is replaced: see `smtp_DATA`."""

    line_length_limit = 64 * 1024  # the reader's chunk, not a limit on lines

    def __init__(self, intake: "Intake", policy: Policy, hostname: str) -> None:
        self._max_size = policy.max_size
        self._sessions = intake.figures.sessions
        super().__init__(
            intake,
            hostname=hostname,
            ident="ESMTP",
            data_size_limit=policy.max_size,
            enable_SMTPUTF8=True,
            tls_context=policy.tls,
            timeout=300,  # RFC 5321 §4.5.3.2.7
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._original_transport is None:  # after STARTTLS it is the same session
            self._sessions.inc()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._sessions.dec()
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        if await self.check_helo_needed():
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_content()
        if content is None:
            status = "552 5.3.4 Message is larger than this site takes"  # RFC 1870 §6
        elif _FORBIDDEN.search(content):
            status = "550 5.6.0 Message refused: bare CR, bare LF or NUL in it (RFC 5321 2.3.8)"
        else:
            envelope.content = content
            status = await self._call_handler_hook("DATA")
        self._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped
        await self.push(status)

    async def _read_content(self) -> bytes | None:
        """Read up to the one true end of data, dots unstuffed (RFC 5321 §4.5.2); None if it is too large."""
        most = self._max_size + len(_END)
        content = bytearray(await self._first_octets())
        if content == _EMPTY:
            return b""
        size = len(content)
        while not content.endswith(_END):
            self._reset_timeout()  # a slow sender is not an idle one
            try:
                chunk = await self._reader.readuntil(_END)
            except asyncio.LimitOverrunError as more:
                chunk = await self._reader.readexactly(more.consumed)
            size += len(chunk)
            if size > most:
                del content[:]  # read on to the end of data, but keep nothing
            content += chunk
        if size > most:
            return None
        del content[-len(_EMPTY) :]
        stuffed = content[1:] if content.startswith(b".") else content
        return bytes(stuffed.replace(b"\r\n.", b"\r\n"))

    async def _first_octets(self) -> bytes:
        """Octets from the start, until none of them can belong to an end of data that is still to come."""
        octets = b""
        while octets != _EMPTY and not octets.endswith(_END):
            octets += await self._reader.readexactly(1)
            may_end = any(octets.endswith(_END[:length]) for length in range(1, len(_END)))
            if not may_end and not _EMPTY.startswith(octets):
                break
        return octets


class Intake:
    """What a session asks: who may write to whom, and the taking in of a message. 250 only after the commit."""

    def __init__(self, desk: Desk, content: ContentStore, policy: Policy, figures: Figures | None = None) -> None:
        self._desk = desk
        self._content = content
        self._policy = policy
        self.figures = figures or Figures()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, typed: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"  # RFC 5321 §4.5.3.1.10
        try:
            self._check_recipient(session, typed)
        except GatewayError as refusal:
            return refusal.smtp_reply
        envelope.rcpt_tos.append(typed)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        queue_id = secrets.token_hex(6)
        try:
            await self._take_in(self._submission(session, envelope), self._trace(server, session, envelope, queue_id))
        except GatewayError as refusal:
            log.info("mail refused", queue_id=queue_id, reply=refusal.smtp_reply, error=str(refusal))
            self.figures.refused(refusal.smtp_reply)
            return refusal.smtp_reply
        return f"250 2.0.0 Ok: queued as {queue_id}"

    async def handle_exception(self, error: Exception) -> str:
        log.error("an SMTP session met an error", exc_info=error)
        return GatewayError.smtp_reply

    def _check_recipient(self, session: Session, typed: str) -> None:
        """Raises RelayDenied, BadRecipient."""
        recipient = recipient_of(self._desk.site, typed)
        if recipient.gateway is None and not self._may_relay(session):
            raise RelayDenied

    def _may_relay(self, session: Session) -> bool:
        return _lies_in(session, self._policy.trusted) or _lies_in(session, self._policy.submission)

    def _submission(self, session: Session, envelope: Envelope) -> Submission:
        return Submission(
            octets=_octets(envelope),
            mail_from="" if envelope.mail_from in (None, "<>") else envelope.mail_from,  # aiosmtpd's null sender
            recipients=tuple(envelope.rcpt_tos),
            trusted=self._may_relay(session),
            authenticated=_lies_in(session, self._policy.submission),
            authserv_id=self._policy.authserv_id,
        )

    def _trace(self, server: SMTP, session: Session, envelope: Envelope, queue_id: str) -> str:
        protocol = "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP" if session.extended_smtp else "SMTP"  # RFC 6531 §4.3
        return received(
            helo=session.host_name or "",
            peer=str(_client(session)),
            by=server.hostname,
            protocol=protocol + ("S" if session.ssl and protocol != "SMTP" else ""),  # RFC 3848
            id=queue_id,
            at=self._desk.clock.now(),
        )

    async def _take_in(self, submission: Submission, trace: str) -> None:
        draft = await asyncio.to_thread(understand.understand, self._desk.site, submission)
        exits = await asyncio.to_thread(self._seal, draft, trace)
        try:
            verdicts = await self._desk.do(receive.accept, draft, exits)
        except BaseException:
            for sealed in filter(None, (exits.clear, exits.secure)):
                self._content.discard(sealed.content_id)
            raise
        for recipient, verdict in zip(draft.recipients, verdicts, strict=True):
            self.figures.taken(verdict.action.value)
            log.info(
                "mail taken",
                domain=recipient.address and recipient.address.domain,
                action=verdict.action.value,
                reason=verdict.reason.value,
            )

    def _seal(self, draft: Draft, trace: str) -> Exits:
        return Exits(
            clear=self._content.put(understand.clear_form(draft, trace)) if draft.needs_clear else None,
            secure=self._content.put(understand.secure_form(draft, trace)) if draft.needs_secure else None,
        )


def _lies_in(session: Session, networks: tuple[Network, ...]) -> bool:
    return any(_client(session) in network for network in networks)


def _client(session: Session) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The client's address; IPv4 that came in over an IPv6 socket is IPv4."""
    peer: Any = session.peer  # a socket's address, whatever aiosmtpd declares
    ip = ipaddress.ip_address(peer[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def _octets(envelope: Envelope) -> bytes:
    return envelope.content if isinstance(envelope.content, bytes) else b""


async def listen(intake: Intake, policy: Policy, hostname: str, at: tuple[str, int] | socket.socket) -> asyncio.Server:
    """Open the listener at an address, or on a socket that is bound. aiosmtpd's own Controller would want a thread."""
    loop = asyncio.get_running_loop()
    make: Any = lambda: Listener(intake, policy, hostname)  # noqa: E731 - a protocol factory
    where: Any = {"sock": at} if isinstance(at, socket.socket) else dict(zip(("host", "port"), at, strict=True))
    return await loop.create_server(make, **where)
