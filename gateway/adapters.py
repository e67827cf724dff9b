"""What the settings name outside of this process, as adapters: hops, the mailbox, sign-ins, TLS, logins."""

import ssl
import sys
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cryptography import x509

from gateway.config.files import ca_file_of, secret_of, text_of
from gateway.config.hosts import is_loopback
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.domain.vocabulary import Role
from gateway.edge.imap.oauth import Grant, Tokens
from gateway.edge.imap.session import Server
from gateway.edge.outbox.hop_session import Hop
from gateway.edge.smtp.sign_in import Logins
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.edge.directory import LdapDirectory
    from gateway.edge.dkim_signer import DkimKey, DkimSigner
    from gateway.edge.run.otel import OtelTraces
    from gateway.edge.web.openid import OpenId


def hops(settings: Settings) -> Mapping[str, Hop]:
    """The next hop under "", each relay under its domain. Raises ConfigError."""
    one = settings.next_hop
    password = secret_of(settings, "next_hop.password_file", one.password_file)
    ca_file = ca_file_of(settings, "next_hop.ca_file", one.ca_file)
    own = _certificate(settings, "next_hop", one.tls_cert, one.tls_key)
    hop = Hop(*split_address(one.address), one.tls, ca_file, one.username, password, *own)
    hops = {"": hop}
    for relay in settings.relays:
        ca_file = ca_file_of(settings, "relays.ca_file", relay.ca_file)
        hops[relay.domain] = Hop(*split_address(relay.address), relay.tls, ca_file)
    return hops


def mailbox_server(settings: Settings) -> Server | None:
    """The server of the bot's mailbox, if it has one. Raises ConfigError."""
    box = settings.mailbox
    if not box.host:
        return None
    password = secret_of(settings, "mailbox.password_file", box.password_file)
    grant = Grant(
        token_url=box.token_url,
        client_id=box.client_id,
        client_secret=secret_of(settings, "mailbox.client_secret_file", box.client_secret_file),
        refresh_token=secret_of(settings, "mailbox.refresh_token_file", box.refresh_token_file),
        scope=box.scope,
    )
    ca_file = ca_file_of(settings, "mailbox.ca_file", box.ca_file)
    tls = ssl.create_default_context(cafile=ca_file) if box.tls == "verified" else None
    return Server(
        host=box.host,
        port=box.port,
        username=box.username,
        password=password,
        tokens=Tokens(grant) if box.token_url else None,
        folder=box.folder,
        done_folder=box.done_folder,
        tls=tls,
        largest=int(settings.smtp.max_message_size),
        authserv_id=box.authserv_id,
    )


def sign_ins(settings: Settings) -> "dict[str, OpenId]":
    """Practices' own sign-ins, by the practice's id. Raises ConfigError."""
    if not settings.openid:
        return {}
    from gateway.edge.web.openid import OpenId, Provider  # noqa: PLC0415 - authlib takes 9 MB, and few sites want it

    found = {}
    for one in settings.openid:
        secret = secret_of(settings, "openid.client_secret_file", one.client_secret_file)
        ca_file = ca_file_of(settings, "openid.ca_file", one.ca_file)
        tls = ssl.create_default_context(cafile=ca_file) if ca_file else None
        found[one.practice] = OpenId(Provider(one.issuer, one.client_id, secret, one.claim, one.verified_claim, tls))
    return found


def admin_sign_in(settings: Settings) -> "OpenId | None":
    """The site's own sign-in for administrators, if it has one. Raises ConfigError."""
    own = settings.admin
    if not own.issuer:
        return None
    from gateway.edge.web.openid import OpenId, Provider  # noqa: PLC0415 - as above

    secret = secret_of(settings, "admin.client_secret_file", own.client_secret_file)
    ca_file = ca_file_of(settings, "admin.ca_file", own.ca_file)
    tls = ssl.create_default_context(cafile=ca_file) if ca_file else None
    return OpenId(Provider(own.issuer, own.client_id, secret, own.claim, own.verified_claim, tls))


def directory(settings: Settings, on_change: Callable[[bool], None] = lambda _: None) -> "LdapDirectory | None":
    """The site's directory of people, if it has one. Raises ConfigError."""
    own = settings.directory
    if not own.url:
        return None
    from gateway.edge.directory import Ldap, LdapDirectory  # noqa: PLC0415 - as for authlib below

    password = secret_of(settings, "directory.password_file", own.password_file)
    ca_file = ca_file_of(settings, "directory.ca_file", own.ca_file)
    from_start = own.url.startswith("ldaps://")
    host, port = _split_host(own.url.partition("://")[2], 636 if from_start else 389)
    practices = settings.policy().practices
    bases = [(practice.directory_base, one.id) for practice, one in zip(settings.practices, practices, strict=True)]
    return LdapDirectory(
        Ldap(
            host=host,
            port=port,
            from_start=from_start,
            tls=from_start or not is_loopback(host),
            ca_file=str(ca_file) if ca_file else None,
            bind_dn=own.bind_dn,
            password=password,
            base=own.base,
            filter=own.filter,
            name=own.name_attribute,
            role=own.role_attribute,
            roles={
                **{one.casefold(): Role.CLINICIAN for one in own.clinicians},
                **{one.casefold(): Role.STAFF for one in own.staff},
            },
            other_role=Role(own.role) if own.role else None,
            practice=own.practice_attribute,
            practices={name: one.id for one in practices for name in (one.name.casefold(), one.id.casefold())},
            bases=sorted((pair for pair in bases if pair[0]), key=lambda pair: -len(pair[0])),
            domains={domain: one.id for one in reversed(practices) for domain in one.domains},
            secure_mail=own.secure_mail_attribute,
            timeout=own.timeout,
        ),
        on_change,
    )


