"""Asking DNS: an answer, nothing, or no answer at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.resolver

from gateway.config.kinds import split_address

SECONDS = 3.0
"""How long one question may take."""


class NoDns(Exception):
    """The name server did not answer; the text says which, in a few words."""


@dataclass(slots=True)
class Resolver:
    """A name server, "host:port", or the system's own; each question is asked once, and none once it kept silent."""

    server: str = ""
    _asked: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _silent: bool = False

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each as one text. Raises NoDns."""
        return self._ask(name, "TXT")

    def exchangers(self, name: str) -> list[str]:
        """The mail servers of a domain, the best first; "" for one that says that it takes no mail. Raises NoDns."""
        found = [record.split(" ", 1) for record in self._ask(name, "MX")]
        return [host.rstrip(".") for _, host in sorted(found, key=lambda pair: int(pair[0]))]

    def addresses(self, host: str) -> list[str]:
        """Its IPv4 and IPv6 addresses. Raises NoDns."""
        return [*self._ask(host, "A"), *self._ask(host, "AAAA")]

    def _ask(self, name: str, kind: str) -> list[str]:
        known = self._asked.get((name, kind))
        if known is None:
            known = self._asked[name, kind] = list(self._answers(name, kind))
        return known

    def _answers(self, name: str, kind: str) -> Iterator[str]:
        if self._silent:
            raise NoDns(self._silence)
        try:
            for record in self._resolver().resolve(name, kind, lifetime=SECONDS, search=False):
                strings = getattr(record, "strings", None)
                yield record.to_text() if strings is None else b"".join(strings).decode("utf-8", "replace")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, dns.name.EmptyLabel):
            return
        except (dns.exception.DNSException, OSError) as error:
            self._silent = True
            raise NoDns(self._silence) from error

    @property
    def _silence(self) -> str:
        return f"no answer from {self.server or 'the name server of this machine'}"

    def _resolver(self) -> dns.resolver.Resolver:
        if not self.server:
            return dns.resolver.Resolver()
        host, port = split_address(self.server)
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [host], port
        return resolver
