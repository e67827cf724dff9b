"""What the settings name outside of this process, as adapters: hops, the mailbox, sign-ins, TLS, logins."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.config import Settings
from gateway.config_kinds import split_address
from gateway.edge.hop_session import Hop
from gateway.edge.imap_session import Server
from gateway.edge.oauth import Grant, Tokens
from gateway.edge.sign_in import Logins, users
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.edge.openid import OpenId


def hops(settings: Settings) -> Mapping[str, Hop]:
    """The next hop under "", each relay under its domain. Raises ConfigError."""
    next_hop = settings.next_hop
    password = ""
    if next_hop.password_file:
        try:
            password = settings.path(next_hop.password_file).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(f"next_hop.password_file: cannot be read ({error.strerror})") from error
    ca_file = settings.path(next_hop.ca_file) if next_hop.ca_file else None
    hops = {"": Hop(*split_address(next_hop.address), next_hop.tls, ca_file, next_hop.username, password)}
    for relay in settings.relays:
        relay_ca = settings.path(relay.ca_file) if relay.ca_file else None
        hops[relay.domain] = Hop(*split_address(relay.address), relay.tls, relay_ca)
    return hops


def mailbox_server(settings: Settings) -> Server | None:
    """The server of the bot's mailbox, if it has one. Raises ConfigError."""
    box = settings.mailbox
    if not box.host:
        return None
    try:
        password = _secret(settings, box.password_file)
        grant = Grant(
            token_url=box.token_url,
            client_id=box.client_id,
            client_secret=_secret(settings, box.client_secret_file),
            refresh_token=_secret(settings, box.refresh_token_file),
            scope=box.scope,
        )
        ca_file = str(settings.path(box.ca_file)) if box.ca_file else None
        tls = ssl.create_default_context(cafile=ca_file) if box.tls == "verified" else None
    except OSError as error:
        raise ConfigError(f"mailbox: {error.filename} cannot be read ({error.strerror})") from error
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
    from gateway.edge.openid import OpenId, Provider  # noqa: PLC0415 - authlib takes 9 MB, and few sites want it

    found = {}
    for one in settings.openid:
        try:
            secret = _secret(settings, one.client_secret_file)
            tls = ssl.create_default_context(cafile=str(settings.path(one.ca_file))) if one.ca_file else None
        except OSError as error:
            raise ConfigError(f"openid: {error.filename} cannot be read ({error.strerror})") from error
        found[one.practice] = OpenId(Provider(one.issuer, one.client_id, secret, one.claim, one.verified_claim, tls))
    return found


def _secret(settings: Settings, file: str) -> str:
    return settings.path(file).read_text("utf-8").strip() if file else ""


def server_logins(settings: Settings) -> Logins | None:
    """Raises ConfigError."""
    if not settings.smtp.users_file:
        return None
    file = settings.path(settings.smtp.users_file)
    users(file)  # so that a mistake in it is told now
    return Logins(file, asyncio.get_running_loop().time)


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    smtp = settings.smtp
    if not smtp.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.path(smtp.tls_cert), settings.path(smtp.tls_key or smtp.tls_cert))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"smtp.tls_cert, smtp.tls_key: cannot be used ({error})") from error
    return context
