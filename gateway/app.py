"""The composition root: settings become adapters, adapters become tasks, and all of it ends cleanly."""

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from prometheus_client import make_asgi_app

from gateway.adapters import hops, mailbox_server, server_logins, server_tls, sign_ins
from gateway.config import Settings
from gateway.edge.clamd import Clamd
from gateway.edge.clock import FileClock, SteadyClock, Turnable, the_clock
from gateway.edge.heartbeat import BEAT_EVERY, Heartbeat
from gateway.edge.housekeeping import keep_house
from gateway.edge.imap_in import Mailbox
from gateway.edge.intake import Intake
from gateway.edge.limits import Caps
from gateway.edge.mail_server import listen
from gateway.edge.metrics import Figures, Shared
from gateway.edge.outbox import Outbox
from gateway.edge.painter import ProcessPainter
from gateway.edge.smtp_in import Policy
from gateway.edge.smtp_out import SmtpMailer
from gateway.edge.ticker import Job, Ticker, Turn
from gateway.edge.traffic import Traffic
from gateway.edge.watch import Watch
from gateway.edge.web import connections
from gateway.edge.web.proxies import Doubts, ProxyHeaders
from gateway.edge.web.serving import serve_web
from gateway.flow import attention, deliver, observe, overview, question, recall, receipts, remind
from gateway.flow.context import Desk
from gateway.flow.write_out import Writer
from gateway.portal.app import create_app
from gateway.ports import Clock
from gateway.prepare import Prepared, prepare
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.runner import SqliteStore

log = structlog.get_logger()

PARTS = ("smtp", "portal", "delivery", "reminders", "mailbox")
FOLLOW_EVERY = 0.05
"""Seconds between two looks at whether a clock was turned: whoever turns it need not wait long."""
FORGET_EVERY = 3600
COUNT_DELIVERIES_EVERY = 15
COUNT_INVITATIONS_EVERY = 300  # it reads the whole table
AT_A_TIME = 20
"""How many invitations are moved on in one transaction: few, so that a mail never waits long for its commit."""

DUE = (remind.run_due, question.run_due, recall.run_expired, observe.report_due, attention.report_due)
"""What the calendar brings, each called until it has nothing more to do."""


class SystemRandom:
    """The port `Random` from the operating system."""

    def octets(self, count: int) -> bytes:
        return secrets.token_bytes(count)


