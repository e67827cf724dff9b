"""What one process does as time goes by: each second what is due, each hour what keeps the house."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from gateway.config.settings import Settings
from gateway.edge.outbox.outbox import Outbox
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.bookkeeper import Bookkeeper
from gateway.edge.run.clock import FileClock, SteadyClock, Turnable
from gateway.edge.run.housekeeping import keep_house
from gateway.edge.run.metrics import Figures
from gateway.edge.run.sealer import SETTLED, Sealer
from gateway.edge.run.ticker import Job, Ticker, Turn
from gateway.edge.run.watch import Watch
from gateway.edge.traces import Traces
from gateway.flow.administration import attention
from gateway.flow.context import Desk
from gateway.flow.inbound import observe, question, receipts
from gateway.flow.inbox import recall
from gateway.flow.invitations import due_steps
from gateway.flow.outbound import deliver
from gateway.flow.upkeep import heads
from gateway.listeners import SystemRandom
from gateway.portal.mail.indexing import index_messages
from gateway.ports import Clock, ContentStore

log = structlog.get_logger()

FOLLOW_EVERY = 0.05
"""Seconds between two looks at whether a clock was turned: whoever turns it need not wait long."""
FORGET_EVERY = 3600
SEAL_LOOK_EVERY = 1
INDEX_EVERY = 1
WRITE_DOWN_EVERY = 1
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
class TimedWork:
    """The timed work of one process. What the calendar brings is done by whoever has the `turn`, of all who serve."""

    settings: Callable[[], Settings]
    parts: Sequence[str]
    clock: Clock
    desk: Desk
    outbox: Outbox
    bookkeeper: Bookkeeper
    content: ContentStore
    figures: Figures
    traffic: Traffic
    traces: Traces
    turn: Turn
    ticker: Ticker = field(default_factory=Ticker)
    _watch: Watch = field(init=False)

    def begin(self) -> Ticker:
        """Have all of it done, once the ticker runs."""
        ticker, desk, clock = self.ticker, self.desk, self.clock
        self._watch = Watch(desk)
        settles = SETTLED if self.settings().has_nodes else 0.0
        sealer = Sealer(desk, lambda: self.settings().heads_file, settles=settles)
        ticker.every(SEAL_LOOK_EVERY, self._in_turn(sealer.look))
        if isinstance(clock, FileClock):  # it stands still, and nobody waits for a time that does not come
            log.warning("the time is taken from a file: this is a test or a rehearsal")
            ticker.every(receipts.QUIET.total_seconds(), lambda: desk.do(receipts.leave_at_once))
        if isinstance(clock, Turnable):
            ticker.every(FOLLOW_EVERY, _following(clock, self._tick))
        ticker.every(1, self._tick)
        ticker.every(FORGET_EVERY, self._in_turn(self._forget))
        ticker.every(FORGET_EVERY, self._in_turn(self._shorten_ledger))
        ticker.every(WRITE_DOWN_EVERY, self.bookkeeper.write_down)  # each process what it has sent itself
        ticker.every(WRITE_DOWN_EVERY, self._in_turn(self.bookkeeper.keep))
        if "portal" in self.parts:
            ticker.every(INDEX_EVERY, self._index)
        return ticker

    def _in_turn(self, job: Job) -> Job:
        async def in_turn() -> None:
            if await self.turn.is_ours():
                await job()

        in_turn.__qualname__ = job.__qualname__
        return in_turn

    async def _tick(self) -> None:
        self.outbox.wake()
        clock, figures = self.clock, self.figures
        set_by = clock.look() if isinstance(clock, SteadyClock) else None
        now, ours = clock.now(), await self.turn.is_ours()
        if set_by and ours:
            await self.desk.do_at_length(deliver.clock_was_set, set_by)
        figures.clock_astray.set(isinstance(clock, SteadyClock) and clock.is_astray)
        figures.keeps_time.set(ours)
        if ours and "reminders" in self.parts:
            await self._watch.look_back(clock_was_set=set_by is not None)
        if "reminders" in self.parts:
            await self._do_what_is_due()
        if ours:
            figures.timed_until.set(now.timestamp())
            await self._watch.note()

    async def _do_what_is_due(self) -> None:
        done = 0
        with self.traces.span("timed work") as span:
            for due in DUE:
                while await self._goes_on() and (steps := await self.desk.do(due, AT_A_TIME)):
                    done += steps
            span.tell(steps=done) if done else span.drop()

    async def _goes_on(self) -> bool:
        return not self.ticker.is_ending and await self.turn.is_ours()

    async def _forget(self) -> None:
        """Have what has served its time removed."""
        await keep_house(self.desk, self.traffic, lambda: self.ticker.is_ending)
        keep = timedelta(days=self.settings().retention.orphans)
        await asyncio.to_thread(self.content.sweep, self.clock.now().date(), keep)

    async def _shorten_ledger(self) -> None:
        await self.bookkeeper.forget(self.settings().ledger.keep_days)

    async def _index(self) -> None:
        """Have messages read for the search indexes of their accounts."""
        await index_messages(self.desk, self.content, SystemRandom(), self._gives_way)

    def _gives_way(self) -> bool:
        return self.ticker.is_ending or self.traffic.goes_first


def _following(clock: Turnable, tick: Job) -> Job:
    async def follow() -> None:
        if clock.tick():
            await tick()

    return follow
