"""One session with a hop: set up by aiosmtplib, then one mail transaction after the other, pipelined."""

import asyncio
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import aiosmtplib

from gateway.edge.outbox.hop_wire import TIMEOUT, Wire
from gateway.mail.stuffing import stuffed
from gateway.ports import Mail, Outcome

Tls = Literal["verified", "opportunistic", "none"]
SMALL = 256 * 1024
"""Octets up to which a mail is sent in one piece; larger ones are read chunk by chunk."""
AT_HAND = 64 * 1024
"""Octets up to which its content lies in its row; larger ones are read in a thread."""
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"')
_NOT_PERMITTED = Outcome(553, "5.6.7 The next system does not take addresses that are not ASCII")  # RFC 6531 §3.5
_BAD_ADDRESS = Outcome(553, "5.1.3 Bad address syntax")
_NOT_ASKED = Outcome(503, "5.5.1 Not asked: nobody was accepted")


@dataclass(frozen=True)
class Hop:
    """One mail server that we hand mail to."""

    host: str
    port: int
    tls: Tls = "verified"
    ca_file: Path | None = None
    username: str = ""
    password: str = ""
    cert_file: Path | None = None
    """Our own certificate with its chain, for a hop that knows us by it; with its key, unless that has a file."""
    key_file: Path | None = None

    @cached_property
    def tls_context(self) -> ssl.SSLContext:
        """Made once: it takes longer to read the certificates than to send a hundred mails."""
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        if self.tls != "verified":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file, "")  # a password is never asked for
        return context


async def open_client(hop: Hop, hostname: str) -> aiosmtplib.SMTP:
    """Connect, say EHLO, start TLS and sign in, as the hop is set. Raises SMTPException, OSError."""
    client = aiosmtplib.SMTP(
        hostname=hop.host,
        port=hop.port,
        start_tls={"verified": True, "opportunistic": None, "none": False}[hop.tls],
        tls_context=hop.tls_context,
        local_hostname=hostname,
        timeout=TIMEOUT,
    )
    await client.connect()
    try:
        if client.is_ehlo_or_helo_needed:
            await _greet(client)
        if hop.username:
            await client.login(hop.username, hop.password)
    except BaseException:
        client.close()
        raise
    return client


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()  # RFC 5321 §3.2: a server may know no EHLO


async def open_session(hop: Hop, hostname: str) -> "HopSession":
    """A session that is ready for mail. Raises SMTPException, OSError."""
    client = await open_client(hop, hostname)
    if client.transport is None:
        raise aiosmtplib.SMTPServerDisconnected("the hop hung up")
    # aiosmtplib sends command by command and holds whole mails: from here on the connection is ours.
    return HopSession(Wire(client.transport), frozenset(client.esmtp_extensions))


class HopSession:
    """Mail transactions on one connection, one at a time."""

    def __init__(self, wire: Wire, offers: frozenset[str]) -> None:
        self.wire = wire
        self.mails = 0
        self.welcome = False
        """Whether the hop has agreed to anything of the latest transaction; until then it can have taken nothing."""
        self._offers = offers
        self._unfinished = False

    async def send(self, mail: Mail) -> tuple[Outcome, ...]:
        """Hand a mail over; an outcome for each recipient. Raises what reading its chunks raises: it is not taken."""
        self.mails, self.welcome = self.mails + 1, False
        outcomes = [self._unfit(mail.mail_from, recipient) for recipient in mail.recipients]
        fit = [recipient for recipient, outcome in zip(mail.recipients, outcomes, strict=True) if outcome is None]
        told = iter(await self._transact(mail, fit) if fit else [])
        return tuple(outcome or next(told) for outcome in outcomes)

    def _unfit(self, mail_from: str, recipient: str) -> Outcome | None:
        """Why a mail from and to these cannot be put to this hop."""
        if not (_speakable(mail_from) and _speakable(recipient)):
            return _BAD_ADDRESS
        ascii_only = (mail_from + recipient).isascii()
        return None if ascii_only or "smtputf8" in self._offers else _NOT_PERMITTED

    async def _transact(self, mail: Mail, recipients: list[str]) -> list[Outcome]:
        octets = await _whole(mail) if mail.size <= SMALL else None
        begin = f"MAIL FROM:<{mail.mail_from}>{self._options(mail, recipients, octets)}"
        rcpt, ready = await self._envelope(begin, recipients)
        accepted = [outcome.sent for outcome in rcpt]
        last = ready
        if ready.code == 354:
            # RFC 2920 §3.1: all may have been refused and DATA taken all the same; then the dot alone is sent.
            await self._content(mail, octets if any(accepted) else b"")
            last = await self.wire.reply(to_the_dot=True)
        elif ready.sent:
            last = Outcome(0, f"DATA was answered with {ready.code}")
        self._unfinished = not (ready.code == 354 and last.sent)
        return [last if taken else outcome for taken, outcome in zip(accepted, rcpt, strict=True)]

    def _options(self, mail: Mail, recipients: list[str], octets: bytes | None) -> str:
        """What the hop is told of the mail where it offers to hear it; without 8BITMIME it is sent as it is."""
        options = f" SIZE={mail.size}" if "size" in self._offers else ""  # RFC 1870 §5
        if "8bitmime" in self._offers and not (octets is not None and octets.isascii()):
            options += " BODY=8BITMIME"  # RFC 6152 §2; a large mail is not read twice to find out
        if not "".join((mail.mail_from, *recipients)).isascii():
            options += " SMTPUTF8"  # RFC 6531 §3.4
        return options

    async def _envelope(self, begin: str, recipients: list[str]) -> tuple[list[Outcome], Outcome]:
        """The reply for each recipient, and to DATA."""
        reset = ["RSET"] if self._unfinished else []
        rcpt = [f"RCPT TO:<{recipient}>" for recipient in recipients]
        pipelining = "pipelining" in self._offers
        if pipelining:
            self._say(*reset, begin, *rcpt, "DATA")  # RFC 2920 §3.1

        async def ask(command: str) -> Outcome:
            if not pipelining:
                self._say(command)
            reply = await self.wire.reply()
            self.welcome = self.welcome or reply.sent
            return reply

        for command in reset:
            await ask(command)
        mail = await ask(begin)
        asked = [await ask(command) if pipelining or mail.sent else mail for command in rcpt]
        told = asked if mail.sent else [mail for _ in rcpt]
        ready = await ask("DATA") if pipelining or any(one.sent for one in told) else _NOT_ASKED
        return told, ready

    def _say(self, *commands: str) -> None:
        self.wire.write("".join(f"{command}\r\n" for command in commands).encode())

    async def _content(self, mail: Mail, octets: bytes | None) -> None:
        if octets is not None:
            self.wire.write(b"".join(stuffed([octets] if octets else [])))
            return
        pieces = stuffed(mail.chunks())
        try:
            while not self.wire.lost and (piece := await asyncio.to_thread(_next, pieces)):
                self.wire.write(piece)
                await self.wire.room()
        except BaseException:
            self.wire.abort()  # the dot must not come: half a mail would be taken for the whole
            raise


async def _whole(mail: Mail) -> bytes:
    if mail.size <= AT_HAND:
        return b"".join(mail.chunks())
    return await asyncio.to_thread(lambda: b"".join(mail.chunks()))


def _next(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")


def _speakable(address: str) -> bool:
    """Whether it stays one path between its angle brackets: only a quoted string may hold spaces or brackets."""
    return not (_CONTROL.search(address) or set(_QUOTED.sub("", address)) & set(" <>"))
