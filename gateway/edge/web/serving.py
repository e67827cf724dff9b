"""uvicorn, as a part of one event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.edge.web.connections import Connections, Limits, under
from gateway.edge.web.proxies import Networks


class _Web(uvicorn.Server):
    """uvicorn without hands on the process's signals: they are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebSite:
    """What a listener serves; another application may take its place: requests under way end with the one before."""

    def __init__(self, app: ASGIApp, connections: Connections) -> None:
        self._app = app
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def follow(self, app: ASGIApp, caps: Limits, trusted: Networks) -> None:
        """Serve by other settings from now on."""
        self._app = app
        self._connections.follow(caps, trusted)


async def serve_web(
    stack: contextlib.AsyncExitStack,
    app: ASGIApp,
    bound: socket.socket,
    caps: Limits | None = None,
    trusted: Networks = (),
) -> WebSite:
    """Serve an ASGI application on a socket, in this loop, until the stack closes."""
    connections = Connections(caps or Limits(), trusted)
    site = WebSite(app, connections)
    config = uvicorn.Config(
        site,
        http=under(connections),
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,  # who a client is, proxies.py says
    )
    web = _Web(config)
    serving = asyncio.create_task(web.serve(sockets=[bound]))
    watching = asyncio.create_task(connections.watch())

    async def close() -> None:
        web.should_exit = True
        await serving
        watching.cancel()

    stack.push_async_callback(close)
    return site
