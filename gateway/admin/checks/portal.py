"""The portal: its templates, and the proxy before it."""

import asyncio
import ipaddress
import os
import socket
import ssl
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2

from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.admin.checks.machine import is_free
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.edge.outbox.probe import causes
from gateway.edge.run.clock import the_clock
from gateway.flow.upkeep import proxies as sights
from gateway.flow.upkeep.proxies import ProxyFault
from gateway.portal.plain import WHO_ANSWERS
from gateway.prepare import keys_of, templates_of

URL = "site.portal_url"
PATIENCE = 5.0
"""Seconds for an answer."""
MOST_APART = 5
"""Minutes between two clocks."""


async def templates(settings: Settings) -> list[Finding]:
    own = templates_of(settings)
    faults = await asyncio.to_thread(own.faults, {one.language for one in settings.policy().practices})
    found = [
        warning("site.templates", f"{name} stands in for nothing: none of ours has that name", f"did you mean {near}?")
        for name, near in own.strays().items()
    ]
    if faults:
        said = f"ours is used in the place of {'; '.join(faults)}"
        found.append(warning("site.templates", said, "mend what is said of each, or take it out"))
    return found or [ok(f"templates{' (with the site’s own)' if settings.site.templates else ''}")]


async def proxies(settings: Settings) -> list[Finding]:
    """What a running portal has lately seen of the proxy before it."""
    found, database, now = [], database_of(settings), the_clock().now()
    if await asyncio.to_thread(database.is_there):
        found = await asyncio.to_thread(database.read_once, lambda tx: sights.seen(tx, now))
    for sight in found:
        address = ipaddress.ip_address(sight.peer)
        trusted = any(address in network for network in settings.portal.trusted_proxies)
        if trusted == (sight.doubt is ProxyFault.MUTE):
            said = (
                f"{sight.peer} {sight.doubt} (last {sight.at:%Y-%m-%d %H:%M} UTC), "
                "so that all who come by it count as one client"
            )
            do = "have it set X-Forwarded-For" if trusted else "if it is your proxy, write its address there"
            return [warning("portal.trusted_proxies", said, do)]
    return [ok("portal.trusted_proxies", "no sign of a proxy that is not set up")]


async def visit(settings: Settings) -> list[Finding]:
    """The portal as a visitor finds it: by its address, through whatever is in front of it."""
    host, port = split_address(settings.portal.listen)
    if not port or is_free(host, port):
        return [ok(URL, "not visited: nothing listens at portal.listen yet")]
    url, keys = settings.site.portal_url, keys_of(settings)
    question = os.urandom(16).hex()
    try:
        async with httpx2.AsyncClient(verify=ssl.create_default_context(), timeout=PATIENCE) as client:
            answer = await client.get(f"{url}/healthz", params={"ask": question})
    except httpx2.HTTPError as error:
        return [_unreached(url, error)]
    ours = f"ok {keys.digest(WHO_ANSWERS, question.encode()).hex()} "
    if not answer.is_success or not answer.text.startswith(ours):
        said = f"{url} is answered by somebody else ({answer.status_code} {answer.reason_phrase})"
        return [fault(URL, said, f"have the TLS proxy there hand everything to {settings.portal.listen}")]
    found = [*_clock(answer.headers.get("date", ""), url)]
    if url.startswith("https:") and not answer.text.startswith(f"{ours}told"):
        said = f"the proxy at {url} does not say whom it asks for, so that all visitors count as one client"
        found.append(warning("portal.trusted_proxies", said, "have it set X-Forwarded-For"))
    return found or [ok(URL, f"{url} leads here")]


def _unreached(url: str, error: Exception) -> Finding:
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            said = f"{url} shows browsers a certificate that is no proof: {cause.verify_message}"
            return fault(URL, said, "renew it at your TLS proxy, for that name")
        if isinstance(cause, ssl.SSLError):
            return fault(URL, f"{url} does not speak TLS", "put a TLS proxy there, or look at its log")
        if isinstance(cause, socket.gaierror):
            return fault(
                URL, f"there is no host {urlsplit(url).hostname}", "publish its address; `gateway dns` shows it"
            )
    said = f"{url} cannot be reached from this machine"  # which need not be so for visitors
    return warning(URL, said, "try it from outside, and look whether a firewall is between")


def _clock(date: str, url: str) -> list[Finding]:
    """Whether this machine's clock goes as that of whoever answers."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return []
    minutes = round((the_clock().now() - theirs).total_seconds() / 60)
    if abs(minutes) <= MOST_APART:
        return []
    said = f"this machine is {abs(minutes)} minutes {'ahead of' if minutes > 0 else 'behind'} {urlsplit(url).hostname}"
    return [warning("clock", said, "set both by NTP: days are counted, and codes of phones compared, by it")]
