"""Settings that are each right, and make no sense together."""

import os
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address
from urllib.parse import urlsplit

from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.config.environment import unlike
from gateway.config.hosts import is_loopback
from gateway.config.settings import Settings

EVERYBODY = (
    ("smtp.trusted_networks", "lets strangers send mail through the gateway (an open relay)", "mail server's"),
    ("smtp.submission_networks", "lets strangers send mail, and give commands, in anybody's name", "mail server's"),
    ("smtp.proxy_protocol", "lets strangers say that they are a client whom you trust", "load balancer's"),
    ("portal.trusted_proxies", "lets visitors name any address as their own", "TLS proxy's"),
)
"""Keys that trust networks, what comes of trusting too many, and whose address is meant."""
WIDEST_IPV4, WIDEST_IPV6 = 8, 16
"""Bits of the prefix: no owner has a wider network than that."""
OWN_IPV6 = IPv6Network("fc00::/7")  # RFC 4193: of whoever uses it


async def sense(settings: Settings) -> list[Finding]:
    return [found for rule in RULES for found in rule(settings)] or [ok("settings")]


def _site(settings: Settings) -> Iterator[Finding]:
    own = settings.site.domain
    for practice in settings.practices:
        if own in practice.domains:
            said = f"{own} is also a domain of {practice.name}, all of whose mail would be the gateway's"
            yield fault("site.domain", said, f'write a domain of its own, for example "secure.{own}"')
    for key, place in (("site.postmaster", settings.site.postmaster), ("audit.heads_to", settings.audit.heads_to)):
        if place.endswith(f"@{own}"):
            yield fault(key, f"{place} is the gateway itself, which has no mailbox", "write an address of a practice")
    host = urlsplit(settings.site.portal_url).hostname or ""
    if settings.site.portal_url.startswith("http:") and not is_loopback(host):
        said = "passwords and messages would travel in clear"
        yield fault("site.portal_url", said, f'write "https://{host}", and put a TLS proxy in front of portal.listen')


def _practices(settings: Settings) -> Iterator[Finding]:
    knows = settings.directory.practice_attribute or any(one.directory_base for one in settings.practices)
    for key in ("domains", "senders"):
        for practice in settings.practices:
            for one in _doubled(getattr(practice, key)):
                yield warning(f"practices.{key}", f"{one} stands twice in {practice.name}", "leave one of them")
    for domain, names in _shared(settings, "domains") if not knows else ():
        said = f"{domain} stands in {' and '.join(names)}, and all its people write for {names[0]}"
        yield warning("practices.domains", said, "leave it in one, and name the others' people in practices.senders")
    for address, names in _shared(settings, "senders"):
        said = f"{address} stands in {' and '.join(names)}, and writes for {names[0]}"
        yield fault("practices.senders", said, "leave it in one of them")


def _doubled(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _shared(settings: Settings, key: str) -> Iterator[tuple[str, list[str]]]:
    owners: dict[str, list[str]] = {}
    for practice in settings.practices:
        for one in dict.fromkeys(getattr(practice, key)):
            owners.setdefault(one, []).append(practice.name)
    yield from ((one, names) for one, names in owners.items() if len(names) > 1)


def _relays(settings: Settings) -> Iterator[Finding]:
    domains = [relay.domain for relay in settings.relays]
    for domain in dict.fromkeys(domains):
        if domain in _doubled(domains):
            yield fault("relays.domain", f"{domain} stands there twice, and only the last counts", "leave one of them")
        if domain == settings.site.domain:
            yield fault("relays.domain", f"{domain} is the gateway's own (site.domain)", "take this relay out")
        for practice in settings.practices:
            if domain in practice.domains:
                said = f"{domain} is a domain of {practice.name}, whose colleagues would then never be invited"
                yield warning("relays.domain", said, "take this relay out, unless they read secure mail there")


def _days(settings: Settings) -> Iterator[Finding]:
    last = settings.invitations.expire_after_days
    for day in settings.invitations.reminder_days:
        if day > last:
            said = f"day {day} comes after the invitation has ended (expire_after_days = {last})"
            yield fault("invitations.reminder_days", said, f"write days up to {last}, or a later end")


def _networks(settings: Settings) -> Iterator[Finding]:
    for key, said, whose in EVERYBODY:
        section, _, name = key.partition(".")
        networks = getattr(getattr(settings, section), name)
        for network in _too_wide(networks):
            which = str(network) if network in networks else f"what is written is {network} together, which"
            yield fault(key, f"{which} {said}", f"write your {whose} address alone")
    listen = settings.portal.listen.rpartition(":")[0]
    if not is_loopback(listen) and not _others(settings.portal.trusted_proxies):
        said = f"names no proxy, but the portal listens at {listen}, where one on another machine would reach it"
        yield warning("portal.trusted_proxies", said, "write the address of your TLS proxy")


def _too_wide(networks: list[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
    """The networks that hold strangers for certain, put together from their parts."""
    of_ipv4 = collapse_addresses(one for one in networks if isinstance(one, IPv4Network))
    of_ipv6 = collapse_addresses(one for one in networks if isinstance(one, IPv6Network))
    return [
        *(one for one in of_ipv4 if one.prefixlen < WIDEST_IPV4),
        *(one for one in of_ipv6 if one.prefixlen < WIDEST_IPV6 and not one.subnet_of(OWN_IPV6)),
    ]


def _others(networks: list[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
    return [network for network in networks if not ip_address(network.network_address).is_loopback]


def _logins(settings: Settings) -> Iterator[Finding]:
    hop, box = settings.next_hop, settings.mailbox
    if bool(hop.username) != bool(hop.password_file):
        missing = "password_file" if hop.username else "username"
        yield fault(f"next_hop.{missing}", "is missing, and nobody signs in without it", "write both, or neither")
    if box.host and not box.username:
        yield fault("mailbox.username", "is missing, and no mailbox is read without it", "write whose mailbox it is")


def _environment(_: Settings) -> Iterator[Finding]:
    if os.environ.get("GATEWAY_CLOCK_FILE"):
        said = "the time is taken from a file, as in a rehearsal"
        yield warning("GATEWAY_CLOCK_FILE", said, "take it out of the environment of a gateway that serves")
    for name, hint in unlike():
        yield warning(name, "is in the environment, and no setting has that name", hint)


RULES = (_site, _practices, _relays, _days, _networks, _logins, _environment)
