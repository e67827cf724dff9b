"""The composition root: settings become adapters, adapters become tasks, and all of it ends cleanly."""

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, Gauge, start_http_server
from starlette.applications import Starlette

from gateway.config import Settings
from gateway.config_kinds import split_address
from gateway.domain.model import Content, Meta
from gateway.edge.clock import ClockWatch, FileClock, SystemClock, clock_file
from gateway.edge.hop_session import Hop
from gateway.edge.outbox import Outbox
from gateway.edge.render import Templates
from gateway.edge.smtp_in import Intake, Policy, listen
from gateway.edge.smtp_out import SmtpMailer
from gateway.edge.ticker import Ticker
from gateway.errors import ConfigError, WrongKey
from gateway.flow import deliver, remind
from gateway.flow.context import Context, Desk
from gateway.flow.write_out import Writer
from gateway.portal.app import create_app
from gateway.ports import Clock, Keys, Tx
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore, open_database
from gateway.store.sealing import SpooledContent, load_keys

log = structlog.get_logger()

PARTS = ("smtp", "portal", "delivery", "reminders")
FORGET_EVERY = 3600
KEY_MARK = "key check"
AT_A_TIME = 100
"""How many invitations are moved on in one transaction."""


class SystemRandom:
    """The port `Random` from the operating system."""

    def octets(self, count: int) -> bytes:
        return secrets.token_bytes(count)


class _Web(uvicorn.Server):
    """uvicorn without hands on the process's signals: they are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class Gateway:
    """One running gateway. `clock` is given by tests and the demo; otherwise it is the machine's, or a file."""

    settings: Settings
    clock: Clock = field(default_factory=lambda: FileClock(file) if (file := clock_file()) else SystemClock())
    parts: tuple[str, ...] = PARTS
    listening: dict[str, str] = field(default_factory=dict)
    """Where each part listens, once started: "host:port" by part."""
    _closing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start(self) -> None:
        """Open everything; listeners last. Raises ConfigError, WrongKey, OSError."""
        async with contextlib.AsyncExitStack() as stack:
            desk, content, outbox = await self._open_store(stack)
            if "delivery" in self.parts:
                _in_background(stack, outbox.run())
            _in_background(stack, self._ticker(desk, outbox).run())
            self._listen_for_metrics(stack)
            if "portal" in self.parts:
                await self._serve_portal(stack, desk, content)
            if "smtp" in self.parts:
                await self._listen_for_mail(stack, desk, content)
            self._closing = stack.pop_all()

    async def stop(self) -> None:
        """Close the listeners, let what is under way end, then close the store."""
        await self._closing.aclose()

    # ------------------------------------------------------------------------------------------------------ parts

    async def _open_store(self, stack: contextlib.AsyncExitStack) -> tuple[Desk, SpooledContent, Outbox]:
        settings, site = self.settings, self.settings.policy()
        keys = load_keys(settings.path(settings.keys.file))
        check_writable(settings)
        content = SpooledContent(settings.spool_path)
        database = open_database(settings.database_path)
        migrate(database)
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(outbox.wake)

        store = SqliteStore(database, content, on_queued=wake)
        stack.callback(store.close)
        desk = Desk(store, site, keys, self.clock)
        mailer, templates = SmtpMailer(hops(settings), site.domain), Templates(site)
        stack.callback(mailer.close)
        outbox = Outbox(desk, Writer(site, keys, content, templates), mailer)
        await desk.do(_open_with_keys)
        if "delivery" in self.parts:
            templates.prepare()
            await desk.do(deliver.reclaim)
        for orphan in content.names() - set(await desk.ask(_content_names)):
            content.discard(orphan)
        outbox.wake()
        return desk, content, outbox

    def _ticker(self, desk: Desk, outbox: Outbox) -> Ticker:
        ticker, clock = Ticker(), self.clock
        if isinstance(clock, FileClock):
            log.warning("the time is taken from a file: this is a test or a rehearsal")
        watch = ClockWatch(clock) if isinstance(clock, SystemClock) else None  # other clocks are meant to jump

        async def tick() -> None:
            if isinstance(clock, FileClock):
                clock.tick()
            if watch and watch.astray:
                log.warning("the clock has jumped by more than an hour: timed work waits; restart to confirm the time")
                return
            outbox.wake()
            while "reminders" in self.parts and await desk.do(remind.run_due, AT_A_TIME) > 0:
                pass

        async def forget() -> None:
            await desk.do(remind.forget)

        ticker.every(1, tick)
        ticker.every(FORGET_EVERY, forget)
        return ticker

    def _listen_for_metrics(self, stack: contextlib.AsyncExitStack) -> None:
        registry = CollectorRegistry()
        Gauge("gateway_up", "1 while the gateway runs", registry=registry).set(1)
        host, port = split_address(self.settings.metrics.listen)
        with _naming("metrics.listen"):
            server, thread = start_http_server(port, host, registry)
        self.listening["metrics"] = f"{host}:{server.server_port}"

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        stack.callback(close)

    async def _serve_portal(self, stack: contextlib.AsyncExitStack, desk: Desk, content: SpooledContent) -> None:
        app = create_app(
            desk,
            content,
            SystemRandom(),
            Templates(desk.site),
            desk.site.portal_url,
            int(self.settings.smtp.max_message_size),
        )
        with _naming("portal.listen"):
            self.listening["portal"] = await serve_web(stack, app, split_address(self.settings.portal.listen))

    async def _listen_for_mail(self, stack: contextlib.AsyncExitStack, desk: Desk, content: SpooledContent) -> None:
        policy = Policy(
            trusted=tuple(self.settings.smtp.trusted_networks),
            submission=tuple(self.settings.smtp.submission_networks),
            max_size=int(self.settings.smtp.max_message_size),
            authserv_id=self.settings.mailbox.authserv_id,
            tls=server_tls(self.settings),
        )
        intake = Intake(desk, content, policy)
        with _naming("smtp.listen"):
            server = await listen(intake, policy, desk.site.domain, split_address(self.settings.smtp.listen))
        stack.callback(server.close)
        host, port = server.sockets[0].getsockname()[:2]
        self.listening["smtp"] = f"{host}:{port}"


