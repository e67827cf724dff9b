"""One SMTP session: aiosmtpd's, with a DATA reader of our own, under limits of our own."""

import asyncio
import ipaddress
import logging
import re
import ssl
from asyncio import sslproto
from typing import Any, Protocol

import structlog
from aiosmtpd.smtp import SMTP, TLSSetupException

from gateway.edge.smtp import limits
from gateway.edge.smtp.handler import SmtpHandler
from gateway.edge.smtp.policy import Client, Policy
from gateway.edge.smtp.reception import Reception
from gateway.edge.smtp.sign_in import MECHANISMS
from gateway.flow.inbound.mail_receiver import MailReceiver

log = structlog.get_logger()
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd logs whole command lines, tokens and all

_COMMAND_OCTETS = 2048  # RFC 5321 §4.5.3.1.4 asks for 512, and what extensions add
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_PLAIN_PATH = re.compile(rf"(?:<({_ATOM}(?:\.{_ATOM})*@[\w.-]+)>|(<>))(?: +(.*))?")
_AUTH_PARAMETER = re.compile(r"(?i) AUTH=(?:<>|(?:[!-*,-<>-~]|\+[0-9A-F]{2})+)(?= |$)")  # RFC 4954 §8: xtext
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3} ")
_STATUS = {  # RFC 3463; for what aiosmtpd says without one
    b"221": b"2.0.0",
    b"250": b"2.0.0",
    b"252": b"2.5.0",
    b"421": b"4.3.2",
    b"451": b"4.3.0",
    b"500": b"5.5.2",
    b"501": b"5.5.4",
    b"502": b"5.5.1",
    b"503": b"5.5.1",
    b"552": b"5.3.4",
    b"553": b"5.1.3",
    b"555": b"5.5.4",
}


class Server(Protocol):
    """The listener as a whole, as each of its sessions needs it (mail_server.py)."""

    handler: SmtpHandler
    policy: Policy
    hostname: str
    sessions: limits.Sessions
    is_closing: bool

    def now(self) -> float: ...

    def reception(self, receiver: MailReceiver, transport: Any) -> Reception: ...


class _NoTimer:
    """In the place of aiosmtpd's timer of each session: `Sessions.sweep` is the only one."""

    def cancel(self) -> None: ...


class _CommandLimits(dict[str, int]):
    """aiosmtpd asks for each command's limit, known or not: nothing that a client says is remembered."""

    def __missing__(self, _command: str) -> int:
        return _COMMAND_OCTETS


