"""Whether the domains of practices are known to DNS: to one that is not, no notice and no answer can be sent."""

from collections.abc import Callable, Iterable

from gateway.domain.needs import NeedKind
from gateway.flow.upkeep.troubles import Seen

RESERVED = ("example", "test", "invalid", "localhost", "local", "internal")
"""No name below these is known to anybody's DNS, or only to one's own (RFC 6761, RFC 6762)."""
SECONDS = 3.0

Lookup = Callable[[str, str], bool]
"""(domain, kind of record) -> whether there is one. Raises OSError where nobody can be asked."""


def unknown_domains(domains: Iterable[str], has: Lookup | None = None) -> list[Seen]:
    """Those that have neither a mail server nor an address; a DNS that gives no answer says nothing of them."""
    has = has or _has
    found = []
    for domain in sorted(set(domains)):
        if domain.rpartition(".")[2] in RESERVED:
            continue
        try:
            if not any(has(domain, kind) for kind in ("MX", "A", "AAAA")):
                found.append(Seen(NeedKind.SENDER_DOMAIN, domain))
        except OSError:
            continue
    return found


def _has(domain: str, kind: str) -> bool:
    import dns.exception  # noqa: PLC0415 - it takes memory, and is asked once an hour
    import dns.resolver  # noqa: PLC0415

    try:
        dns.resolver.resolve(domain, kind, lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return False
    except dns.exception.DNSException as error:
        raise OSError(str(error)) from error
    return True
