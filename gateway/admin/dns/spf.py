"""Reading SPF records as a receiver does: what they need of DNS, and whether they say anything (RFC 7208)."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.admin.dns.resolver import Resolver

MOST_LOOKUPS = 10  # RFC 7208 §4.6.4
MOST_VOID = 2
"""Names that are not there, which a receiver asks for before it gives up."""
TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^\s/]+))?((?:/\d+)?(?://\d+)?)", re.IGNORECASE)
MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(\S*)", re.IGNORECASE)


@dataclass(slots=True)
class Spf:
    """What following one domain's record comes to."""

    faults: list[str] = field(default_factory=list)
    lookups: int = 0
    void: int = 0
    last: str = ""
    """How it ends for everybody else: "-", "~", "?", "+", or "" where it does not say."""


def records(resolver: Resolver, domain: str) -> list[str]:
    """The SPF records of a domain, of which there must be one. Raises NoDns."""
    return [one for one in resolver.texts(domain) if re.match(r"v=spf1(?: |$)", one, re.IGNORECASE)]


def followed(resolver: Resolver, domain: str) -> Spf:
    """Follow the one record of a domain with all that it includes. Raises NoDns."""
    spf = Spf()
    _follow(resolver, domain, spf, (), own=True)
    if spf.lookups > MOST_LOOKUPS:
        spf.faults.append(f"it takes {spf.lookups} look-ups in DNS, and receivers stop after {MOST_LOOKUPS}")
    if spf.void > MOST_VOID:
        spf.faults.append(f"{spf.void} of the names in it are not there, and receivers stop after {MOST_VOID}")
    return spf


def _follow(resolver: Resolver, domain: str, spf: Spf, way: tuple[str, ...], *, own: bool) -> None:
    """`own`: how this record ends is how all of it ends."""
    found = records(resolver, domain)
    if domain in way:
        spf.faults.append(f"it includes itself by way of {domain}")
    elif len(found) > 1:
        spf.faults.append(f"{domain} has {len(found)} SPF records, and receivers then follow none")
    elif not found:
        spf.faults.append(f"{domain}, which it includes, has no SPF record")
    elif spf.lookups <= 2 * MOST_LOOKUPS:
        for term in found[0].split()[1:]:
            _read(resolver, term, domain, spf, (*way, domain), own=own)


def _read(resolver: Resolver, term: str, domain: str, spf: Spf, way: tuple[str, ...], *, own: bool) -> None:
    modifier = MODIFIER.fullmatch(term)
    if modifier:
        if modifier[1].lower() == "redirect":
            spf.lookups += 1
            _follow(resolver, modifier[2].lower(), spf, way, own=own)
        return
    found = TERM.fullmatch(term)
    if not found or (found[2].lower() in ("ip4", "ip6") and not _is_network(f"{found[3]}{found[4]}")):
        spf.faults.append(f'"{term}" in the record of {domain} means nothing')
        return
    sign, name, target = found[1] or "+", found[2].lower(), (found[3] or domain).lower()
    if name == "all":
        if own:
            spf.last = sign
        elif sign == "+":
            spf.faults.append(f"{domain}, which it includes, lets everybody send (+all)")
    elif name not in ("ip4", "ip6"):
        spf.lookups += 1
        if name == "include":
            _follow(resolver, target, spf, way, own=False)
        elif "%" not in target and name in ("a", "mx") and not list(_names(resolver, name, target)):
            spf.void += 1


def _names(resolver: Resolver, name: str, target: str) -> Iterator[str]:
    yield from resolver.exchangers(target) if name == "mx" else resolver.addresses(target)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
