"""What a session asks of us: who may write to whom, and the taking in of a mail. 250 only after the commit."""

import asyncio
import ipaddress
import secrets
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from aiosmtpd.smtp import Envelope, Session

from gateway.domain.decide import Verdict
from gateway.edge import sign_in
from gateway.edge.limits import address_key
from gateway.edge.metrics import Figures
from gateway.edge.reception import Reception
from gateway.edge.traffic import Traffic
from gateway.errors import GatewayError, RelayDenied, Unreadable
from gateway.flow import receive
from gateway.flow.context import Desk
from gateway.flow.take_in import Exits, Taking
from gateway.flow.understand import Draft, Submission, recipient_of
from gateway.mail.headers import received
from gateway.ports import ContentStore

if TYPE_CHECKING:
    from gateway.edge.smtp_in import Listener, Policy

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Client:
    """Who has connected, and what follows from where they are."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    may_relay: bool
    authenticated: bool
    login: str = ""
    """Who has signed in."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail that begins to arrive, under the name that it has in our trace field and in our reply."""

    queue_id: str
    taking: Taking


class Intake:
    """aiosmtpd's handler of all sessions."""

    def __init__(
        self,
        desk: Desk,
        content: ContentStore,
        policy: "Policy",
        figures: Figures | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.figures = figures or Figures()
        self._traffic = traffic or Traffic()
        self._desk = desk
        self._content = content
        self._policy = policy

    def client(self, host: str) -> Client:
        """Judge a client by its address; IPv4 that came in over an IPv6 socket is IPv4."""
        ip = ipaddress.ip_address(host)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        authenticated = any(ip in network for network in self._policy.submission)
        return Client(ip, authenticated or any(ip in network for network in self._policy.trusted), authenticated)

    async def handle_AUTH(  # noqa: N802 - aiosmtpd's name, as below
        self, server: "Listener", session: Session, _envelope: Envelope, words: list[str]
    ) -> str | None:
        """What a client hears that signs in; None if it has heard it already."""
        logins = self._policy.logins
        if logins is None or words[0] not in sign_in.MECHANISMS:
            return "504 5.5.4 Unrecognized authentication type"
        said = await sign_in.dialogue(server, words)
        if said is None:
            return None
        login, reply = await logins.sign_in(*said, client=address_key(server.client.ip))
        self.figures.signed_in(reply)
        if login:
            session.authenticated = True
            server.client = replace(server.client, may_relay=True, login=login)
        return reply

    async def handle_RCPT(  # noqa: N802
        self, server: "Listener", _session: Session, envelope: Envelope, typed: str, options: list[str]
    ) -> str:
        if typed == "<>":
            return "501 5.1.3 A recipient is needed"  # RFC 5321 §3.3: only a reverse-path may be null
        if len(envelope.rcpt_tos) >= self._policy.caps.recipients:
            return "452 4.5.3 Too many recipients"  # RFC 5321 §4.5.3.1.10
        try:
            self._check_recipient(server.client, typed)
        except GatewayError as refusal:
            return refusal.smtp_reply
        envelope.rcpt_tos.append(typed)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_exception(self, error: Exception) -> str:
        log.error("an SMTP session met an error", exc_info=error)
        return GatewayError.smtp_reply

    def arrival(self, server: "Listener") -> Arrival:
        """DATA was asked for: be ready for content."""
        queue_id = secrets.token_hex(6)
        assert server.envelope is not None  # noqa: S101 - the session saw to that
        submission = _submission(server.envelope, server.client, self._policy.authserv_id)
        trace = self._trace(server, queue_id)
        return Arrival(queue_id, Taking(self._desk.site, self._desk.keys, self._content, submission, trace))

    async def take(self, reception: Reception, arrival: Arrival) -> str:
        """Take a mail in as it comes; the reply to its end."""
        try:
            draft, exits = await reception.taken()
            # A client that goes away now does not take the mail along: once it may be committed, it is ours.
            await asyncio.shield(self._commit(arrival, draft, exits))
        except GatewayError as refusal:
            self.figures.refused(refusal.smtp_reply)
            log_refusal(refusal, queue_id=arrival.queue_id)
            return refusal.smtp_reply
        return f"250 2.0.0 Ok: queued as {arrival.queue_id}"

    async def _commit(self, arrival: Arrival, draft: Draft, exits: Exits) -> None:
        try:
            verdicts = await accepted(self._desk, draft, exits)
        except Exception:
            arrival.taking.abandon()
            raise
        self._traffic.came_in()
        for verdict in verdicts:
            self.figures.taken(verdict.action.value)
        log.info("mail taken", queue_id=arrival.queue_id, recipients=_told(draft, verdicts))

    def _check_recipient(self, client: Client, typed: str) -> None:
        """Raises RelayDenied, BadRecipient."""
        if recipient_of(self._desk.site, typed).gateway is None and not client.may_relay:
            raise RelayDenied

    def _trace(self, server: "Listener", queue_id: str) -> str:
        session, envelope = server.session, server.envelope
        assert session is not None and envelope is not None  # noqa: S101, PT018 - as above
        protocol = "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP" if session.extended_smtp else "SMTP"  # RFC 6531 §4.3
        return received(
            helo=session.host_name or "",
            peer=str(server.client.ip),
            by=server.hostname,
            protocol=protocol + _with(server),
            id=queue_id,
            at=self._desk.clock.now(),
        )


async def accepted(desk: Desk, draft: Draft, exits: Exits) -> Sequence[Verdict]:
    """Carry out what was understood, in a transaction. Raises GatewayError."""
    if not draft.is_heard:
        return receive.unheard(draft)
    run = desk.do_at_length if draft.is_read_here else desk.do  # LIST may be long
    return await run(receive.accept, draft, exits)


def log_refusal(refusal: GatewayError, **about: str) -> None:
    """Where our own reading has failed, its place is told, and nothing that the mail said."""
    if isinstance(refusal, Unreadable):
        log.error("we failed to read a mail; it is refused", reply=refusal.smtp_reply, fault=fault_of(refusal), **about)
    else:
        log.info("mail refused", reply=refusal.smtp_reply, error=str(refusal), **about)


def fault_of(error: BaseException) -> str:
    """What went wrong, and where in our code."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" in {frames[-1].name}, {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(cause).__name__}{place}"


def _submission(envelope: Envelope, client: Client, authserv_id: str) -> Submission:
    return Submission(
        mail_from="" if envelope.mail_from in (None, "<>") else envelope.mail_from,  # aiosmtpd's null sender
        recipients=tuple(envelope.rcpt_tos),
        trusted=client.may_relay,
        authenticated=client.authenticated,
        authserv_id=authserv_id,
        login=client.login,
    )


def _with(server: "Listener") -> str:
    """What the protocol's name tells of TLS and of signing in (RFC 3848)."""
    session = server.session
    secured = session is not None and session.extended_smtp and session.ssl
    return ("S" if secured else "") + ("A" if server.client.login else "")


def _told(draft: Draft, verdicts: Sequence[Verdict]) -> list[str]:
    """What is logged of each recipient: their domain and what became of their copy, never who they are."""
    pairs = zip(draft.recipients, verdicts, strict=True)
    return [f"{one.address.domain if one.address else '?'}: {verdict.reason.value}" for one, verdict in pairs]