def dkim_keys(settings: Settings) -> "list[DkimKey]":
    """The keys that sign the mail that we write. Raises ConfigError."""
    if not settings.dkim:
        return []
    from gateway.edge.dkim_signer import read_key  # noqa: PLC0415 - dkimpy brings all of dnspython

    return [read_key(one.selector, settings.path(one.key_file)) for one in settings.dkim]


def signer(settings: Settings) -> "DkimSigner | None":
    """Raises ConfigError."""
    keys = dkim_keys(settings)
    if not keys:
        return None
    from gateway.edge.dkim_signer import DkimSigner  # noqa: PLC0415 - as above

    return DkimSigner(settings.site.domain, keys)


def can_trace(settings: Settings) -> None:
    """Raises ConfigError where traces are wanted and cannot be had."""
    if settings.telemetry.endpoint:
        _open_telemetry()


def traces_to(settings: Settings, process: str) -> "OtelTraces | None":
    """What tells traces, if they are wanted; to be made in the process that serves. Raises ConfigError."""
    endpoint = settings.telemetry.endpoint
    return _open_telemetry()(endpoint, process) if endpoint else None


def _open_telemetry() -> "type[OtelTraces]":
    try:
        from gateway.edge.run.otel import OtelTraces  # noqa: PLC0415 - an extra, and 30 MB
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"telemetry.endpoint: {error.name} is not installed; type {sys.executable} -m pip install "
            "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http, or take the key out"
        ) from error
    return OtelTraces


def _split_host(text: str, otherwise: int) -> tuple[str, int]:
    """Host and port of an address in which the port may be left out."""
    named = text.rpartition("]")[2] if text.startswith("[") else text
    return split_address(text) if ":" in named else (text.strip("[]"), otherwise)


def server_logins(settings: Settings) -> Logins | None:
    return Logins(settings.path(settings.smtp.users_file)) if settings.smtp.users_file else None


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    smtp = settings.smtp
    if not smtp.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    cert, key = _certificate(settings, "smtp", smtp.tls_cert, smtp.tls_key)
    if cert:
        context.load_cert_chain(cert, key, "")  # a password is never asked for
    return context


def _certificate(settings: Settings, section: str, cert: str, key: str) -> tuple[Path | None, Path | None]:
    """The files of a certificate and its key, which fit each other. Raises ConfigError."""
    if not cert:
        return None, None
    for name, file in (("tls_cert", cert), ("tls_key", key)):
        text_of(settings, f"{section}.{name}", file, "a file that holds it (PEM)")
    files = settings.path(cert), settings.path(key or cert)

    def no_password() -> NoReturn:
        said = f"{files[1]} has a password, and nobody is there to type it"
        do = f"write it without one: openssl pkey -in {files[1]} -out {files[0].parent}/open.key, and name that file"
        raise ConfigError(f"{section}.{'tls_key' if key else 'tls_cert'}: {said}; {do} in {section}.tls_key")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*files, no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            said = f"is not the key of the certificate in {section}.tls_cert; name the one that it was made with"
            raise ConfigError(f"{section}.tls_key: {said}") from error
        of_key = bool(key) and _is_certificate(files[0])
        name, file, what = (
            ("tls_key", key, "private key without a password") if of_key else ("tls_cert", cert, "certificate")
        )
        raise ConfigError(f"{section}.{name}: {file} holds no {what} (PEM); name a file that does") from error
    return files


def refuse_expired(settings: Settings, keys: Container[str], now: datetime) -> None:
    """None of the certificates that these keys name may have ended. Raises ConfigError: a line for each that has."""
    named = {"smtp.tls_cert": settings.smtp.tls_cert, "next_hop.tls_cert": settings.next_hop.tls_cert}
    found = {key: settings.path(file) for key, file in named.items() if file and key in keys}
    ends = {
        key: x509.load_pem_x509_certificates(file.read_bytes())[0].not_valid_after_utc for key, file in found.items()
    }
    faults = [
        f"{key}: the certificate in {found[key]} has expired on {end:%d %B %Y}; renew it, then reload"
        for key, end in ends.items()
        if end < now
    ]
    if faults:
        raise ConfigError("\n".join(faults))


def _is_certificate(file: Path) -> bool:
    try:
        x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError:
        return False
    return True
