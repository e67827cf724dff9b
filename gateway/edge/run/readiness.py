"""Whether clients should be sent here: what a load balancer asks at `/readyz`, before it sends anybody.

It is asked at the portal and at the listener for figures, which every process has, whatever else it serves.
"""

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import TryAgain
from gateway.flow import overview
from gateway.flow.context import Desk

PATH = "/readyz"
PATIENCE = 2.0
"""Seconds within which a balancer hears that the database does not answer."""


class Readiness:
    """Of one process: its database answers, and it is not about to end."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._look: asyncio.Task[None] | None = None
        self.is_ending = False
        """Whether nobody should come any more; those who do are served all the same."""

    async def fault(self) -> str:
        """Why nobody should be sent here; "" where all may come."""
        if self.is_ending:
            return "about to end"
        look = self._look = self._look or self._begin()
        try:
            await asyncio.wait_for(asyncio.shield(look), PATIENCE)
        except (TryAgain, TimeoutError):
            return "the database does not answer"
        return ""

    def _begin(self) -> "asyncio.Task[None]":
        """One look for all who ask meanwhile: a database that says nothing is not asked ever more often."""
        look = asyncio.create_task(self._desk.ask(overview.touch))
        look.add_done_callback(self._forget)
        return look

    def _forget(self, look: "asyncio.Task[None]") -> None:
        self._look = None
        if not look.cancelled():
            look.exception()  # whoever still waits hears of it


def answering(app: ASGIApp, readiness: Readiness) -> ASGIApp:
    """The application, with `/readyz` in front of it."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await app(scope, receive, send)
            return
        fault = await readiness.fault()
        await PlainTextResponse(fault or "ok", 503 if fault else 200)(scope, receive, send)

    return answer
