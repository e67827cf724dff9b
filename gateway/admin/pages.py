"""The administrator's pages, put together: from what the settings come to, on the listener that they name."""

import contextlib
from collections.abc import Callable

from gateway.admin import sights
from gateway.config.settings import Settings
from gateway.config.shown import shown_settings
from gateway.edge.render import Templates
from gateway.edge.web.proxies import Doubts, ProxyHeaders
from gateway.edge.web.serving import serve_web
from gateway.flow.context import Desk
from gateway.portal.admin.app import create_app
from gateway.portal.admin.door import Panel, SettingLine
from gateway.portal.cookies import Cookies
from gateway.ports import Random
from gateway.prepare import Prepared
from gateway.terms import Terms


def url_of(settings: Settings, listening: str = "") -> str:
    """Where administrators reach the pages; `listening` is where the process listens, if it has told."""
    return settings.admin.url or f"http://{listening or settings.admin.listen}"


async def serve_admin(
    stack: contextlib.AsyncExitStack, prepared: Prepared, desk: Desk, terms: Terms, random: Random, doubts: Doubts
) -> Callable[[Terms], None]:
    """The pages, until the stack closes; what is returned has them go by other settings."""
    where = prepared.where("admin")

    def named(terms: Terms) -> ProxyHeaders:
        settings, url = terms.settings, url_of(terms.settings, where)
        panel = Panel(
            desk=desk,
            random=random,
            pages=Templates(terms.site, pages="admin"),
            cookies=Cookies(secure=url.startswith("https:")),
            url=url,
            settings=lambda: [SettingLine(one.key, one.value, one.source) for one in shown_settings(settings)],
            certificates=lambda: sights.certificate_ends(settings),
            addresses=frozenset(settings.admin.addresses),
            sign_in=terms.admin_sign_in,
        )
        trusted = tuple(settings.portal.trusted_proxies)
        return ProxyHeaders(create_app(panel), trusted, doubts, https=url.startswith("https:"))

    web = await serve_web(stack, named(terms), prepared.sockets["admin"])
    return lambda terms: web.follow(named(terms), terms.connections(), tuple(terms.settings.portal.trusted_proxies))