class Listener(SMTP):
    """One SMTP session; edge/smtp/mail_server.py makes them."""

    command_size_limit = _COMMAND_OCTETS
    command_size_limits = _CommandLimits()
    line_length_limit = 2 * _COMMAND_OCTETS  # of command lines: content does not come this way

    client: Client
    address: str = ""
    network: str = ""
    is_trusted = False

    def __init__(self, server: Server) -> None:
        super().__init__(
            server.handler,
            hostname=server.hostname,
            ident="ESMTP",
            data_size_limit=server.policy.max_size,
            enable_SMTPUTF8=True,
            tls_context=server.policy.tls,
        )
        self._server = server
        self._timeout_handle: Any = _NoTimer()
        self._reception: Reception | None = None
        self._got_on_at = 0.0
        self._errors = self._idle_commands = 0
        if server.policy.logins is None:
            del self._smtp_methods["AUTH"]  # nobody can sign in here, so it is not known either

    def another(self) -> "Listener":
        """A fresh session like this one, which was never used.

        aiosmtpd's own way to make one looks through all names of class and handler, which takes as long as a mail.
        """
        one = Listener.__new__(Listener)
        one.__dict__.update(self.__dict__)
        reader = asyncio.StreamReader(limit=self.line_length_limit, loop=self.loop)
        asyncio.StreamReaderProtocol.__init__(one, reader, client_connected_cb=one._cb_client_connected, loop=self.loop)
        one._smtp_methods = {name: getattr(one, f"smtp_{name}") for name in self._smtp_methods}
        return one

    # --------------------------------------------------------------------------------------- a guest (see limits.py)

    @property
    def got_on_at(self) -> float:
        if self._reception is None:
            return self._got_on_at
        return self._server.now() if self._reception.ended else self._reception.got_on_at

    def too_slow(self, now: float, least_rate: int) -> bool:
        return self._reception is not None and self._reception.too_slow(now, least_rate)

    def dismiss(self, reply: str) -> None:
        if self.transport is None:
            return
        if self.session is None:  # TLS has not begun: no word of ours could be read
            self.transport.abort()  # type: ignore[attr-defined]  # as below
            return
        if self.transport.is_closing():  # dismissed before, and the last word is never read
            self.transport.abort()  # type: ignore[attr-defined]  # as every transport of the loop has it
            return
        self._writer.write(f"{reply}\r\n".encode())
        self.transport.close()

    @property
    def in_transaction(self) -> bool:
        """Whether the client is about to hand in a mail."""
        return self._reception is not None or bool(self.envelope and self.envelope.mail_from)

    # ------------------------------------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.address:  # not met at the entrance, and not after STARTTLS, when it is the same session
            peer = transport.get_extra_info("peername")
            if peer is None:  # gone already
                transport.close()
                return
            if not self.meet(transport, peer[0]):
                return
        super().connection_made(transport)
        if self._tls_protocol and self.session is not None:  # aiosmtpd says so after STARTTLS alone
            self.session.ssl = self._tls_protocol._extra

    def is_balancer(self, host: str) -> bool:
        """Whether it has to say who has connected to it."""
        ip = ipaddress.ip_address(host)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in self._server.policy.balancers)

    def meet(self, transport: asyncio.BaseTransport, host: str) -> bool:
        """Judge who has connected; False if there is no room for them, and they have been told."""
        self.client = self._server.handler.client(host)
        self.address, self.network = limits.address_key(self.client.ip), limits.network_key(self.client.ip)
        self.is_trusted = self.client.may_relay and not self.client.must_show
        self._got_on_at = self._server.now()
        if refusal := self._server.sessions.admit(self, self._got_on_at):
            _turn_away(transport, refusal)
            return False
        self.transport = transport
        return True

    def begin_tls(self, context: ssl.SSLContext, seconds: int) -> sslproto.SSLProtocol:
        """Have the session begin once the handshake is done, or never."""
        waiter = self.loop.create_future()
        waiter.add_done_callback(self._handshaken)
        self._tls_protocol = sslproto.SSLProtocol(
            self.loop, self, context, waiter, server_side=True, ssl_handshake_timeout=seconds
        )
        return self._tls_protocol

    def _handshaken(self, waiter: "asyncio.Future[None]") -> None:
        if not waiter.cancelled() and (error := waiter.exception()):
            self._note_failed_handshake(error)
        if self.session is None:
            self.connection_lost(None)  # the loop tells nobody of a session that never began

    def _note_failed_handshake(self, error: BaseException) -> None:
        log.info("a TLS handshake failed", client=str(self.client.ip), error=f"{type(error).__name__}: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._server.sessions.leave(self)
        if self.session is not None:  # else it was turned away
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """Nothing more can come: aiosmtpd ends the session, but leaves the socket to a task that may never have run."""
        if self.session is not None:
            super().eof_received()
        return False

    def data_received(self, data: bytes) -> None:
        if self._reception and not self._reception.ended:
            data = self._reception.data_received(data)
        if data and self.session is not None:
            super().data_received(data)

    def _reset_timeout(self, duration: float | None = None) -> None:  # noqa: ARG002 - no timer
        """aiosmtpd calls this for each command that it knows."""
        self._got_on_at = self._server.now()
        self._idle_commands += 1
        if self._idle_commands > limits.IDLE_COMMANDS:
            self.dismiss("421 4.7.0 Too many commands that hand in nothing")

    async def push(self, status: str | bytes) -> None:
        reply = status.encode() if isinstance(status, str) else status
        self._writer.write(self._with_status(reply) + b"\r\n")
        if reply.startswith(b"5"):
            self._errors += 1
            if not self.is_trusted:  # the practice's own server hands on what others do wrong
                self._server.sessions.count_error(self)
            if self._errors > limits.ERRORS:
                self.dismiss("421 4.7.0 Too many errors")
        await self._writer.drain()

    def _with_status(self, reply: bytes) -> bytes:
        """The reply with an enhanced status code (RFC 2034 §4), where aiosmtpd gives none."""
        status = _STATUS.get(reply[:3])
        if (
            not status
            or reply[3:4] != b" "
            or _ENHANCED.match(reply, 4)
            or not (self.session and self.session.extended_smtp)
        ):
            return reply
        return reply[:4] + status + reply[3:]

    # ------------------------------------------------------------------------------------------------------ commands

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name, as below
        if not hostname or self.session is None:
            await self.push("501 5.5.4 Syntax: EHLO hostname")
            return
        self._set_rset_state()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped, as below
        self.session.extended_smtp = True
        self.session.host_name = hostname
        offers = [f"SIZE {self.data_size_limit}", "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.tls_context and not self._tls_protocol:
            offers.append("STARTTLS")
        if self._server.policy.logins and self._tls_protocol:
            offers.append(f"AUTH {' '.join(MECHANISMS)}")
        lines = [self.hostname, *offers, "HELP"]
        await self.push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if self._tls_protocol:
            await self.push("503 5.5.1 TLS is on already")  # RFC 3207 §4.2
            return
        try:
            await super().smtp_STARTTLS(arg)
        except TLSSetupException as error:
            self._note_failed_handshake(error.__cause__ or error)
            if self._original_transport:
                self._original_transport.abort()  # type: ignore[attr-defined]  # as above
            self.connection_lost(None)  # the loop tells nobody of a session whose handshake failed
            return
        if self._tls_protocol and self.session is not None and self.session.ssl is None:
            self.connection_lost(None)  # the handshake was given up, and the loop tells nobody

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        """As aiosmtpd has it; what the client says is judged by `Intake.handle_AUTH`."""
        if self.envelope and self.envelope.mail_from is not None:
            await self.push("503 5.5.1 Not during a mail transaction")  # RFC 4954 §4
            return
        mechanism, _, initial = (arg or "").partition(" ")
        await super().smtp_AUTH(f"{mechanism.upper()} {initial}".strip())
        if self.client.login and not self.is_trusted:
            self.is_trusted = True
            self._server.sessions.trust(self)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if arg and self._server.policy.logins and self._tls_protocol:
            # RFC 4954 §5: who the client says has submitted it; only ever taken as <>, and never handed on.
            arg = _AUTH_PARAMETER.sub("", arg, count=1)
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        await super().smtp_RCPT(arg)
        if self.envelope and self.envelope.rcpt_tos:
            self._idle_commands = 0

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        arrival = self._server.handler.arrival(self)
        self._reception = self._server.reception(arrival.receiver, self.transport)
        self._hand_on_what_came_early()
        self._writer.write(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        complete = False
        try:
            reply = await self._server.handler.take(self._reception, arrival)
            self._conclude(reply)
            complete = self._reception.ended and not self._reception.is_smuggling
            await self.push(reply)
        finally:
            self._reception = None
            if not complete or self._server.is_closing:  # what is content, or may be to others, is no command
                self.dismiss("421 4.3.2 Closing the session")

    def _hand_on_what_came_early(self) -> None:
        """Content that a hasty client sent right behind the command lies with the commands."""
        early = bytes(self._reader._buffer)  # type: ignore[attr-defined]
        self._reader._buffer.clear()  # type: ignore[attr-defined]
        self._reader._maybe_resume_transport()  # type: ignore[attr-defined]
        if early:
            self.data_received(early)

    def _conclude(self, reply: str) -> None:
        self._got_on_at = self._server.now()
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        if reply.startswith("2"):
            self._errors = 0

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """The path of MAIL and RCPT, and what follows it; the stdlib's parser is for those that are not plain.

        A path has brackets (RFC 5321 §4.1.2): an address without them is a mistake in the client's settings.
        """
        if not arg.lstrip().startswith("<"):
            return None, None
        if plain := _PLAIN_PATH.fullmatch(arg.strip()):
            return plain[1] or plain[2], plain[3] or ""
        try:
            path, rest = super()._getaddr(arg)
            (path or "").encode()
        except (ValueError, LookupError, AttributeError, RecursionError):  # it may raise anything
            return None, None
        return path, rest


def _turn_away(transport: Any, reply: str) -> None:
    transport.write(f"{reply}\r\n".encode())
    transport.close()
