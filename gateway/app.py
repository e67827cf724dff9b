"""The composition root: settings become adapters, adapters become tasks, and all of it ends cleanly."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace

import structlog

from gateway.admin import lookout
from gateway.admin.pages import serve_admin
from gateway.config.settings import Settings
from gateway.edge.imap.mailbox import MailboxReader
from gateway.edge.outbox.mailer import SmtpMailer
from gateway.edge.outbox.outbox import Outbox
from gateway.edge.outbox.reach import Reach
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.bookkeeper import Bookkeeper
from gateway.edge.run.clock import the_clock
from gateway.edge.run.heartbeat import BEAT_EVERY, Heartbeat
from gateway.edge.run.key_watch import LOOK_EVERY, KeyWatch
from gateway.edge.run.log_names import hash_addresses
from gateway.edge.run.metrics import Figures, shown_to_prometheus
from gateway.edge.run.readiness import Readiness, answering
from gateway.edge.run.sealer import Sealer
from gateway.edge.run.ticker import Ticker, Turn
from gateway.edge.traces import UNTRACED, Traces
from gateway.edge.web.proxies import Doubts
from gateway.edge.web.serving import serve_web
from gateway.flow import lease
from gateway.flow.context import Desk, Directory
from gateway.flow.outbound.heartbeat import worker_of
from gateway.flow.outbound.write_out import Writer
from gateway.listeners import SystemRandom, listen_for_mail, open_traces, serve_portal
from gateway.ports import Clock
from gateway.prepare import Prepared, prepare
from gateway.store.events import StoreEvents
from gateway.terms import Terms, terms_of
from gateway.timed_work import TimedWork

log = structlog.get_logger()

PARTS = ("smtp", "portal", "delivery", "reminders", "mailbox")
PARTING = 60
"""Seconds after which nobody asks a directory any more whose place another has taken."""


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
    """Whether no other process of this machine serves with it."""
    figures: Figures = field(default_factory=Figures)
    traffic: Traffic = field(default_factory=Traffic)
    traces: Traces = UNTRACED
    reach: Reach = field(init=False)
    listening: dict[str, str] = field(default_factory=dict)
    """Where each part listens, once started: "host:port" by part."""
    _terms: Terms | None = None
    _followers: list[Callable[[Terms], None]] = field(default_factory=list)
    """What each part does to go by other settings."""
    _desk: Desk | None = None
    _readiness: Readiness | None = None
    _closing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def __post_init__(self) -> None:
        self.reach = Reach(self.figures.hop_answers)

    @property
    def name(self) -> str:
        """How this process is told from the others that serve the same database."""
        return worker_of(self.settings.node, self.worker)

    @property
    def is_alone(self) -> bool:
        """Whether no other process serves from the database."""
        return self.alone and not self.settings.has_nodes

    async def start(self) -> None:
        """Open everything; listeners last. Raises ConfigError, WrongKey, OSError."""
        async with contextlib.AsyncExitStack() as stack:
            prepared = self.prepared or prepare(self.settings, self.clock, self.parts)
            stack.callback(prepared.close)
            self.traces = open_traces(stack, self.settings, self.name)
            hash_addresses(prepared.keys if self.settings.log.hash_addresses else None)
            terms = self._terms = terms_of(self.settings, prepared.templates, self.figures.directory_answers)
            desk, outbox, bookkeeper = self._open_store(stack, prepared, terms)
            self._desk = desk
            readiness = self._readiness = Readiness(desk)
            key_watch, heartbeat = KeyWatch(desk, self.name), Heartbeat(desk, self.name)
            await key_watch.look()
            if "delivery" in self.parts:
                await heartbeat.begin()
                stack.push_async_callback(heartbeat.end)
                _in_background(stack, outbox.run())
            ticker = self._ticker(stack, prepared, desk, outbox, bookkeeper)
            ticker.every(LOOK_EVERY, key_watch.look)
            if not self.is_alone:
                ticker.every(BEAT_EVERY, heartbeat.beat)
            _in_background(stack, ticker.run())
            _in_background(stack, self.figures.watch_loop().run())
            counts = (self.figures, self.traffic, self.traces)
            if "mailbox" in self.parts and self.worker == 0:
                turn = Turn(desk, alone=self.is_alone, what=lease.MAILBOX)
                stack.push_async_callback(turn.give_up)
                reader = MailboxReader(terms.mailbox, desk, prepared.content, *counts, turn)
                self._followers.append(lambda terms: reader.follow(terms.mailbox))
                _in_background(stack, reader.run())
            await self._listen_for_metrics(stack, prepared, readiness)
            if "portal" in self.parts:
                follow = await serve_portal(stack, prepared, desk, terms, self.figures, self.traces, readiness)
                self._followers.append(follow)
                self.listening["portal"] = prepared.where("portal")
                if "admin" in prepared.sockets:
                    doubts = Doubts(desk, self.figures)
                    self._followers.append(await serve_admin(stack, prepared, desk, terms, SystemRandom(), doubts))
                    self.listening["admin"] = prepared.where("admin")
            if "smtp" in self.parts:
                follow = await listen_for_mail(stack, prepared, desk, terms, *counts)
                self._followers.append(follow)
                self.listening["smtp"] = prepared.where("smtp")
            self._closing = stack.pop_all()

    # ---------------------------------------------------------------------------------------------------- reloading

    def judge(self, settings: Settings) -> Terms:
        """What these settings come to; nothing goes by them yet. May take seconds: for a thread. Raises ConfigError."""
        before = self.terms
        unchanged = not settings.site.templates and settings.policy() == before.site
        found = terms_of(settings, before.templates if unchanged else None, self.figures.directory_answers)
        if found.directory and before.directory and found.directory.asks_as(before.directory):
            return replace(found, directory=before.directory)  # what it has learned is kept
        return found

    def take(self, terms: Terms) -> None:
        """Go by these from now on, all at once: nothing here can fail."""
        self.settings, self._terms = terms.settings, terms
        for follow in self._followers:
            follow(terms)
        if self._desk:
            hash_addresses(self._desk.keys if terms.settings.log.hash_addresses else None)

    @property
    def desk(self) -> Desk:
        """Where its parts bring their work."""
        assert self._desk  # noqa: S101 - only what was started is asked
        return self._desk

    @property
    def terms(self) -> Terms:
        """What it goes by."""
        assert self._terms  # noqa: S101 - as above
        return self._terms

    async def drain(self, at_once: asyncio.Event) -> None:
        """Say at /readyz that nobody should come any more, and serve those who do, for a while.

        So the balancer has sent its last client before the listeners close. `at_once` ends the waiting.
        """
        seconds = self.settings.balancer.drain_seconds
        if seconds and self._readiness:
            self._readiness.is_ending = True
            log.info("draining: /readyz keeps clients away, and whoever comes is served", seconds=seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(at_once.wait(), seconds)

    async def stop(self) -> None:
        """Close the listeners, let what is under way end, then close the store."""
        await self._closing.aclose()

    # ------------------------------------------------------------------------------------------------------ parts

    def _open_store(
        self, stack: contextlib.AsyncExitStack, prepared: Prepared, terms: Terms
    ) -> tuple[Desk, Outbox, Bookkeeper]:
        keys, content = prepared.keys, prepared.content

        def wake() -> None:
            outbox.wake()

        stack.callback(content.close)
        store = prepared.database.store(content, self.name, StoreEvents(wake, self.figures.commit), alone=self.is_alone)
        stack.push_async_callback(store.close)
        desk = Desk(store, terms.site, keys, self.clock, directory=terms.directory)
        stack.callback(lambda: _part(self.terms.directory))
        bookkeeper = Bookkeeper(desk, prepared.ledger)
        stack.push_async_callback(bookkeeper.write_down)

        def means(terms: Terms) -> tuple[Writer, SmtpMailer]:
            writer = Writer(terms.site, keys, content, terms.templates, terms.signer)
            return writer, SmtpMailer(terms.hops, terms.site.domain)

        def follow(terms: Terms) -> None:
            before = desk.directory
            desk.site, desk.directory = terms.site, terms.directory
            if before is not terms.directory:
                asyncio.get_running_loop().call_later(PARTING, _part, before)
            outbox.follow(*means(terms))

        outbox = Outbox(desk, *means(terms), self.traffic, self.name, bookkeeper.sent, self.reach, self.traces)
        stack.callback(outbox.close)
        outbox.wake()
        self._followers.append(follow)
        stack.push_async_callback(Sealer(desk).end)  # once all that writes has ended
        return desk, outbox, bookkeeper

    def _ticker(
        self, stack: contextlib.AsyncExitStack, prepared: Prepared, desk: Desk, outbox: Outbox, bookkeeper: Bookkeeper
    ) -> Ticker:
        turn = Turn(desk, alone=self.is_alone)
        stack.push_async_callback(turn.give_up)
        ticker = TimedWork(
            settings=lambda: self.settings,
            parts=self.parts,
            clock=self.clock,
            desk=desk,
            outbox=outbox,
            bookkeeper=bookkeeper,
            content=prepared.content,
            figures=self.figures,
            traffic=self.traffic,
            traces=self.traces,
            turn=turn,
        ).begin()
        ticker.every(lookout.TALLY_EVERY, lookout.Tally(desk, self.traffic).tell)
        if self.worker == 0:
            lookout.look_around(ticker, lambda: self.settings, desk, self.figures, self.reach)
        return ticker

    async def _listen_for_metrics(
        self, stack: contextlib.AsyncExitStack, prepared: Prepared, readiness: Readiness
    ) -> None:
        part = f"metrics{self.worker}"
        figures = answering(shown_to_prometheus(self.figures.registry), readiness)
        await serve_web(stack, figures, prepared.sockets[part])
        self.listening["metrics"] = prepared.where(part)


def _part(people: Directory | None) -> None:
    """Take leave of a directory that nobody asks any more."""
    if people:
        people.close()


def _in_background(stack: contextlib.AsyncExitStack, work: Coroutine[object, object, None]) -> None:
    """Run until the stack closes; then it may finish what is under way."""
    task = asyncio.create_task(work)

    async def close() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(close)