@dataclass(slots=True)
class Gateway:
    """One running gateway. `clock` is given by tests and the demo; otherwise it is the machine's, or a file."""

    settings: Settings
    clock: Clock = field(default_factory=the_clock)
    parts: tuple[str, ...] = PARTS
    prepared: Prepared | None = None
    """What it serves on; it prepares that itself if none is given."""
    worker: int = 0
    alone: bool = True
    """Whether no other process serves the same database."""
    figures: Figures = field(default_factory=Figures)
    traffic: Traffic = field(default_factory=Traffic)
    listening: dict[str, str] = field(default_factory=dict)
    """Where each part listens, once started: "host:port" by part."""
    _closing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def name(self) -> str:
        """How this process is told from the others that serve the same database."""
        return f"worker {self.worker}"

    async def start(self) -> None:
        """Open everything; listeners last. Raises ConfigError, WrongKey, OSError."""
        async with contextlib.AsyncExitStack() as stack:
            prepared = self.prepared or prepare(self.settings, self.clock, self.parts)
            stack.callback(prepared.close)
            desk, outbox = await self._open_store(stack, prepared)
            heartbeat = Heartbeat(desk, self.name)
            if "delivery" in self.parts:
                await heartbeat.begin()
                _in_background(stack, outbox.run())
            _in_background(stack, self._ticker(stack, desk, outbox, prepared.content, heartbeat).run())
            _in_background(stack, self.figures.watch_loop().run())
            if "mailbox" in self.parts and self.worker == 0 and (server := mailbox_server(self.settings)):
                _in_background(stack, Mailbox(server, desk, prepared.content, self.figures).run())
            await self._listen_for_metrics(stack, prepared)
            if "portal" in self.parts:
                await self._serve_portal(stack, prepared, desk)
            if "smtp" in self.parts:
                await self._listen_for_mail(stack, prepared, desk)
            self._closing = stack.pop_all()

    async def stop(self) -> None:
        """Close the listeners, let what is under way end, then close the store."""
        await self._closing.aclose()

    # ------------------------------------------------------------------------------------------------------ parts

    async def _open_store(self, stack: contextlib.AsyncExitStack, prepared: Prepared) -> tuple[Desk, Outbox]:
        settings, site = self.settings, self.settings.policy()
        keys, content = prepared.keys, prepared.content

        def wake() -> None:
            outbox.wake()

        database = open_database(settings.database_path)
        store = SqliteStore(database, content, wake, self.figures.commit, shared=not self.alone)
        stack.push_async_callback(store.close)
        desk = Desk(store, site, keys, self.clock)
        mailer = SmtpMailer(hops(settings), site.domain)
        stack.callback(mailer.close)
        outbox = Outbox(desk, Writer(site, keys, content, prepared.templates), mailer, self.traffic, self.name)
        outbox.wake()
        return desk, outbox

    def _ticker(
        self,
        stack: contextlib.AsyncExitStack,
        desk: Desk,
        outbox: Outbox,
        content: SpooledContent,
        heartbeat: Heartbeat,
    ) -> Ticker:
        ticker, clock, turn, watch = Ticker(), self.clock, Turn(desk, alone=self.alone), Watch(desk)
        stack.push_async_callback(turn.give_up)
        if isinstance(clock, FileClock):
            log.warning("the time is taken from a file: this is a test or a rehearsal")

        async def tick() -> None:
            outbox.wake()
            set_by = clock.look() if isinstance(clock, SteadyClock) else None
            now, ours = clock.now(), await turn.is_ours()
            if set_by and ours:
                await desk.do_at_length(deliver.clock_was_set, set_by)
            self.figures.clock_astray.set(isinstance(clock, SteadyClock) and clock.is_astray)
            self.figures.keeps_time.set(ours)
            if ours and "reminders" in self.parts:
                await watch.look_back(clock_was_set=set_by is not None)
            for due in DUE:
                while "reminders" in self.parts and not ticker.is_ending and await turn.is_ours():
                    if not await desk.do(due, AT_A_TIME):
                        break
            if ours:
                self.figures.timed_until.set(now.timestamp())
                await watch.note()

        async def forget() -> None:
            if await turn.is_ours():
                await keep_house(desk, self.traffic, lambda: ticker.is_ending)
                before = clock.now().date() - timedelta(days=self.settings.retention.orphans)
                await asyncio.to_thread(content.forget_orphans, before)

        if isinstance(clock, FileClock):  # it stands still, and nobody waits for a time that does not come
            ticker.every(receipts.QUIET.total_seconds(), lambda: desk.do(receipts.leave_at_once))
        if isinstance(clock, Turnable):
            ticker.every(FOLLOW_EVERY, _following(clock, tick))
        ticker.every(1, tick)
        ticker.every(FORGET_EVERY, forget)
        if not self.alone:
            ticker.every(BEAT_EVERY, heartbeat.beat)
        self._look_around(ticker, desk)
        return ticker

    def _look_around(self, ticker: Ticker, desk: Desk) -> None:
        """Have the figures of what all workers share brought up to date by the first of them."""
        if self.worker > 0:
            return
        shared = Shared(self.figures)

        async def deliveries() -> None:
            shared.deliveries(await desk.ask(overview.deliveries))

        async def invitations() -> None:
            shared.invitations(await desk.ask(overview.invitations))

        ticker.every(COUNT_DELIVERIES_EVERY, deliveries)
        ticker.every(COUNT_INVITATIONS_EVERY, invitations)

    async def _listen_for_metrics(self, stack: contextlib.AsyncExitStack, prepared: Prepared) -> None:
        part = f"metrics{self.worker}"
        await serve_web(stack, make_asgi_app(self.figures.registry), prepared.sockets[part])
        self.listening["metrics"] = prepared.where(part)

    async def _serve_portal(self, stack: contextlib.AsyncExitStack, prepared: Prepared, desk: Desk) -> None:
        app = create_app(
            desk,
            prepared.content,
            SystemRandom(),
            prepared.templates,
            desk.site.portal_url,
            int(self.settings.smtp.max_message_size),
            Clamd(self.settings.scan.clamd) if self.settings.scan.clamd else None,
            sign_ins(self.settings),
            self.figures.unopened,
            ProcessPainter(),
        )
        portal = self.settings.portal
        trusted, https = tuple(portal.trusted_proxies), desk.site.portal_url.startswith("https:")
        named = ProxyHeaders(app, trusted, Doubts(desk, self.figures), https=https)
        caps = connections.Caps(portal.max_connections, portal.max_connections_per_address)
        await serve_web(stack, named, prepared.sockets["portal"], caps, trusted)
        self.listening["portal"] = prepared.where("portal")

    async def _listen_for_mail(self, stack: contextlib.AsyncExitStack, prepared: Prepared, desk: Desk) -> None:
        policy = Policy(
            trusted=tuple(self.settings.smtp.trusted_networks),
            submission=tuple(self.settings.smtp.submission_networks),
            max_size=int(self.settings.smtp.max_message_size),
            authserv_id=self.settings.mailbox.authserv_id,
            tls=server_tls(self.settings),
            logins=server_logins(self.settings),
            caps=Caps(
                sessions=self.settings.smtp.max_sessions,
                sessions_an_address=self.settings.smtp.max_sessions_per_address,
                sessions_a_network=self.settings.smtp.max_sessions_per_network,
                recipients=self.settings.smtp.max_recipients,
                least_rate=self.settings.smtp.min_data_rate,
                memory=int(self.settings.smtp.max_buffered),
            ),
        )
        intake = Intake(desk, prepared.content, policy, self.figures, self.traffic)
        server = await listen(intake, policy, desk.site.domain, prepared.sockets["smtp"])
        stack.push_async_callback(server.close)
        self.listening["smtp"] = prepared.where("smtp")


def _following(clock: Turnable, tick: Job) -> Job:
    async def follow() -> None:
        if clock.tick():
            await tick()

    return follow


def _in_background(stack: contextlib.AsyncExitStack, work: Coroutine[object, object, None]) -> None:
    """Run until the stack closes; then it may finish what is under way."""
    task = asyncio.create_task(work)

    async def close() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(close)
