"""A world's portal on loopback, for real browsers, in an event loop of its own: a browser's fills the test's thread."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import uvicorn

from tests.practice import SITE, World


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine brings."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@contextmanager
def looping() -> Iterator[Loop]:
    loop = Loop()
    try:
        yield loop
    finally:
        loop.stop()


@dataclass(frozen=True)
class Served:
    """A portal at `url`, and its world to put things into."""

    world: World
    url: str
    loop: Loop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(work)


@contextmanager
def served_portal(host: str = "127.0.0.1", **world: Any) -> Iterator[Served]:
    """A running portal. By the name `localhost` browsers allow passkeys without TLS."""
    with looping() as loop, socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://{host}:{listener.getsockname()[1]}"
        served = Served(World(site=replace(world.pop("site", SITE), portal_url=url), **world), url, loop)
        server = uvicorn.Server(uvicorn.Config(served.world.app, log_level="critical", lifespan="off"))
        running = asyncio.run_coroutine_threadsafe(server.serve([listener]), loop._loop)
        try:
            yield served
        finally:
            server.should_exit = True
            running.result(20)
