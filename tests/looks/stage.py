"""A portal of its own for each scene: the real application on loopback, over a store in memory."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from argon2 import PasswordHasher

from gateway.edge.render import Templates
from gateway.portal import passwords
from gateway.portal.app import create_app
from gateway.testing import FakeRandom, FakeSignIn
from tests.practice import SITE, World

TEMPLATES = Templates(SITE)


class Stage:
    """A served portal, and its world to put things into."""

    def __init__(self) -> None:
        self.world = World()
        managed = tuple(replace(one, managers=("ada@riverside.example",)) for one in SITE.practices)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        site = replace(SITE, practices=managed, portal_url=self.url)
        self.world.desk = replace(self.world.desk, site=site)
        self.sign_in = FakeSignIn("ada@riverside.example")
        app = create_app(
            self.world.desk,
            self.world.content,
            FakeRandom(),
            TEMPLATES,
            self.url,
            100_000,
            sign_ins={"riverside": self.sign_in},
        )
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine of the world brings, in the portal's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._server.serve([self._listener]))
        self._loop.close()


@contextmanager
def staged() -> Iterator[Stage]:
    """A running portal, with the passwords' work made small."""
    dear = passwords.PasswordHasher
    passwords.PasswordHasher = lambda: PasswordHasher(1, 8, 1)  # type: ignore[misc, assignment]
    try:
        stage = Stage()
        stage.start()
        try:
            yield stage
        finally:
            stage.stop()
    finally:
        passwords.PasswordHasher = dear  # type: ignore[misc]
