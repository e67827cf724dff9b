"""Trying a hop without sending anything: what it would refuse, in words that say what to do."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import aiosmtplib

from gateway.edge.outbox.hop_session import Hop, open_client


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a hop cannot take our mail: `key` is what of its settings to look at, such as "tls"."""

    key: str
    said: str
    do: str


async def probe(hop: Hop, hostname: str, senders: Iterable[str] = ()) -> Unfit | None:
    """Connect as mail would be sent, begin a mail from each of these senders, and take it back (RSET)."""
    try:
        client = await open_client(hop, hostname)
    except (aiosmtplib.SMTPException, OSError) as error:
        return unfit(hop, error)
    try:
        for sender in senders:
            try:
                await client.mail(sender)
            except aiosmtplib.SMTPResponseException as error:
                return Unfit(
                    "address",
                    f"{hop.host}:{hop.port} refuses mail from <{sender}> ({error.code} {error.message})",
                    "have it take mail from this gateway whoever the sender is, also from <>, which reports come from",
                )
            await client.rset()
        await client.quit()
    except (aiosmtplib.SMTPException, OSError) as error:
        return unfit(hop, error)
    finally:
        client.close()
    return None


def unfit(hop: Hop, error: BaseException) -> Unfit:
    """Why no session came about."""
    where = f"{hop.host}:{hop.port}"
    for cause in causes(error):
        for kind, key, said, do in REASONS:
            if isinstance(cause, kind):
                why = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or str(cause)
                return Unfit(key, said.format(where=where, hop=hop, why=why), do)
    if "AUTH extension" in str(error):
        return Unfit("username", f"{where} offers no sign-in", "leave username and password_file out")
    if "STARTTLS" in str(error):
        do = 'give it a certificate; on this machine alone also next_hop.tls = "opportunistic"'
        return Unfit("tls", f"{where} offers no TLS (STARTTLS)", do)
    return Unfit("address", f"{where} is no mail server that serves: {error}", "look at its own log")


REASONS: tuple[tuple[type[BaseException], str, str, str], ...] = (
    (
        aiosmtplib.SMTPAuthenticationError,
        "password_file",
        "{where} refuses the login of {hop.username}",
        "write it anew",
    ),
    (
        ssl.SSLCertVerificationError,
        "tls",
        "{where} shows a certificate that is no proof: {why}",
        "renew it there; or write the name that it is for, or who has signed it (ca_file)",
    ),
    (ssl.SSLError, "tls", "{where} cannot agree on TLS ({why})", "look at its own log"),
    (socket.gaierror, "address", "there is no host {hop.host}", "write one that this machine finds"),
    (TimeoutError, "address", "{where} does not answer in time", "look whether a firewall is between"),
    (
        ConnectionRefusedError,
        "address",
        "nothing listens at {where}",
        "start it, or write where it listens",
    ),
)
"""What went wrong, the nearest first: which key it is of, what is said, what is to be done."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
