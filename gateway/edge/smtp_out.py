"""Outgoing mail: the port `Mailer` over aiosmtplib, and the loop that empties the outbox."""

import asyncio
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import aiosmtplib
import structlog

from gateway.errors import GatewayError
from gateway.flow import deliver
from gateway.flow.context import Desk
from gateway.flow.write_out import Parcel, Writer
from gateway.ports import Mailer, Outcome

log = structlog.get_logger()

Tls = Literal["verified", "opportunistic", "none"]
TIMEOUT = 60
"""Seconds for each step of a session; RFC 5321 §4.5.3.2 allows more, but a hop next door needs less."""
AT_ONCE = 8
"""Sessions at the same time."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One mail server that we hand mail to."""

    host: str
    port: int
    tls: Tls = "verified"
    ca_file: Path | None = None
    username: str = ""
    password: str = ""


class SmtpMailer:
    """The port `Mailer`: one session a mail."""

    def __init__(self, hops: Mapping[str, Hop], hostname: str) -> None:
        self._hops = hops
        self._hostname = hostname

    async def send(self, hop: str, mail_from: str, recipient: str, octets: bytes) -> Outcome:
        target = self._hops.get(hop)
        if target is None:
            return Outcome(0, f"no relay is configured for {hop}")
        client = _client(target, self._hostname)
        try:
            async with client:
                if target.username:
                    await client.login(target.username, target.password)
                options = _options(client, mail_from, recipient, octets)
                _, said = await client.sendmail(mail_from, [recipient], octets, mail_options=options)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return Outcome(refused.recipients[0].code, refused.recipients[0].message)
        except aiosmtplib.SMTPResponseException as refused:
            return Outcome(refused.code, refused.message)
        except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
            return Outcome(0, f"{type(error).__name__}: {error}")
        return Outcome(250, said)


async def probe(hop: Hop, hostname: str) -> str:
    """Say EHLO to a hop, with TLS and sign-in as it will be used; the fault in words, or "" for none."""
    try:
        async with _client(hop, hostname) as client:
            await client.ehlo()
            if hop.username:
                await client.login(hop.username, hop.password)
    except (aiosmtplib.SMTPException, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _client(hop: Hop, hostname: str) -> aiosmtplib.SMTP:
    context = ssl.create_default_context(cafile=str(hop.ca_file) if hop.ca_file else None)
    if hop.tls != "verified":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    start_tls = {"verified": True, "opportunistic": None, "none": False}[hop.tls]
    return aiosmtplib.SMTP(
        hostname=hop.host,
        port=hop.port,
        start_tls=start_tls,
        tls_context=context,
        local_hostname=hostname,
        timeout=TIMEOUT,
    )


def _options(client: aiosmtplib.SMTP, mail_from: str, recipient: str, octets: bytes) -> list[str]:
    """What the mail needs said at MAIL FROM, where the hop offers it (RFC 6152, RFC 6531)."""
    options = []
    if not octets.isascii() and client.supports_extension("8bitmime"):
        options.append("BODY=8BITMIME")
    if not (mail_from.isascii() and recipient.isascii()) and client.supports_extension("smtputf8"):
        options.append("SMTPUTF8")
    return options


class Outbox:
    """Empties the outbox: starts at once when woken by a commit, and at each tick for what has become due."""

    def __init__(self, desk: Desk, writer: Writer, mailer: Mailer) -> None:
        self._desk = desk
        self._writer = writer
        self._mailer = mailer
        self._woken = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There may be something to send. Call it in the event loop."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; what is on the wire then is waited for."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                await self._drain()
        finally:
            if self._sending:
                await asyncio.wait(self._sending)

    async def _drain(self) -> None:
        while parcels := await self._claim():
            for parcel in parcels:
                task = asyncio.create_task(self._send(parcel))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
            while len(self._sending) >= AT_ONCE:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)

    async def _claim(self) -> list[Parcel]:
        try:
            return await self._desk.do(deliver.claim, AT_ONCE - len(self._sending))
        except GatewayError as error:
            log.warning("the outbox cannot be read; trying again at the next tick", error=str(error))
            return []

    async def _send(self, parcel: Parcel) -> None:
        try:
            await self._send_and_record(parcel)
        except GatewayError as error:  # not recorded: it is sent again when its lease ends
            log.error("what became of a mail could not be recorded", delivery=parcel.delivery.id, error=str(error))

    async def _send_and_record(self, parcel: Parcel) -> None:
        delivery = parcel.delivery
        try:
            octets = await asyncio.to_thread(self._writer.octets, parcel)
        except Exception as error:  # a site's template, altered octets: this mail must not stop the others
            log.exception("a mail cannot be written out", delivery=delivery.id, kind=delivery.kind)
            await self._desk.do(deliver.record_poison, delivery, type(error).__name__)
            return
        sender = self._writer.envelope_sender(delivery)
        outcome = await self._mailer.send(delivery.hop, sender, delivery.recipient, octets)
        spread = secrets.randbelow(1000) / 1000
        recorded = await self._desk.do(deliver.record, delivery, outcome, octets, spread)
        log.info(
            "sent" if outcome.sent else "not sent",
            delivery=delivery.id,
            kind=delivery.kind.value,
            notice=delivery.notice and delivery.notice.value,
            state=recorded.state.value,
            code=outcome.code,
        )
