"""What settings come to: every adapter that they ask for, made before anything goes by it.

So a mistake in the settings, or in a file that they name, shows before anything has changed: at the start, and when
they are reloaded.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from gateway.adapters import admin_sign_in, can_trace, directory, hops, mailbox_server, server_tls, sign_ins, signer
from gateway.config.changes import Files, files_of
from gateway.config.settings import Settings
from gateway.domain.site import Site
from gateway.edge.clamd import Clamd
from gateway.edge.imap.session import Server
from gateway.edge.outbox.hop_session import Hop
from gateway.edge.render import Templates
from gateway.edge.smtp import limits, sign_in
from gateway.edge.smtp.policy import Policy
from gateway.edge.web import connections
from gateway.errors import ConfigError
from gateway.flow.outbound.write_out import Signer
from gateway.prepare import compiled_templates

if TYPE_CHECKING:
    from gateway.edge.directory import LdapDirectory
    from gateway.edge.web.openid import OpenId

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings, and what they come to."""

    settings: Settings
    files: Files
    site: Site
    templates: Templates
    hops: Mapping[str, Hop]
    mailbox: Server | None
    sign_ins: "Mapping[str, OpenId]"
    directory: "LdapDirectory | None"
    admin_sign_in: "OpenId | None"
    tls: ssl.SSLContext | None
    signer: Signer | None

    def policy(self, logins: sign_in.Logins | None) -> Policy:
        """What the listener for mail goes by."""
        smtp = self.settings.smtp
        return Policy(
            trusted=tuple(smtp.trusted_networks),
            submission=tuple(smtp.submission_networks),
            shared=tuple(smtp.shared_networks),
            max_size=int(smtp.max_message_size),
            authserv_id=self.settings.mailbox.authserv_id,
            tls=self.tls,
            logins=logins,
            balancers=tuple(smtp.proxy_protocol),
            caps=limits.Limits(
                sessions=smtp.max_sessions,
                sessions_an_address=smtp.max_sessions_per_address,
                sessions_a_network=smtp.max_sessions_per_network,
                recipients=smtp.max_recipients,
                least_rate=smtp.min_data_rate,
                memory=int(smtp.max_buffered),
            ),
        )

    def connections(self) -> connections.Limits:
        """How many clients the portal lets in."""
        portal = self.settings.portal
        return connections.Limits(portal.max_connections, portal.max_connections_per_address)

    def scanner(self) -> Clamd | None:
        """What looks for viruses."""
        clamd = self.settings.scan.clamd
        return Clamd(clamd) if clamd else None


def terms_of(
    settings: Settings, templates: Templates | None, on_directory: Callable[[bool], None] = lambda _: None
) -> Terms:
    """Raises ConfigError: a line for each fault. Templates are made if none are given."""
    faults: dict[str, None] = {}

    def made(make: Callable[[], T]) -> T | None:
        try:
            return make()
        except ConfigError as error:
            faults.update(dict.fromkeys(str(error).splitlines()))
            return None

    found = (
        made(settings.policy),
        templates or made(lambda: compiled_templates(settings)),
        made(lambda: hops(settings)),
        made(lambda: mailbox_server(settings)),
        made(lambda: sign_ins(settings)),
        made(lambda: server_tls(settings)),
        made(lambda: signer(settings)),
        made(lambda: _users(settings)),
        made(lambda: directory(settings, on_directory)),
        made(lambda: admin_sign_in(settings)),
        made(lambda: can_trace(settings)),
    )
    site, pages, ways, box, doors, tls, signs, _, people, admins, _ = found
    if faults or site is None or pages is None or ways is None:
        raise ConfigError("\n".join(faults))
    return Terms(settings, files_of(settings), site, pages, ways, box, doors or {}, people, admins, tls, signs)


def _users(settings: Settings) -> None:
    if settings.smtp.users_file:
        sign_in.users(settings.path(settings.smtp.users_file))