def _in_background(stack: contextlib.AsyncExitStack, work: Coroutine[object, object, None]) -> None:
    """Run until the stack closes; then it may finish what is under way."""
    task = asyncio.create_task(work)

    async def close() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(close)


async def serve_web(stack: contextlib.AsyncExitStack, app: Starlette, address: tuple[str, int]) -> str:
    """Serve an ASGI application in this loop until the stack closes; where it listens."""
    bound = socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    web = _Web(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False))
    task = asyncio.create_task(web.serve(sockets=[bound]))

    async def close() -> None:
        web.should_exit = True
        await task
        bound.close()

    stack.push_async_callback(close)
    host, port = bound.getsockname()[:2]
    return f"{host}:{port}"


# ------------------------------------------------------------------------------------------------------------- details


@contextlib.contextmanager
def _naming(key: str) -> Iterator[None]:
    """Say which key of the settings a listener's fault belongs to."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{key}: cannot listen there ({error.strerror or error}); write another port") from error


def check_writable(settings: Settings) -> None:
    """The database's file, or the folder it is to be made in, must be ours to write. Raises ConfigError."""
    path = settings.database_path
    place = path if path.exists() else path.parent
    if not os.access(place, os.W_OK) or path.is_dir():
        raise ConfigError(f"database.url: {place} cannot be written to; name a file in a folder of this user's")


def check_keys(tx: Tx, keys: Keys) -> None:
    """The database must be sealed with the keys at hand. Raises WrongKey."""
    known = tx.one(Meta, name=KEY_MARK)
    if known and known.value != keys.digest(KEY_MARK, b"gateway"):
        raise WrongKey("keys.file: these are not the keys that this database was sealed with; restore the right file")


def _open_with_keys(ctx: Context) -> None:
    """Check the keys of a used database; a new one belongs to these keys from now on."""
    check_keys(ctx.tx, ctx.keys)
    if ctx.tx.one(Meta, name=KEY_MARK) is None:
        ctx.tx.add(Meta(name=KEY_MARK, value=ctx.keys.digest(KEY_MARK, b"gateway")))


def _content_names(ctx: Context) -> list[str]:
    return [content.id for content in ctx.tx.find(Content, inline=None)]


def hops(settings: Settings) -> Mapping[str, Hop]:
    """The next hop under "", each relay under its domain. Raises ConfigError."""
    next_hop = settings.next_hop
    password = ""
    if next_hop.password_file:
        try:
            password = settings.path(next_hop.password_file).read_text("utf-8").strip()
        except OSError as error:
            raise ConfigError(f"next_hop.password_file: cannot be read ({error.strerror})") from error
    ca_file = settings.path(next_hop.ca_file) if next_hop.ca_file else None
    hops = {"": Hop(*split_address(next_hop.address), next_hop.tls, ca_file, next_hop.username, password)}
    for relay in settings.relays:
        relay_ca = settings.path(relay.ca_file) if relay.ca_file else None
        hops[relay.domain] = Hop(*split_address(relay.address), relay.tls, relay_ca)
    return hops


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    smtp = settings.smtp
    if not smtp.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.path(smtp.tls_cert), settings.path(smtp.tls_key or smtp.tls_cert))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"smtp.tls_cert, smtp.tls_key: cannot be used ({error})") from error
    return context
