"""The records that a site publishes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from gateway.adapters import dkim_keys
from gateway.admin.dns import spf
from gateway.admin.dns.resolver import NoDns, Resolver
from gateway.admin.dns.zone import Record
from gateway.config.kinds import split_address
from gateway.config.settings import Settings

PROVIDERS = {
    ".mail.protection.outlook.com": "spf.protection.outlook.com",
    "smtp-relay.gmail.com": "_spf.google.com",
}
"""How the host of a next hop ends, and the record in which its provider names all that send for its customers."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record, with what it is for; `value` is empty where only the administrator knows it."""

    record: Record
    why: str

    @property
    def lines(self) -> list[str]:
        """For a zone file, in which what begins with ";" is a remark."""
        return [f"; {self.why}", self.record.line if self.record.value else f"; {self.record.line}…"]


def wanted(settings: Settings, resolver: Resolver) -> list[Wanted]:
    """All of them. Raises ConfigError for a key that cannot be read; without DNS, what it knows is left to fill in."""
    domain = settings.site.domain
    practices = practice_domains(settings)
    return [
        *_mail_servers(domain, practices, resolver),
        _senders(settings, practices, resolver),
        *_keys(settings),
        Wanted(Record(f"_dmarc.{domain}", "TXT", _policy(settings)), "what receivers do with mail that only claims it"),
        _portal(settings, resolver),
    ]


def practice_domains(settings: Settings) -> list[str]:
    """The domains of all practices."""
    return list(dict.fromkeys(domain for practice in settings.practices for domain in practice.domains))


def remarks(settings: Settings) -> list[str]:
    """What stands at the end, for whoever wonders."""
    domains = ", ".join(practice_domains(settings)) or "the practices"
    return [
        f"; {domains}: nothing to publish. Their mail passes as it is and leaves by their own mail server, as before;",
        f"; whatever the gateway writes itself comes from {settings.site.domain}.",
    ]


def _mail_servers(domain: str, practices: Sequence[str], resolver: Resolver) -> Iterator[Wanted]:
    why = f"where mail for {domain} arrives: a server that hands it to smtp.listen"
    known = (_known(partial(resolver.exchangers, one)) for one in (domain, *practices))
    hosts = next((found for found in known if any(found)), [""])
    for number, host in enumerate(hosts, 1):
        yield Wanted(Record(domain, "MX", f"{number * 10} {host}." if host else ""), why)


def _senders(settings: Settings, practices: Sequence[str], resolver: Resolver) -> Wanted:
    """Our mail leaves by the next hop: a provider's, or a practice's own, which that one's record names already."""
    host, _ = split_address(settings.next_hop.address)
    provider = next((one for suffix, one in PROVIDERS.items() if host.lower().endswith(suffix)), "")
    including = [one for one in practices if _known(partial(spf.records, resolver, one))]
    allowed = f"include:{provider or including[0]}" if provider or including else "mx"
    why = "which servers send its mail (SPF)"
    if allowed == "mx":
        why += f"; right if the server of its MX sends it. Whoever runs {host} knows what to write if others do"
    return Wanted(Record(settings.site.domain, "TXT", f"v=spf1 {allowed} -all"), why)


def _keys(settings: Settings) -> Iterator[Wanted]:
    for key in dkim_keys(settings):
        name = f"{key.selector}._domainkey.{settings.site.domain}"
        yield Wanted(Record(name, "TXT", key.record), f"the key that signs its mail (DKIM, {key.kind})")
    if not settings.dkim:
        name = f"gateway1._domainkey.{settings.site.domain}"
        yield Wanted(Record(name, "TXT", ""), "no key signs its mail yet; `gateway dkim new gateway1` makes one (DKIM)")


def _policy(settings: Settings) -> str:
    return "v=DMARC1; p=reject" if settings.dkim else "v=DMARC1; p=none"


def _portal(settings: Settings, resolver: Resolver) -> Wanted:
    host = urlsplit(settings.site.portal_url).hostname or ""
    known = _known(partial(resolver.addresses, host))
    address = known[0] if known else ""
    return Wanted(Record(host, "AAAA" if ":" in address else "A", address), "the portal: your TLS proxy")


def _known(ask: Callable[[], list[str]]) -> list[str]:
    """What DNS says, or nothing where it says nothing."""
    try:
        return ask()
    except NoDns:
        return []
