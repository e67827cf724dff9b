"""Where the gateway listens: addresses, certificate, logins."""

import errno
import socket
from collections.abc import Iterator
from datetime import timedelta

from cryptography import x509

from gateway.adapters import server_tls
from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.admin.checks.machine import answers, is_free, listen
from gateway.config.kinds import split_address
from gateway.config.section import Section
from gateway.config.settings import Settings
from gateway.edge.run.clock import the_clock
from gateway.edge.smtp.sign_in import users

SOON = timedelta(days=14)
"""Before a certificate expires: most are renewed a month ahead."""
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - they are compared

LOW_PORT = (
    "write a port above 1023; where it has to be this one, `systemctl edit gateway` lets the service have it, with the "
    "lines that config/microsoft365.md shows, and this goes away as soon as it serves"
)


def listens(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Each key that says where something listens, with its host and port."""
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        for key in type(section).model_fields if isinstance(section, Section) else ():
            if key.endswith("listen") and getattr(section, key):
                yield f"{name}.{key}", *split_address(getattr(section, key))


async def addresses(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    taken: list[tuple[str, int, set[str]]] = []
    for key, host, port in listens(settings):
        own = _addresses(host)
        other = next((name for name, its_port, its in taken if port and its_port == port and _meet(own, its)), None)
        taken.append((key, port, own))
        if other:
            found.append(fault(key, f"{host}:{port} is {other}, too", "write another port"))
        elif problem := _cannot_listen(host, port):
            found.append(fault(key, *problem))
        elif not is_free(host, port):
            found.append(warning(key, f"{host}:{port} is in use already (by this gateway, if it runs now)"))
    return found or [ok("listeners")]


def _addresses(host: str) -> set[str]:
    """The addresses that listening at this host would take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return {str(one[4][0]) for one in socket.getaddrinfo(host, None, family)}
    except OSError:
        return set()


def _meet(some: set[str], others: set[str]) -> bool:
    """Whether two listeners at one port are in each other's way."""
    if not some or not others:
        return False
    one_family = len({":" in one for one in some | others}) == 1
    return bool(some & others) or (one_family and bool((some | others) & EVERYWHERE))


def _cannot_listen(host: str, port: int) -> tuple[str, str] | None:
    """What stands in the way of listening there at all, and what to write."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listen(host, 0)
        listen(host, port)
    except socket.gaierror:
        return f"there is no host {host}", "write an address of this machine, such as 127.0.0.1"
    except PermissionError:
        if answers(host, port):  # the service may what this command may not
            return None
        return f"this user may not listen at port {port}", LOW_PORT
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            return f"this machine has no address {host}", "write one of its own, such as 127.0.0.1"
    return None


async def tls(settings: Settings) -> list[Finding]:
    if server_tls(settings) is None:
        return [warning("smtp.tls_cert", "none, so mail reaches this listener in clear; fine on one machine")]
    certificate = x509.load_pem_x509_certificates(settings.path(settings.smtp.tls_cert).read_bytes())[0]
    found = [*_of_time(certificate), *_of_name(certificate, settings.site.domain)]
    return found or [ok("smtp.tls_cert", f"valid until {certificate.not_valid_after_utc:%d %B %Y}")]


def _of_time(certificate: x509.Certificate) -> Iterator[Finding]:
    left = certificate.not_valid_after_utc - the_clock().now()
    if left < timedelta(0):
        said = f"the certificate has expired on {certificate.not_valid_after_utc:%d %B %Y}"
        yield fault("smtp.tls_cert", said, "renew it, then reload")
    elif left < SOON:
        yield warning("smtp.tls_cert", f"the certificate expires in {left.days} days", "renew it, then reload")


def _of_name(certificate: x509.Certificate, host: str) -> Iterator[Finding]:
    """The listener greets with the site's domain, which is what a careful client looks for (RFC 6125 §6.4)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    except x509.ExtensionNotFound:
        known = []
    if not {host, f"*.{host.partition('.')[2]}"} & set(known):
        said = f"the certificate is for {', '.join(known) or 'no host'}, and not for {host}, as whom the gateway greets"
        yield warning("smtp.tls_cert", said, "get one for that name, or your mail server may refuse it")


async def logins(settings: Settings) -> list[Finding]:
    if not settings.smtp.users_file:
        return [ok("sign-in at the listener", "nobody's (smtp.users_file)")]
    known = users(settings.path(settings.smtp.users_file))
    if not known:
        return [
            warning("smtp.users_file", "has no login, so that nobody can sign in", "`gateway users add` writes one")
        ]
    return [ok("sign-in at the listener", f"{len(known)} logins")]
