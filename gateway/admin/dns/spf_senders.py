"""Whether an SPF record lets an address send: RFC 7208 §4 to §6, but for macros, `exists` and `ptr`."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway.admin.dns.resolver import Resolver
from gateway.admin.dns.spf import MODIFIER, MOST_LOOKUPS, TERM, records

Address = IPv4Address | IPv6Address
MOST_EXCHANGERS = 10  # RFC 7208 §4.6.4


class _Unjudged(Exception):
    """It cannot be followed here, or a receiver would give up."""


def lets_send(resolver: Resolver, domain: str, sender: Address) -> bool | None:
    """Whether the record of this domain lets the address send; None where that cannot be judged. Raises NoDns."""
    try:
        return _Judge(resolver, sender).sign(domain) == "+"
    except _Unjudged:
        return None


class _Judge:
    def __init__(self, resolver: Resolver, sender: Address) -> None:
        self._resolver, self._sender, self._lookups = resolver, sender, 0

    def sign(self, domain: str) -> str:
        """The sign of the first mechanism that fits: "+", "-", "~" or "?". Raises _Unjudged."""
        found, redirect = records(self._resolver, domain), ""
        if len(found) != 1:
            raise _Unjudged
        for term in found[0].split()[1:]:
            if modifier := MODIFIER.fullmatch(term):
                redirect = modifier[2].lower() if modifier[1].lower() == "redirect" else redirect
            elif self._fits(term, domain):
                return term[0] if term[0] in "+-~?" else "+"
        if not redirect:
            return "?"  # RFC 7208 §4.7
        self._look_up()
        return self.sign(redirect)

    def _fits(self, term: str, domain: str) -> bool:
        found = TERM.fullmatch(term)
        if found is None or "%" in term:
            raise _Unjudged
        name, target, length = found[2].lower(), (found[3] or domain).lower(), found[4]
        if name in ("ip4", "ip6"):
            return self._is_in([f"{found[3]}{length}"])
        if name == "all":
            return True
        self._look_up()
        match name:
            case "include":
                return self.sign(target) == "+"
            case "a":
                return self._is_at([target], length)
            case "mx":
                return self._is_at(self._resolver.exchangers(target)[:MOST_EXCHANGERS], length)
        raise _Unjudged

    def _is_at(self, hosts: Iterable[str], length: str) -> bool:
        """Whether it is an address of one of these, or within so many bits of one: "/24", "//64" or both."""
        by_version = re.fullmatch(r"(?:/(\d+))?(?://(\d+))?", length)
        bits = by_version[1 if self._sender.version == 4 else 2] if by_version else None
        suffix = f"/{bits}" if bits else ""
        found = [one for host in hosts for one in self._resolver.addresses(host)]
        return self._is_in(f"{one}{suffix}" for one in found if ip_address(one).version == self._sender.version)

    def _is_in(self, networks: Iterable[str]) -> bool:
        try:
            return any(self._sender in ip_network(one, strict=False) for one in networks)
        except ValueError as error:
            raise _Unjudged from error

    def _look_up(self) -> None:
        self._lookups += 1
        if self._lookups > MOST_LOOKUPS:
            raise _Unjudged
