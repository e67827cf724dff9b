"""A stand-in for the mail server behind the gateway: it keeps each mail in its recipient's mailbox, in memory.

Mail for the site's own domain goes back to the gateway, as a practice's mail server would route it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.domain.address import address
from gateway.errors import BadAddress
from gateway.ports import Clock


@dataclass(slots=True)
class ReceivedMail:
    """One mail in one mailbox; `number` counts the mails of all mailboxes from 1."""

    number: int
    mailbox: str
    octets: bytes
    at: datetime
    opened: bool = False


class Sink:
    """The mail server's mailboxes, and the server itself once `listen` was called.

    `way_back` is where the gateway listens, to be set before mail for its domain can come.
    """

    def __init__(self, site_domain: str, clock: Clock) -> None:
        self.way_back = ("", 0)
        self._site_domain = site_domain
        self._clock = clock
        self._kept: list[ReceivedMail] = []
        self._news = asyncio.Event()

    async def listen(self, host: str, port: int = 0) -> asyncio.Server:
        """Open the listener; port 0 takes a free one."""
        make: Any = lambda: _Listener(self, data_size_limit=None, hostname=host, enable_SMTPUTF8=True)  # noqa: E731
        return await asyncio.get_running_loop().create_server(make, host, port)

    def mails(self, mailbox: str) -> list[ReceivedMail]:
        """What the mailbox of this address holds, oldest first."""
        return [kept for kept in self._kept if kept.mailbox == mailbox]

    def mailboxes(self) -> list[str]:
        """The addresses that have got mail, in the order in which they got their first."""
        return list(dict.fromkeys(kept.mailbox for kept in self._kept))

    def empty(self) -> None:
        """Forget all mails; the next one is number 1."""
        self._kept.clear()

    @property
    def count(self) -> int:
        """How many mails there are in all mailboxes."""
        return len(self._kept)

    async def arrival(self) -> None:
        """Wait for the next mail, whosever it is."""
        await self._news.wait()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        octets = envelope.content if isinstance(envelope.content, bytes) else b""
        to_gateway = [typed for typed in envelope.rcpt_tos if _key(typed).endswith(f"@{self._site_domain}")]
        for mailbox in dict.fromkeys(_key(typed) for typed in envelope.rcpt_tos if typed not in to_gateway):
            self._kept.append(ReceivedMail(len(self._kept) + 1, mailbox, octets, self._clock.now()))
        self._news.set()
        self._news = asyncio.Event()
        return await self._carry_back(envelope.mail_from or "", to_gateway, octets) if to_gateway else "250 2.0.0 Ok"

    async def _carry_back(self, mail_from: str, recipients: list[str], octets: bytes) -> str:
        """Hand over to the gateway; what it said."""
        host, port = self.way_back
        try:
            async with aiosmtplib.SMTP(hostname=host, port=port, start_tls=False) as client:
                _, said = await client.sendmail(mail_from, recipients, octets)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return f"{refused.recipients[0].code} {refused.recipients[0].message}"
        except aiosmtplib.SMTPResponseException as refused:
            return f"{refused.code} {refused.message}"
        return f"250 {said}"


class _Listener(SMTP):
    """A session that takes long lines: what passes through the gateway arrives as it was sent."""

    line_length_limit = 64 * 1024


def _key(typed: str) -> str:
    """The mailbox of an address; what is no address has one of its own."""
    try:
        return address(typed).key
    except BadAddress:
        return typed
