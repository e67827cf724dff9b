"""A million invitations: whether making them, and sending what is due of them, stays as fast as with ten thousand.

The use cases run as the gateway runs them, many in one transaction, on the real store, with a clock that is turned:

    day 0   a hundredth of the rows is made; on day 3 their reminders are due and are queued
    day 3   a tenth of the rows is made: due on day 6
    day 4   the rest is made: not due yet on day 6, when the tenth's reminders are queued
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.address import address
from gateway.domain.vocabulary import Details, Relationship
from gateway.flow import senders
from gateway.flow.context import Context, Desk
from gateway.flow.invitations import due_steps, invite
from gateway.setup import Answers, set_up
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.runner import SqliteStore
from gateway.store.sealing import load_keys
from gateway.testing import FakeClock
from gateway.timed_work import AT_A_TIME
from tests.bench.contenders import SENDER
from tests.bench.effort import Effort
from tests.bench.figures import Row, Target

MADE_AT_A_TIME = 100
"""Invitations made in one transaction; reminders are queued as many at a time as the gateway takes."""
FLAT = Target(1.5, 1.1, absolute=True)
WHO = "gateway"


def measure(folder: Path, effort: Effort) -> list[Row]:
    """One round: it fills a database of its own."""
    site = folder / "site"
    set_up(
        site, Answers("secure.riverside.example", "Riverside", "riverside.example", "127.0.0.1:25", "https://x.example")
    )
    return asyncio.run(_measure(load(site / "gateway.toml"), effort))


async def _measure(settings: Settings, effort: Effort) -> list[Row]:
    store = SqliteStore(open_database(settings.database_path), SpooledContent(settings.spool_path))
    clock = FakeClock()
    desk = Desk(store, settings.policy(), load_keys(settings.path(settings.keys.file)), clock)
    try:
        return await _Growth(desk, clock, effort).run()
    finally:
        await store.close()


@dataclass(slots=True)
class _Growth:
    """A database on its way from none to all the rows."""

    desk: Desk
    clock: FakeClock
    effort: Effort
    made: int = 0
    rows: list[Row] = field(default_factory=list)

    async def run(self) -> list[Row]:
        every = self.effort.rows
        small_made = await self._make_until(every // 100)
        self.clock.advance(days=3)
        small_due = await self._remind()
        await self._make_until(every // 100 + every // 10)
        self.clock.advance(days=1)
        large_made = await self._make_until(every)
        self.clock.advance(days=2)
        large_due = await self._remind()
        for what, few, many in (("creating", small_made, large_made), ("reminding", small_due, large_due)):
            work = f"{what}: how many times slower with {every:,} rows than with {every // 100:,}"
            self.rows.append(Row("scale", work, "x", FLAT, fewer=True, rounds={WHO: [few / many]}))
        return self.rows

    async def _make_until(self, count: int) -> float:
        """Make invitations up to this count; the rate over the last of them, a second."""
        window = self.effort.rows // 200
        await self._make(count - window)
        rate = window / await _timed(lambda: self._make(count))
        return self._note("create invitations", rate)

    async def _make(self, count: int) -> None:
        while self.made < count:
            upto = min(count, self.made + MADE_AT_A_TIME)
            await self.desk.do(_invite, range(self.made, upto))
            self.made = upto

    async def _remind(self) -> float:
        """Queue every reminder that is due; the rate, a second."""
        done = 0

        async def all_of_them() -> None:
            nonlocal done
            while count := await self.desk.do(due_steps.run_due, AT_A_TIME):
                done += count

        seconds = await _timed(all_of_them)
        return self._note(f"claim and queue {done:,} reminders", done / seconds)

    def _note(self, what: str, rate: float) -> float:
        work = f"{what}, near {self.made:,} rows"
        self.rows.append(Row("scale", work, "rows/s", rounds={WHO: [rate]}))
        self.effort.say(f"scale: {work}: {rate:.0f}/s")
        return rate


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.monotonic()
    await work()
    return time.monotonic() - began


def _invite(ctx: Context, numbers: range) -> None:
    """What INVITE does, for many people: each is opened, waited for and invited."""
    practice = ctx.site.practices[0]
    sender = senders.sender_row(ctx, practice, address(SENDER), "Dr Ada")
    for number in numbers:
        invitation = invite.open_for(ctx, practice, address(f"person{number}@strangers.example"), before=None)
        senders.wait_for(ctx, invitation, sender)
        invite.give_details(ctx, invitation, sender, Details(Relationship.COLLEAGUE_ELSEWHERE))
