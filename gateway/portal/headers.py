"""The header fields that every answer bears."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.portal.look import SCRIPT_SOURCES
from gateway.portal.mail.frame import STYLE_SOURCE


def policy(*, pictures: str = "", sounds: bool = False) -> str:
    """What pages may load: our own style sheet, pictures and scripts; from elsewhere only `pictures`, if so said.

    `sounds`: a page may play what is ours.
    """
    media = "media-src 'self'; " if sounds else ""
    return (
        f"default-src 'none'; style-src 'self' {STYLE_SOURCE}; img-src 'self' data: {pictures}; {media}"
        f"connect-src 'self'; script-src {SCRIPT_SOURCES}; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


POLICY: Final = policy()

_EVERYWHERE: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",  # a link's token must not reach the sites that a page links to
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


class SecurityHeaders:
    """ASGI middleware: adds what an answer does not set itself. HSTS (RFC 6797) where the site is https."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = dict(_EVERYWHERE)
        if https:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
