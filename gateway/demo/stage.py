"""Where the demo plays: a whole gateway and a stand-in mail server in one process, on loopback, in a folder that goes.

This is also the shortest way to embed a gateway: settings as a table, a clock, `start`, `stop`.
"""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from gateway.app import PARTS, Gateway
from gateway.config.kinds import split_address
from gateway.config.section_smtp import SmtpSection
from gateway.config.sections import MetricsSection, NextHopSection, PortalSection, SiteSection
from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.demo import mail
from gateway.demo.clock import MovableClock
from gateway.demo.mail import Draft, File
from gateway.demo.people import PRACTICES, SITE_DOMAIN, TIMEZONE, Person
from gateway.domain.model import Delivery, Invitation
from gateway.domain.site import Site
from gateway.domain.vocabulary import DeliveryState
from gateway.edge.smtp_sink import Sink
from gateway.ports import Tx
from gateway.prepare import bind, prepare
from gateway.store.sealing import new_key_file

R = TypeVar("R")

HOST = "127.0.0.1"
NAME = "localhost"
"""How browsers are to call it: by this name they allow passkeys without TLS."""
PATIENCE = 20
"""Seconds within which whatever is due is done, even on a busy machine."""
GLANCE = 0.05
"""Seconds between two looks at whether everything that is due has been done."""


class DemoSettings(Settings):
    """Settings that the environment cannot change: it may describe a true gateway on this machine."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class Stage:
    """A running gateway, the mail server behind it, and the clock that both go by."""

    gateway: Gateway
    sink: Sink
    clock: MovableClock

    @property
    def site(self) -> Site:
        return self.gateway.settings.policy()

    @property
    def folder(self) -> Path:
        """Where database, spool and keys lie while the demo runs."""
        return self.gateway.settings.folder

    @property
    def local_time(self) -> datetime:
        return self.clock.now().astimezone(self.site.zone)

    async def send(self, author: Person, draft: Draft, files: Sequence[File] = ()) -> bytes:
        """Hand a mail to the gateway, as the author's mail client would; its octets. Raises NotTaken."""
        octets = mail.octets(author, draft, self.local_time, files)
        server = split_address(self.gateway.listening["smtp"])
        await asyncio.to_thread(mail.hand_in, server, author, draft, octets)
        return octets

    async def look(self, work: Callable[[Tx], R]) -> R:
        """Look into the gateway's database, beside it and without a lock on it."""
        return await asyncio.to_thread(database_of(self.gateway.settings).read_once, work)

    async def move(self, days: int) -> None:
        """Set the clock forward, day by day; on return, all that has become due is done and sent."""
        for _ in range(days):
            self.clock.move(1)
            await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is due. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while await self.look(self._is_due):  # noqa: ASYNC110 - the gateway is looked at from outside, as others would
                await asyncio.sleep(GLANCE)

    def _is_due(self, tx: Tx) -> bool:
        now = self.clock.now()
        moves_on = tx.count(Invitation, due_at__le=now)  # looked at first: what is done with it has queued its mail
        return moves_on > 0 or tx.count(Delivery, state=DeliveryState.QUEUED, due_at__le=now) > 0


@contextlib.asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """Set the stage; when the context ends nothing of it is left."""
    clock = MovableClock(ZoneInfo(TIMEZONE))
    sink = Sink(SITE_DOMAIN, clock)
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        server = await sink.listen(HOST)
        portal = bind((HOST, 0))  # its address must be known before the gateway listens
        settings = _settings(Path(folder), _port(server.sockets[0]), _port(portal))
        gateway = Gateway(settings, clock, prepared=prepare(settings, clock, PARTS, bound={"portal": portal}))
        try:
            await gateway.start()
            sink.way_back = split_address(gateway.listening["smtp"])
            try:
                yield Stage(gateway, sink, clock)
            finally:
                await gateway.stop()
        finally:
            server.close()


def _settings(folder: Path, next_hop_port: int, portal_port: int) -> Settings:
    (folder / "gateway.keys").write_text(new_key_file(), "utf-8")
    return DemoSettings(
        site=SiteSection(
            name="Riverside Secure Mail",
            domain=SITE_DOMAIN,
            portal_url=f"http://{NAME}:{portal_port}",
            timezone=TIMEZONE,
        ),
        practices=PRACTICES,
        smtp=SmtpSection(listen=f"{HOST}:0"),
        next_hop=NextHopSection(address=f"{HOST}:{next_hop_port}", tls="none"),
        portal=PortalSection(listen=f"{HOST}:{portal_port}"),
        metrics=MetricsSection(listen=f"{HOST}:0"),
    ).in_folder(folder)


def _port(listener: Any) -> int:
    return int(listener.getsockname()[1])


async def until_stopped(work: Coroutine[Any, Any, R]) -> R | None:
    """Run to the end; None if Ctrl-C or SIGTERM ended it before, with everything tidied up all the same."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return None
