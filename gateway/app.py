"""The composition root: settings become adapters, adapters become tasks, and all of it ends cleanly."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta

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
from gateway.edge.run.clock import FileClock, SteadyClock, Turnable, the_clock
from gateway.edge.run.heartbeat import BEAT_EVERY, Heartbeat
from gateway.edge.run.housekeeping import keep_house
from gateway.edge.run.key_watch import LOOK_EVERY, KeyWatch
from gateway.edge.run.log_names import hash_addresses
from gateway.edge.run.metrics import Figures, shown_to_prometheus
from gateway.edge.run.sealer import Sealer
from gateway.edge.run.ticker import Job, Ticker, Turn
from gateway.edge.run.watch import Watch
from gateway.edge.traces import UNTRACED, Traces
from gateway.edge.web.proxies import Doubts
from gateway.edge.web.serving import serve_web
from gateway.flow.administration import attention
from gateway.flow.context import Desk, Directory
from gateway.flow.inbound import observe, question, receipts
from gateway.flow.inbox import recall
from gateway.flow.invitations import due_steps
from gateway.flow.outbound import deliver
from gateway.flow.outbound.write_out import Writer
from gateway.flow.upkeep import heads
from gateway.listeners import SystemRandom, listen_for_mail, open_traces, serve_portal
from gateway.portal.mail.indexing import index_messages
from gateway.ports import Clock
from gateway.prepare import Prepared, prepare
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.runner import SqliteStore
from gateway.terms import Terms, terms_of

log = structlog.get_logger()

PARTS = ("smtp", "portal", "delivery", "reminders", "mailbox")
FOLLOW_EVERY = 0.05
"""Seconds between two looks at whether a clock was turned: whoever turns it need not wait long."""
FORGET_EVERY = 3600
SEAL_LOOK_EVERY = 1
INDEX_EVERY = 1
WRITE_DOWN_EVERY = 1
PARTING = 60
"""Seconds after which nobody asks a directory any more whose place another has taken."""
AT_A_TIME = 20
"""How many invitations are moved on in one transaction: few, so that a mail never waits long for its commit."""

DUE = (
    due_steps.run_due,
    question.run_due,
    recall.run_expired,
    observe.report_due,
    attention.report_due,
    heads.report_due,
)
"""What the calendar brings, each called until it has nothing more to do."""


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
    traces: Traces = UNTRACED
    reach: Reach = field(init=False)
    listening: dict[str, str] = field(default_factory=dict)
    """Where each part listens, once started: "host:port" by part."""
    _terms: Terms | None = None
    _followers: list[Callable[[Terms], None]] = field(default_factory=list)
    """What each part does to go by other settings."""
    _desk: Desk | None = None
    _closing: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def __post_init__(self) -> None:
        self.reach = Reach(self.figures.hop_answers)

    @property
    def name(self) -> str:
        """How this process is told from the others that serve the same database."""
        return f"worker {self.worker}"

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
            key_watch, heartbeat = KeyWatch(desk, self.name), Heartbeat(desk, self.name)
            await key_watch.look()
            if "delivery" in self.parts:
                await heartbeat.begin()
                _in_background(stack, outbox.run())
            ticker = self._ticker(stack, desk, outbox, bookkeeper, prepared.content, heartbeat)
            ticker.every(LOOK_EVERY, key_watch.look)
            _in_background(stack, ticker.run())
            _in_background(stack, self.figures.watch_loop().run())
            counts = (self.figures, self.traffic, self.traces)
            if "mailbox" in self.parts and self.worker == 0:
                reader = MailboxReader(terms.mailbox, desk, prepared.content, *counts)
                self._followers.append(lambda terms: reader.follow(terms.mailbox))
                _in_background(stack, reader.run())
            await self._listen_for_metrics(stack, prepared)
            if "portal" in self.parts:
                follow = await serve_portal(stack, prepared, desk, terms, self.figures, self.traces)
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

        database = open_database(terms.settings.database_path)
        store = SqliteStore(database, content, wake, self.figures.commit, shared=not self.alone)
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
        self,
        stack: contextlib.AsyncExitStack,
        desk: Desk,
        outbox: Outbox,
        bookkeeper: Bookkeeper,
        content: SpooledContent,
        heartbeat: Heartbeat,
    ) -> Ticker:
        ticker, clock, turn, watch = Ticker(), self.clock, Turn(desk, alone=self.alone), Watch(desk)
        self._seal(ticker, desk, turn)
        stack.push_async_callback(turn.give_up)

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
            if "reminders" in self.parts:
                await self._do_what_is_due(desk, turn, ticker)
            if ours:
                self.figures.timed_until.set(now.timestamp())
                await watch.note()

        if isinstance(clock, FileClock):  # it stands still, and nobody waits for a time that does not come
            log.warning("the time is taken from a file: this is a test or a rehearsal")
            ticker.every(receipts.QUIET.total_seconds(), lambda: desk.do(receipts.leave_at_once))
        if isinstance(clock, Turnable):
            ticker.every(FOLLOW_EVERY, _following(clock, tick))
        ticker.every(1, tick)
        self._keep_house(ticker, desk, content, turn)
        self._keep_books(ticker, bookkeeper, turn)
        if not self.alone:
            ticker.every(BEAT_EVERY, heartbeat.beat)
        ticker.every(lookout.TALLY_EVERY, lookout.Tally(desk, self.traffic).tell)
        if self.worker == 0:
            lookout.look_around(ticker, lambda: self.settings, desk, self.figures, self.reach)
        if "portal" in self.parts:
            self._index(ticker, desk, content)
        return ticker

    async def _do_what_is_due(self, desk: Desk, turn: Turn, ticker: Ticker) -> None:
        done = 0
        with self.traces.span("timed work") as span:
            for due in DUE:
                while not ticker.is_ending and await turn.is_ours() and (steps := await desk.do(due, AT_A_TIME)):
                    done += steps
            span.tell(steps=done) if done else span.drop()

    def _keep_house(self, ticker: Ticker, desk: Desk, content: SpooledContent, turn: Turn) -> None:
        """Have what has served its time removed, by whoever keeps the time."""

        async def forget() -> None:
            if await turn.is_ours():
                await keep_house(desk, self.traffic, lambda: ticker.is_ending)
                keep = timedelta(days=self.settings.retention.orphans)
                await asyncio.to_thread(content.sweep, self.clock.now().date(), keep)

        ticker.every(FORGET_EVERY, forget)

    def _keep_books(self, ticker: Ticker, bookkeeper: Bookkeeper, turn: Turn) -> None:
        """Each process writes down what it has sent, and one of them what all have destroyed."""

        async def keep() -> None:
            await bookkeeper.write_down()
            if await turn.is_ours():
                await bookkeeper.keep()

        async def forget() -> None:
            if await turn.is_ours():
                await bookkeeper.forget(self.settings.ledger.keep_days)

        ticker.every(WRITE_DOWN_EVERY, keep)
        ticker.every(FORGET_EVERY, forget)

    def _seal(self, ticker: Ticker, desk: Desk, turn: Turn) -> None:
        """Have the audit sealed, by whoever keeps the time."""
        sealer = Sealer(desk, lambda: self.settings.heads_file)

        async def seal() -> None:
            if await turn.is_ours():
                await sealer.look()

        ticker.every(SEAL_LOOK_EVERY, seal)

    def _index(self, ticker: Ticker, desk: Desk, content: SpooledContent) -> None:
        """Have messages read for the search indexes of their accounts."""

        def gives_way() -> bool:
            return ticker.is_ending or self.traffic.goes_first

        ticker.every(INDEX_EVERY, lambda: index_messages(desk, content, SystemRandom(), gives_way))

    async def _listen_for_metrics(self, stack: contextlib.AsyncExitStack, prepared: Prepared) -> None:
        part = f"metrics{self.worker}"
        await serve_web(stack, shown_to_prometheus(self.figures.registry), prepared.sockets[part])
        self.listening["metrics"] = prepared.where(part)


def _following(clock: Turnable, tick: Job) -> Job:
    async def follow() -> None:
        if clock.tick():
            await tick()

    return follow


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
