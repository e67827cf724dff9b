"""Looking around while the gateway serves: what is wrong with the world outside, and how much mail flows."""

import asyncio
from collections.abc import Callable, Iterator

from gateway.admin import sights
from gateway.admin.domains import unknown_domains
from gateway.config.settings import Settings
from gateway.domain.needs import NeedKind
from gateway.edge.outbox.reach import Reach
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.metrics import Figures, Shared
from gateway.edge.run.ticker import Ticker
from gateway.flow import overview
from gateway.flow.administration.needs import needs
from gateway.flow.context import Context, Desk
from gateway.flow.upkeep import backups, chain, hours, troubles
from gateway.flow.upkeep.troubles import Seen

LOOK_EVERY = 60
LOOK_UP_EVERY = 3600
TALLY_EVERY = 60
COUNT_DELIVERIES_EVERY = 15
COUNT_INVITATIONS_EVERY = 300  # it reads the whole table


class Lookout:
    """Notes what it sees in the database, where the digest, the page and `gateway status` find it."""

    def __init__(self, settings: Callable[[], Settings], desk: Desk, figures: Figures, reach: Reach) -> None:
        self._settings, self._desk, self._figures, self._reach = settings, desk, figures, reach
        self._unknown: list[Seen] = []

    async def look(self) -> None:
        """Note what is seen from here. Raises StoreBusy, StoreFull."""
        seen = await asyncio.to_thread(sights.all_seen, self._settings(), self._desk.clock.now())
        seen += [*self._of_others(), *self._unknown]
        await self._desk.do(troubles.note, seen, self._settings().node)  # others may have taken us to be gone

    async def look_up(self) -> None:
        """Ask DNS for the practices' domains; what it says is noted with the next look."""
        domains = [domain for practice in self._settings().practices for domain in practice.domains]
        self._unknown = await asyncio.to_thread(unknown_domains, domains)

    def _of_others(self) -> Iterator[Seen]:
        settings = self._settings()
        for hop, found in self._reach.down():
            where = hop or f"next_hop ({settings.next_hop.address})"
            yield Seen(NeedKind.HOP_DOWN, f"{where}, {found}" if found else where)
        reads = self._figures.is_set("gateway_mailbox_reader")
        if settings.mailbox.host and reads and not self._figures.is_set("gateway_mailbox_connected"):
            yield Seen(NeedKind.MAILBOX, settings.mailbox.host)
        if settings.directory.url and not self._figures.is_set("gateway_directory_answers"):
            yield Seen(NeedKind.DIRECTORY, settings.directory.url)


class Tally:
    """Adds up the mails of one process, minute by minute."""

    def __init__(self, desk: Desk, traffic: Traffic) -> None:
        self._desk, self._traffic = desk, traffic
        self._told = (0, 0)

    async def tell(self) -> None:
        """Raises StoreBusy, StoreFull."""
        now = (self._traffic.taken, self._traffic.sent)
        if now != self._told:
            taken, sent = now[0] - self._told[0], now[1] - self._told[1]
            await self._desk.do(hours.add, taken, sent)
            self._told = now


def look_around(ticker: Ticker, settings: Callable[[], Settings], desk: Desk, figures: Figures, reach: Reach) -> None:
    """Have one worker bring up to date what all of them share: figures, and what is seen of the outside."""
    shared = Shared(figures)

    async def deliveries() -> None:
        shared.deliveries(await desk.ask(overview.deliveries))
        shared.standing(await desk.ask(_standing))

    async def invitations() -> None:
        shared.invitations(await desk.ask(overview.invitations))

    ticker.every(COUNT_DELIVERIES_EVERY, deliveries)
    ticker.every(COUNT_INVITATIONS_EVERY, invitations)
    lookout = Lookout(settings, desk, figures, reach)

    async def look() -> None:
        await lookout.look()
        certificates = await asyncio.to_thread(sights.certificate_ends, settings())
        shared.seen(certificates, await desk.ask(needs))

    ticker.every(LOOK_EVERY, look)
    ticker.every(LOOK_UP_EVERY, lookout.look_up)


def _standing(ctx: Context) -> overview.Standing:
    return overview.standing(ctx, backups.last(ctx.tx), chain.waiting(ctx))
