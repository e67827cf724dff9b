"""uvicorn, as a part of one event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from gateway.edge.web.connections import Caps, Connections, under
from gateway.edge.web.proxies import Networks


class _Web(uvicorn.Server):
    """uvicorn without hands on the process's signals: they are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_web(
    stack: contextlib.AsyncExitStack,
    app: ASGIApp,
    bound: socket.socket,
    caps: Caps | None = None,
    trusted: Networks = (),
) -> None:
    """Serve an ASGI application on a socket, in this loop, until the stack closes."""
    connections = Connections(caps or Caps(), trusted)
    config = uvicorn.Config(
        app,
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
