"""What a session asks of us: who may write to whom, and the taking in of a mail. 250 only after the commit."""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from aiosmtpd.smtp import Envelope, Session

from gateway.domain.decide import Verdict
from gateway.edge.accept import accept_mail, log_refusal, log_taken, new_queue_id, outcomes
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.metrics import Figures
from gateway.edge.smtp import sign_in
from gateway.edge.smtp.limits import address_key
from gateway.edge.smtp.policy import Client, Policy
from gateway.edge.smtp.reception import Reception
from gateway.edge.traces import UNTRACED, Span, Traces
from gateway.errors import GatewayError, RelayDenied, TryAgain
from gateway.flow.accounts import attempts
from gateway.flow.context import Desk
from gateway.flow.inbound.mail_receiver import MailReceiver, SealedForms
from gateway.flow.inbound.understand import IncomingMail, Submission, recipient_of
from gateway.mail.headers import received
from gateway.ports import ContentStore

log = structlog.get_logger()


class Talking(sign_in.Dialogue, Protocol):
    """The session that asks: aiosmtpd's, with the client as we judge it."""

    client: Client
    session: Session | None
    envelope: Envelope | None
    hostname: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail that begins to arrive, under the name that it has in our trace field and in our reply."""

    queue_id: str
    receiver: MailReceiver
    place: str
    """The client's address."""


class SmtpHandler:
    """aiosmtpd's handler of all sessions."""

    def __init__(
        self,
        desk: Desk,
        content: ContentStore,
        policy: Policy,
        figures: Figures | None = None,
        traffic: Traffic | None = None,
        traces: Traces = UNTRACED,
    ) -> None:
        self._traces = traces
        self.figures = figures or Figures()
        self._traffic = traffic or Traffic()
        self._desk = desk
        self._content = content
        self._policy = policy

    def follow(self, policy: Policy) -> None:
        """Go by other settings from now on."""
        self._policy = policy

    def client(self, host: str) -> Client:
        """Judge a client by its address; IPv4 that came in over an IPv6 socket is IPv4."""
        ip = ipaddress.ip_address(host)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        authenticated = any(ip in network for network in self._policy.submission)
        may_relay = authenticated or any(ip in network for network in self._policy.trusted)
        shared = not may_relay and any(ip in network for network in self._policy.shared)
        return Client(ip, may_relay or shared, authenticated, must_show=shared)

    async def handle_AUTH(  # noqa: N802 - aiosmtpd's name, as below
        self, server: Talking, session: Session, _envelope: Envelope, words: list[str]
    ) -> str | None:
        """What a client hears that signs in; None if it has heard it already."""
        logins = self._policy.logins
        if logins is None or words[0] not in sign_in.MECHANISMS:
            return "504 5.5.4 Unrecognized authentication type"
        said = await sign_in.dialogue(server, words)
        if said is None:
            return None
        try:
            login, reply = await logins.sign_in(self._desk, *said, client=address_key(server.client.ip))
            self.figures.signed_in(reply)
            await self._note_sign_in(str(server.client.ip), said[0], login, reply)
        except TryAgain:  # nobody comes in uncounted or unrecorded
            return sign_in.BUSY
        if login:
            session.authenticated = True
            server.client = replace(server.client, may_relay=True, must_show=False, login=login)
        return reply

    async def _note_sign_in(self, place: str, typed: str, login: str, reply: str) -> None:
        """The audit hears of who signs in, and of who cannot; not of those whose password was not looked at."""
        if login:
            await self._desk.at(place).do(attempts.login_used, login)
        elif reply == sign_in.WRONG and self._policy.logins:
            await self._desk.at(place).do(attempts.login_refused, self._policy.logins.known(typed))

    async def handle_RCPT(  # noqa: N802
        self, server: Talking, _session: Session, envelope: Envelope, typed: str, options: list[str]
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

    def arrival(self, server: Talking) -> Arrival:
        """DATA was asked for: be ready for content."""
        queue_id = new_queue_id()
        assert server.envelope is not None  # noqa: S101 - the session saw to that
        submission = _submission(server.envelope, server.client, self._policy.authserv_id, queue_id)
        trace = self._trace(server, queue_id)
        receiver = MailReceiver(self._desk.site, self._desk.keys, self._content, submission, trace)
        return Arrival(queue_id, receiver, str(server.client.ip))

    async def take(self, reception: Reception, arrival: Arrival) -> str:
        """Take a mail in as it comes; the reply to its end."""
        with self._traces.span("accept", arrival.queue_id, begins=True, way="smtp") as span:
            reply = await self._taken(reception, arrival, span)
            span.tell(reply=reply[:3], size=reception.size)
            return reply

    async def _taken(self, reception: Reception, arrival: Arrival, span: Span) -> str:
        try:
            incoming, forms = await reception.taken()
            # A client that goes away now does not take the mail along: once it may be committed, it is ours.
            verdicts = await asyncio.shield(self._commit(arrival, incoming, forms))
            span.tell(outcome=outcomes(verdicts))
        except GatewayError as refusal:
            self.figures.refused(refusal.smtp_reply)
            log_refusal(refusal, queue_id=arrival.queue_id)
            return refusal.smtp_reply
        return f"250 2.0.0 Ok: queued as {arrival.queue_id}"

    async def _commit(self, arrival: Arrival, incoming: IncomingMail, forms: SealedForms) -> Sequence[Verdict]:
        try:
            verdicts = await accept_mail(self._desk.at(arrival.place), incoming, forms)
        except Exception:
            arrival.receiver.abandon()
            raise
        self._traffic.came_in()
        for verdict in verdicts:
            self.figures.taken(verdict.action.value)
        log_taken(incoming, verdicts)
        return verdicts

    def _check_recipient(self, client: Client, typed: str) -> None:
        """Raises RelayDenied, BadRecipient."""
        if recipient_of(self._desk.site, typed).gateway is None and not client.may_relay:
            raise RelayDenied

    def _trace(self, server: Talking, queue_id: str) -> str:
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


def _submission(envelope: Envelope, client: Client, authserv_id: str, queue_id: str) -> Submission:
    return Submission(
        mail_from="" if envelope.mail_from in (None, "<>") else envelope.mail_from,  # aiosmtpd's null sender
        recipients=tuple(envelope.rcpt_tos),
        trusted=client.may_relay,
        authenticated=client.authenticated,
        authserv_id=authserv_id,
        login=client.login,
        must_show=client.must_show,
        queue_id=queue_id,
    )


def _with(server: Talking) -> str:
    """What the protocol's name tells of TLS and of signing in (RFC 3848)."""
    session = server.session
    secured = session is not None and session.extended_smtp and session.ssl
    return ("S" if secured else "") + ("A" if server.client.login else "")
