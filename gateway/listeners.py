"""The listeners of one process: made from what the settings come to, and able to go by others."""

import contextlib
import secrets
from collections.abc import Callable

from starlette.types import ASGIApp

from gateway.adapters import server_logins, traces_to
from gateway.config.settings import Settings
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.painter import ProcessPainter
from gateway.edge.run.metrics import Figures
from gateway.edge.run.readiness import Readiness, answering
from gateway.edge.smtp.handler import SmtpHandler
from gateway.edge.smtp.mail_server import listen
from gateway.edge.traces import UNTRACED, Traces
from gateway.edge.web.proxies import Doubts, Networks, ProxyHeaders
from gateway.edge.web.serving import serve_web
from gateway.edge.web.traced import traced
from gateway.flow.context import Desk
from gateway.portal.app import create_app, open_portal
from gateway.portal.app import follow as follow_portal
from gateway.prepare import Prepared
from gateway.terms import Terms

Follow = Callable[[Terms], None]
"""Has a part go by other settings from now on; what is under way ends as it began."""


class SystemRandom:
    """The port `Random` from the operating system."""

    def octets(self, count: int) -> bytes:
        return secrets.token_bytes(count)


def open_traces(stack: contextlib.AsyncExitStack, settings: Settings, process: str) -> Traces:
    """Where this process tells its spans, until the stack closes. Raises ConfigError."""
    opened = traces_to(settings, process)
    if opened is None:
        return UNTRACED
    stack.push_async_callback(opened.close)
    return opened


async def serve_portal(
    stack: contextlib.AsyncExitStack,
    prepared: Prepared,
    desk: Desk,
    terms: Terms,
    figures: Figures,
    traces: Traces,
    readiness: Readiness,
) -> Follow:
    """The web pages, until the stack closes."""
    doubts = Doubts(desk, figures)
    portal = open_portal(
        *(desk, prepared.content, SystemRandom(), terms.templates, terms.site.portal_url),
        count_unopened=figures.unopened,
        painter=ProcessPainter(),
    )

    def named(terms: Terms) -> ASGIApp:
        url, largest = terms.site.portal_url, int(terms.settings.smtp.max_message_size)
        own = follow_portal(portal, terms.templates, url, largest, terms.scanner(), terms.sign_ins)
        app = traced(create_app(own, url), traces, "portal request")
        return answering(ProxyHeaders(app, trusted(terms), doubts, https=url.startswith("https:")), readiness)

    def trusted(terms: Terms) -> Networks:
        return tuple(terms.settings.portal.trusted_proxies)

    web = await serve_web(stack, named(terms), prepared.sockets["portal"], terms.connections(), trusted(terms))
    return lambda terms: web.follow(named(terms), terms.connections(), trusted(terms))


async def listen_for_mail(
    stack: contextlib.AsyncExitStack,
    prepared: Prepared,
    desk: Desk,
    terms: Terms,
    figures: Figures,
    traffic: Traffic,
    traces: Traces,
) -> Follow:
    """The listener for mail, until the stack closes."""
    policy = terms.policy(server_logins(terms.settings))
    handler = SmtpHandler(desk, prepared.content, policy, figures, traffic, traces)
    sockets = prepared.sockets
    server = await listen(handler, policy, terms.site.domain, sockets["smtp"], sockets.get("smtps"))

    def follow(terms: Terms) -> None:
        logins, file = server.policy.logins, terms.settings.smtp.users_file
        kept = logins if logins and file and logins.reads(terms.settings.path(file)) else None
        server.follow(terms.policy(kept or server_logins(terms.settings)), terms.site.domain)

    stack.push_async_callback(server.close)
    return follow
