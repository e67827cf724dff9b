"""What stands in DNS for the site's domain, and what is wrong with it."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.adapters import dkim_keys
from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.admin.checks.machine import is_this_machine
from gateway.admin.dns import spf
from gateway.admin.dns.resolver import NoDns, Resolver
from gateway.admin.dns.spf_senders import Address, lets_send
from gateway.admin.dns.wanted import practice_domains
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.edge.dkim_signer import DkimKey

SHOWN = "`gateway dns` prints the record"
Look = Callable[[Settings, Resolver], Iterator[Finding]]


def judged(settings: Settings, resolver: Resolver) -> list[Finding]:
    """A line for each record that is or should be there. Raises ConfigError for a key that cannot be read."""
    try:
        return [found for look in LOOKS for found in look(settings, resolver)]
    except NoDns as error:
        return [warning("dns", f"{error}; nothing was looked at", "name one that answers in dns.resolver")]


def _exchangers(settings: Settings, resolver: Resolver) -> Iterator[Finding]:
    domain = settings.site.domain
    hosts = resolver.exchangers(domain)
    if not hosts:
        yield warning("MX", f"{domain} has none, so that answers and bounces from outside are lost", SHOWN)
        return
    if hosts == [""]:  # RFC 7505
        yield fault("MX", f"{domain} says that it takes no mail (a null MX)", SHOWN)
        return
    theirs = {host for one in practice_domains(settings) for host in resolver.exchangers(one)}
    hop = split_address(settings.next_hop.address)[0]
    for host in hosts:
        places = resolver.addresses(host)
        if not places:
            yield fault("MX", f"{domain} has {host}, which has no address", "name a host that has one")
        elif host in theirs or hop in (host, *places) or any(map(is_this_machine, places)):
            yield ok("MX", f"{domain} has {host}")
        else:
            yield warning(
                "MX",
                f"{domain} has {host} ({places[0]}), which is neither this machine nor a mail server of a practice",
                f"have it hand mail for {domain} to smtp.listen",
            )


def _spf(settings: Settings, resolver: Resolver) -> Iterator[Finding]:
    domain = settings.site.domain
    found = spf.records(resolver, domain)
    if not found:
        yield warning("SPF", f"{domain} has no record: anybody may send as it, and receivers trust it less", SHOWN)
        return
    followed = spf.followed(resolver, domain)
    for one in followed.faults:
        yield fault("SPF", one, "leave one record, with fewer names in it" if "look-ups" in one else SHOWN)
    if followed.last == "+":
        yield fault("SPF", f"the record of {domain} lets everybody send as it (+all)", 'end it with "-all"')
    elif followed.last in ("?", ""):
        yield warning("SPF", f"the record of {domain} forbids nobody to send as it", 'end it with "-all"')
    elif not followed.faults:
        yield ok("SPF", found[0])
        yield from _senders(settings, resolver)


def _senders(settings: Settings, resolver: Resolver) -> Iterator[Finding]:
    """Whether the record lets those send that do, as far as it is known who they are."""
    domain, own = settings.site.domain, settings.dns.sends_from
    known = own or _public(resolver, split_address(settings.next_hop.address)[0])
    if not known:
        yield ok("SPF", "not looked at: whether it lets your mail server's public address send (dns.sends_from)")
    for one in known:
        may = lets_send(resolver, domain, one)
        if may is None:
            yield ok("SPF", f"not looked at: whether it lets {one} send, since it has parts that are not followed here")
        elif may:
            yield ok("SPF", f"it lets {one} send")
        elif own:
            yield fault("SPF", f"the record of {domain} does not let {one} send, which dns.sends_from names", SHOWN)
        else:
            said = f"the record of {domain} does not let {one} send, which is next_hop.address"
            yield warning("SPF", said, "if mail leaves from other addresses, write them into dns.sends_from")


def _public(resolver: Resolver, host: str) -> list[Address]:
    try:
        found = [ip_address(host)]
    except ValueError:
        found = [ip_address(one) for one in resolver.addresses(host)]
    return [one for one in found if one.is_global]


def _dkim(settings: Settings, resolver: Resolver) -> Iterator[Finding]:
    if not settings.dkim:
        yield warning("DKIM", "no key signs what the gateway writes", "gateway dkim new gateway1 makes one")
    for key in dkim_keys(settings):
        yield _dkim_record(key, f"{key.selector}._domainkey.{settings.site.domain}", resolver)


def _dkim_record(key: DkimKey, name: str, resolver: Resolver) -> Finding:
    texts = resolver.texts(name)
    if not texts:
        return fault("DKIM", f"{name} is not there, so that no signature of this key can be checked", SHOWN)
    if len(texts) > 1:
        return fault("DKIM", f"{name} has {len(texts)} records, and receivers take either", "leave one of them")
    tags = _tags(texts[0])
    public = re.sub(r"\s", "", tags.get("p", ""))
    if not public:
        return fault("DKIM", f"{name} says that this key was withdrawn (p is empty)", SHOWN)
    if public != key.public or tags.get("k", "rsa") != key.kind:
        return fault("DKIM", f"{name} has another key than dkim.key_file, so that every signature is bad", SHOWN)
    if "y" in tags.get("t", "").split(":"):
        return warning("DKIM", f"{name} says that it is only a test (t=y)", "take t=y out")
    return ok("DKIM", f"{name} is the key that signs")


def _dmarc(settings: Settings, resolver: Resolver) -> Iterator[Finding]:
    domain = settings.site.domain
    where, found = domain, _policies(resolver, domain)
    while not found and where.count(".") > 1:
        where = where.partition(".")[2]
        found = _policies(resolver, where)
    if not found:
        yield warning("DMARC", f"_dmarc.{domain} is not there: receivers let mail through that only claims it", SHOWN)
        return
    if len(found) > 1:
        yield fault("DMARC", f"_dmarc.{where} has {len(found)} records, and receivers then heed none", "leave one")
        return
    tags = _tags(found[0])
    policy = tags.get("p", "") if where == domain else tags.get("sp", tags.get("p", ""))
    if policy not in ("none", "quarantine", "reject"):
        yield fault("DMARC", f'_dmarc.{where} has no policy that receivers know ("{policy}")', 'write "p=reject"')
    elif policy == "none":
        yield warning("DMARC", f"_dmarc.{where} asks receivers for nothing (p=none)", 'with SPF and DKIM: "p=reject"')
    elif not settings.dkim and not spf.records(resolver, domain):
        yield fault(
            "DMARC",
            f"_dmarc.{where} has mail refused that neither SPF nor DKIM proves, and {domain} has neither",
            SHOWN,
        )
    else:
        yield ok("DMARC", f"_dmarc.{where}: {policy}; SPF and DKIM are both of {domain}, so they align")


def _policies(resolver: Resolver, domain: str) -> list[str]:
    return [one for one in resolver.texts(f"_dmarc.{domain}") if re.match(r"v\s*=\s*DMARC1\s*(?:;|$)", one)]


def _portal(settings: Settings, resolver: Resolver) -> Iterator[Finding]:
    host = urlsplit(settings.site.portal_url).hostname or ""
    if re.fullmatch(r"[\d.]+|.*:.*|localhost", host):
        yield ok("site.portal_url", f"{host} needs no record")
    elif places := resolver.addresses(host):
        yield ok("site.portal_url", f"{host} is {', '.join(places)}")
    else:
        yield warning("site.portal_url", f"{host} has no address, so that no link in a mail leads anywhere", SHOWN)


def _tags(record: str) -> Mapping[str, str]:
    """The tags of a record (RFC 6376 §3.2); the first of a name counts."""
    pairs = [part.partition("=") for part in record.split(";")]
    return {name.strip().lower(): value.strip() for name, equals, value in reversed(pairs) if equals}


LOOKS: tuple[Look, ...] = (_exchangers, _spf, _dkim, _dmarc, _portal)
