"""The servers that take our mail on."""

import socket

from gateway.adapters import hops as named_hops
from gateway.admin.checks.finding import Finding, fault, ok
from gateway.admin.checks.machine import is_this_machine
from gateway.config.hosts import is_loopback
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.edge.outbox.hop_session import Hop
from gateway.edge.outbox.probe import probe


async def hops(settings: Settings) -> list[Finding]:
    found = []
    senders = (f"bounce+check@{settings.site.domain}", "")  # what our notices, and reports, come from
    for domain, hop in named_hops(settings).items():
        section = "relays" if domain else "next_hop"
        if domain == settings.site.domain or bool(hop.username) != bool(hop.password):
            continue  # of which sense.py has spoken
        if _is_ourselves(hop, settings):
            said = f"{hop.host}:{hop.port} is smtp.listen: each mail would come back, until it is refused as a loop"
            found.append(fault(f"{section}.address", said, "write the mail server that takes mail on"))
        elif unfit := await probe(hop, settings.site.domain, senders):
            found.append(fault(f"{section}.{unfit.key}", unfit.said, unfit.do))
    return found or [ok("next hop" + (" and relays" if settings.relays else ""))]


def _is_ourselves(hop: Hop, settings: Settings) -> bool:
    host, port = split_address(settings.smtp.listen)
    if hop.port != port or not port:
        return False
    if hop.host == host or (is_loopback(hop.host) and is_loopback(host)):
        return True
    return host in ("0.0.0.0", "::") and any(map(is_this_machine, _addresses(hop.host)))  # noqa: S104 - it is compared


def _addresses(host: str) -> set[str]:
    try:
        return {str(one[4][0]) for one in socket.getaddrinfo(host, None)}
    except OSError:
        return set()
