"""What must be so between several keys of the settings."""

import ipaddress
import re
from collections import Counter
from collections.abc import Callable

from gateway.config.hosts import is_loopback
from gateway.config.kinds import split_address
from gateway.config.sections import PracticeSection
from gateway.config.tables import Tables
from gateway.domain.address import address
from gateway.domain.site import practice_of


def broken_rules(settings: Tables) -> list[str]:
    """A line for each rule that these break: its key, and what to write."""
    faults = []
    for rule in RULES:
        try:
            rule(settings)
        except ValueError as error:
            faults.append(str(error))
    return faults


def practice_id(practice: PracticeSection) -> str:
    """The id that a practice has, or gets from its name: "" where no letter of it can stand in one."""
    return practice.id or id_from(practice.name)


def id_from(name: str) -> str:
    """The id of a practice that has no other. With its name it changes, so `gateway init` writes it down."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def _ways_are_safe(settings: Tables) -> None:
    host, _ = split_address(settings.next_hop.address)
    if settings.next_hop.tls != "verified" and not is_loopback(host) and not _is_trusted(settings, host):
        raise ValueError('next_hop.tls: write "verified": this hop is neither loopback nor in smtp.trusted_networks')
    if settings.mailbox.host and settings.mailbox.tls == "none" and not is_loopback(settings.mailbox.host):
        raise ValueError('mailbox.tls: write "verified": this server is not on a loopback address')


def _practices_differ(settings: Tables) -> None:
    for practice in settings.practices:
        if not practice_id(practice):
            raise ValueError(f'practices.id: none can be made of {practice.name}; write one, for example "riverside"')
    ids = [practice_id(practice) for practice in settings.practices]
    if len(ids) != len(set(ids)):
        raise ValueError("practices: two of them have the same id; give each an id of its own")
    if unknown := {one.practice for one in settings.openid} - set(ids):
        raise ValueError(f"openid.practice: there is no practice {sorted(unknown)[0]}; write one of {sorted(ids)}")
    if any(not practice.domains and not practice.senders for practice in settings.practices):
        raise ValueError("practices: each needs domains or senders, or nobody can write for it")


def _selectors_differ(settings: Tables) -> None:
    selectors = [one.selector for one in settings.dkim]
    if twice := {one for one in selectors if selectors.count(one) > 1}:
        raise ValueError(f"dkim.selector: {min(twice)} stands there twice; give each key a selector of its own")


def _nobody_signs_in_in_clear(settings: Tables) -> None:
    if settings.smtp.users_file and not settings.smtp.tls_cert:
        raise ValueError("smtp.users_file: write smtp.tls_cert too: passwords are only taken over TLS")
    if settings.smtp.tls_listen and not settings.smtp.tls_cert:
        raise ValueError("smtp.tls_listen: write smtp.tls_cert too: the certificate that is shown there")


def _shared_servers_show_a_word(settings: Tables) -> None:
    if settings.smtp.shared_networks and not settings.smtp.tenant_header:
        raise ValueError("smtp.shared_networks: write smtp.tenant_header too: it tells your mail from others'")
    headers = [header for header in (settings.smtp.tenant_header, settings.smtp.processed_header) if header]
    if len(headers) > len({header.partition(": ")[0].lower() for header in headers}):
        raise ValueError(
            "smtp.processed_header: write another name than in smtp.tenant_header: one takes the other out"
        )
    if len(headers) > len({header.partition(": ")[2] for header in headers}):
        raise ValueError("smtp.processed_header: write another word than in smtp.tenant_header: others may see it")


def _certificates_are_whole(settings: Tables) -> None:
    for name, section in (("smtp", settings.smtp), ("next_hop", settings.next_hop)):
        if section.tls_key and not section.tls_cert:
            raise ValueError(f"{name}.tls_cert: is missing; write the certificate that {name}.tls_key is of")


def _sign_ins_differ(settings: Tables) -> None:
    for practice, times in Counter(one.practice for one in settings.openid).items():
        if times > 1:
            raise ValueError(f"openid.practice: {practice} has {times} of these tables; leave one of them")


def _directory_is_whole(settings: Tables) -> None:
    own = settings.directory
    if own.url and not own.base:
        raise ValueError('directory.base: write where its people are, for example "dc=hospital,dc=example"')
    asks = [relay.domain for relay in settings.relays if relay.who == "directory"]
    if asks and not (own.url and own.secure_mail_attribute):
        raise ValueError(f"relays.who: {asks[0]} asks the directory; write directory.url and secure_mail_attribute")


def _named_people_write_for_their_practice(settings: Tables) -> None:
    for practice in settings.practices:
        acting = [one for pair in practice.delegates for one in pair]
        fallback = [practice.fallback] if practice.fallback else []
        named = {"managers": practice.managers, "delegates": acting, "fallback": fallback}
        for key, people in named.items():
            strangers = [one for one in people if practice_of(settings.practices, address(one)) is not practice]
            if strangers:
                raise ValueError(
                    f"practices.{key}: {strangers[0]} does not write for {practice.name}; write one of its people"
                )


def _admin_pages_are_apart(settings: Tables) -> None:
    own = settings.admin
    if own.listen and not own.url.startswith("https:") and not is_loopback(split_address(own.listen)[0]):
        raise ValueError('admin.listen: write "127.0.0.1:8081", or admin.url as https, with a TLS proxy in front')
    if own.url and own.url == settings.site.portal_url:
        raise ValueError("admin.url: write another host than site.portal_url: patients come there")
    if bool(own.issuer) != bool(own.addresses and own.client_id):
        raise ValueError("admin.issuer: write admin.client_id and admin.addresses with it, or none of them")


def _objects_have_a_database(settings: Tables) -> None:
    own = settings.objects
    if not own.bucket:
        return
    if not settings.database.url.startswith("postgresql://"):
        raise ValueError(
            "objects.bucket: beside SQLite large content lies in files; leave the bucket out, or write "
            'database.url = "postgresql://…"'
        )
    missing = [key for key in ("endpoint", "access_key", "secret_key_file") if not getattr(own, key)]
    if missing:
        raise ValueError(f"objects.{missing[0]}: is missing; write it, or leave objects.bucket out")


def _is_trusted(settings: Tables, host: str) -> bool:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(ip in network for network in settings.smtp.trusted_networks)


RULES: tuple[Callable[[Tables], None], ...] = (
    _ways_are_safe,
    _practices_differ,
    _sign_ins_differ,
    _selectors_differ,
    _certificates_are_whole,
    _nobody_signs_in_in_clear,
    _shared_servers_show_a_word,
    _directory_is_whole,
    _named_people_write_for_their_practice,
    _admin_pages_are_apart,
    _objects_have_a_database,
)
"""Each raises ValueError, a line that names its key."""
