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
    taken: dict[tuple[str, int], str] = {}
    for key, host, port in listens(settings):
        other = taken.setdefault((host, port), key)
        if other != key and port:
            found.append(fault(key, f"{host}:{port} is {other}, too", "write another port"))
        elif problem := _cannot_listen(host, port):
            found.append(fault(key, *problem))
        elif not is_free(host, port):
            found.append(warning(key, f"{host}:{port} is in use already (by this gateway, if it runs now)"))
    return found or [ok("listeners")]


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
    left = certificate.not_valid_after_utc - the_clock().now()
    if left < timedelta(0):
        said = f"the certificate has expired on {certificate.not_valid_after_utc:%d %B %Y}"
        return [fault("smtp.tls_cert", said, "renew it, then reload")]
    if left < SOON:
        return [warning("smtp.tls_cert", f"the certificate expires in {left.days} days", "renew it, then reload")]
    return [ok("smtp.tls_cert", f"valid until {certificate.not_valid_after_utc:%d %B %Y}")]


async def logins(settings: Settings) -> list[Finding]:
    if not settings.smtp.users_file:
        return [ok("sign-in at the listener", "nobody's (smtp.users_file)")]
    return [ok("sign-in at the listener", f"{len(users(settings.path(settings.smtp.users_file)))} logins")]
