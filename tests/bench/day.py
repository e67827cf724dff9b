"""A day's load of many practices on gateways at one PostgreSQL server: `python -m tests.bench.day`.

Mails come at random instants, from the senders and of the kinds and sizes that docs/scale.md assumes: as many a second
as the practices write in a quiet hour, on the day's average and in its busiest hour, and then as fast as the gateways
take them. What that cost stands beside what the arithmetic (arithmetic.py) says. `--kinds` measures its constants.
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import httpx2

from gateway.domain.model import Account
from gateway.portal.passwords import Passwords
from gateway.portal.turns import Asker
from gateway.store.databases import server_at
from tests.bench.arithmetic import HOURS, MB, ORDINARY, REGISTERED, SMALL, STRANGER, Day
from tests.bench.contenders import room
from tests.bench.day_costs import Taken, reading, told
from tests.bench.latency import Mail, open_loop
from tests.bench.nodes import Node, Site
from tests.bench.reads import PASSWORD, _sign_in
from tests.bench.sampling import pss
from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.postgres import Postgres

ACCOUNTS = 2_000
FLUSHED_SECONDS = 11
"""After which a process of the server has told its statistics, even if it does nothing more."""
ANY_RATE = 1e6
"""Mails a second, of which each waits for one of the sessions to be free: as fast as the gateways take them."""
WARM = 200
"""Mails before anything is measured."""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bench' AND backend_type = 'client backend'"
LINE = b"x" * 76 + b"\r\n"


class DayNode(Node):
    """One gateway of a site with many practices; the first one has a portal where people sign in."""

    def __init__(self, folder: Path, server: Postgres, number: int, practices: int, first: "DayNode | None") -> None:
        super().__init__(folder, server, f"node-{number}", first)
        self._practices = practices
        self.portal = reserve(self)
        self.password_hash = ""

    def _init(self) -> None:
        super()._init()
        file = self._folder / "gateway.toml"
        tables = "".join(
            f'[[practices]]\nid = "p{n}"\nname = "Practice {n}"\ndomains = ["p{n}.example"]\n\n'
            for n in range(self._practices)
        )
        head, _, rest = file.read_text().partition("[next_hop]")
        text = f"{head}{tables}[next_hop]{rest}"
        file.write_text(text.replace('"https://secure.riverside.example"', f'"http://127.0.0.1:{self.portal}"'))

    def _listeners(self) -> dict[str, str]:
        return super()._listeners() | {"GATEWAY_PORTAL__LISTEN": f"127.0.0.1:{self.portal}"}

    def _register(self) -> None:
        super()._register()
        if not self._first:
            server_at(self.url, "", 2).write_once(lambda tx: [tx.add(self._reader(n)) for n in range(ACCOUNTS)])

    def _reader(self, number: int) -> Account:
        return replace(self.account(), address=reader(number), typed=reader(number), password_hash=self.password_hash)


def reader(number: int) -> str:
    """The address of somebody who is registered."""
    return f"pat{number}@home.example"


@dataclass(slots=True)
class Traffic:
    """Draws a day's mails, one after the other."""

    day: Day
    practices: int
    chance: random.Random
    _numbers: Iterator[int]

    @classmethod
    def of(cls, day: Day, practices: int, seed: int) -> "Traffic":
        return cls(day, practices, random.Random(seed), itertools.count(1))  # noqa: S311 - not a secret

    def draw(self) -> Mail:
        number = next(self._numbers)
        practice = self.chance.randrange(self.practices)
        sender = f"c{self.chance.randrange(self.day.clinicians_a_practice)}@p{practice}.example"
        kinds = self.day.shares
        [kind] = self.chance.choices(list(kinds), list(kinds.values()))
        sizes, shares = zip(*self.day.sizes, strict=True)
        [size] = self.chance.choices(sizes, shares)
        recipient = {
            ORDINARY: f"{number}@elsewhere.example",
            REGISTERED: reader(self.chance.randrange(ACCOUNTS)),
            STRANGER: f"{number}.{time.monotonic_ns()}@strangers.example",
        }[kind]
        head = (
            f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {'' if kind == ORDINARY else '[secure] '}Results\r\n"
            f"Date: {datetime.now(UTC):%a, %d %b %Y %H:%M:%S +0000}\r\n"
            f"Message-ID: <{number}.{time.monotonic_ns()}@p{practice}.example>\r\n\r\n"
        ).encode()
        return Mail(sender, recipient, head + LINE * ((size - len(head)) // len(LINE)))


async def _people(portal: str, rate: float, mails: asyncio.Task[list[float]], chance: random.Random) -> list[float]:
    """People sign in at random instants for as long as mails are handed in; the seconds that each took."""

    async def one() -> float:
        place = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        headers = {"X-Forwarded-For": place}
        async with httpx2.AsyncClient(base_url=portal, timeout=60, headers=headers) as client:
            took, status = await _sign_in(client, chance.randrange(ACCOUNTS))
        assert status == "303", status
        return took

    coming = []
    while rate and not mails.done():
        await asyncio.wait([mails], timeout=chance.expovariate(rate))
        if not mails.done():
            coming.append(asyncio.create_task(one()))
    return await asyncio.gather(*coming)


@dataclass(slots=True)
class Stage:
    """The site, and how it is measured."""

    site: Site
    server: Postgres
    flushed_seconds: float

    def run(self, traffic: Traffic, rate: float, mails: int, sign_ins: float) -> Taken:
        """Hand in so many mails, and let so many people a second sign in; until all is sent."""
        time.sleep(self.flushed_seconds)
        reading(self.site, self.server)  # sweeps, so that the next one costs nothing
        before, began = reading(self.site, self.server), time.monotonic()
        times, people, took, connections = asyncio.run(self._offer(traffic, rate, mails, sign_ins))
        self.site.settle()
        whole = time.monotonic() - began
        time.sleep(self.flushed_seconds)
        after = reading(self.site, self.server)
        return Taken.of(before, after, mails, took, whole, p95(times), len(people), p95(people), connections)

    async def _offer(
        self, traffic: Traffic, rate: float, mails: int, sign_ins: float
    ) -> tuple[list[float], list[float], float, int]:
        first = self.site.gateways[0]
        assert isinstance(first, DayNode)
        began = time.monotonic()
        sending = asyncio.create_task(open_loop(self.site.ports, rate, mails, mails, traffic.draw))
        people = asyncio.create_task(_people(f"http://127.0.0.1:{first.portal}", sign_ins, sending, traffic.chance))
        most = 0
        while not sending.done():
            [(now,)] = await asyncio.to_thread(self.server.say, CONNECTIONS)
            most = max(most, int(now))
            await asyncio.wait([sending], timeout=1)
        took = time.monotonic() - began
        return await sending, await people, took, most


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[18] if len(times) > 1 else sum(times)


@contextmanager
def stage(folder: Path, nodes: int, practices: int, flushed_seconds: float) -> Iterator[Stage]:
    """A server that syncs, and gateways that have started; says how long they took for that."""
    with ExitStack() as stack:
        server = Postgres(durable=True)
        stack.callback(server.stop)
        server.start()
        server.database("bench")
        gateways: list[DayNode] = []
        for number in range(nodes):
            first = gateways[0] if gateways else None
            node = DayNode(room(folder, str(number)), server, number, practices, first)
            node.password_hash = asyncio.run(Passwords().hash(PASSWORD, Asker("bench")))
            gateways.append(node)
            stack.callback(node.close)
            began = time.monotonic()
            node.start()
            say(
                f"node {number}: {practices:,} practices, made and started in {time.monotonic() - began:.1f} s, "
                f"{pss(node.pid) / MB:.0f} MB"
            )
        found = Stage(Site("day", list(gateways), server), server, flushed_seconds)
        found.run(Traffic.of(Day(), practices, 0), ANY_RATE, WARM, 0)
        yield found


def kinds(folder: Path, seconds: float, flushed: float) -> None:
    """Print what a mail of each kind costs, as arithmetic.py has it."""
    one_size = ((SMALL, 1.0),)
    plain = Day(clinicians_a_practice=10_000, sizes=one_size, secure=0)
    whole = replace(plain, sizes=((1_000_000 + SMALL, 1.0),))
    those = {  # secure mail first: it would be put where ordinary mail has left room
        REGISTERED: replace(plain, secure=1, strangers=0),
        STRANGER: replace(plain, secure=1, strangers=1),
        ORDINARY: plain,
        "ordinary, 1 MB more": whole,
        "secure, 1 MB more": replace(whole, secure=1, strangers=0),
    }
    with stage(folder, 1, 1, flushed) as measured:
        for name, day in those.items():
            rate = 8 if "MB" in name else 60
            taken = measured.run(Traffic.of(day, 1, 1), rate, max(20, int(rate * seconds)), 0)
            print(f"{name}: {taken.cost}", flush=True)
        idle = measured.run(Traffic.of(plain, 1, 1), 60, 60, 2)
        print(f"with {idle.people} sign-ins: {idle.cost}", flush=True)


def the_day(folder: Path, options: argparse.Namespace) -> None:
    """Measure the hours that were asked for, and print each beside the arithmetic."""
    day = Day(clinicians=options.practices * Day().clinicians_a_practice)
    hours = {"quiet": day.rate(QUIET), "mean": day.rate(), "peak": day.peak, "full": ANY_RATE}
    with stage(folder, options.nodes, options.practices, options.flushed) as measured:
        for number, hour in enumerate(options.hour):
            offered = hours[hour]
            mails = max(40, round((min(offered, day.peak * 2) if hour == "full" else offered) * options.seconds))
            sign_ins = 0 if hour == "full" else offered * day.secure * day.sign_ins
            taken = measured.run(Traffic.of(day, options.practices, number + 1), offered, mails, sign_ins)
            print(told(hour, None if hour == "full" else offered, day, options.nodes, taken), flush=True)


QUIET, PEAK = HOURS.index(min(HOURS)), HOURS.index(max(HOURS))


def main() -> None:
    options = arguments()
    fetch.fetch()
    with tempfile.TemporaryDirectory(prefix="day-", dir=options.folder) as folder:
        Path(folder).chmod(0o755)
        if options.kinds:
            kinds(Path(folder), options.seconds, options.flushed)
        else:
            the_day(Path(folder), options)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.day", description=__doc__)
    parser.add_argument("--practices", type=int, default=10_000, help="of ten clinicians each")
    parser.add_argument("--seconds", type=float, default=60, help="of each hour that are simulated, in real time")
    parser.add_argument("--nodes", type=int, default=2)
    hours = ("quiet", "mean", "peak", "full")
    parser.add_argument("--hour", nargs="*", choices=hours, default=list(hours), help="full: as fast as they are taken")
    parser.add_argument("--kinds", action="store_true", help="measure the arithmetic's constants instead")
    parser.add_argument("--flushed", type=float, default=FLUSHED_SECONDS, help="seconds to wait for statistics")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a disk, not in memory")
    return parser.parse_args()


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
