"""How long the 250 takes at half of Postfix's top rate: mails come when they come, however the server is doing."""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import uvloop

from tests.bench.contenders import REGISTERED, SENDER, Contender, contenders, running
from tests.bench.effort import Effort
from tests.bench.figures import PEER, Row, Target
from tests.bench.load import SESSIONS, Load, calibrated
from tests.bench.mail_rows import settle

FILL = b"".join(b"%s\r\n" % (b"x" * 76) for _ in range(49))  # 4 KB with the head
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Mail:
    """Its envelope, and its text with the last line's end."""

    sender: str
    recipient: str
    text: bytes


class Session:
    """One kept connection, which sends a mail at a time, command by command."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Session":
        session = cls(*await asyncio.open_connection("127.0.0.1", port))
        await session._reply(b"220")
        await session._say(b"HELO load.example", b"250")
        return session

    async def send(self, mail: "Mail") -> float:
        """Send one mail; the seconds from its final dot to the 250."""
        await self._say(b"MAIL FROM:<%s>" % mail.sender.encode(), b"250")
        await self._say(b"RCPT TO:<%s>" % mail.recipient.encode(), b"250")
        await self._say(b"DATA", b"354")
        began = time.monotonic()
        await self._say(mail.text + b".", b"250")
        return time.monotonic() - began

    async def close(self) -> None:
        await self._say(b"QUIT", b"221")
        self._writer.close()

    async def _say(self, line: bytes, wanted: bytes) -> None:
        self._writer.write(line + b"\r\n")
        await self._reply(wanted)

    async def _reply(self, wanted: bytes) -> None:
        line = await self._reader.readline()
        if not line.startswith(wanted):
            raise RuntimeError(f"wanted {wanted.decode()}, got {line!r}")


async def open_loop(ports: Sequence[int], rate: float, mails: int, seed: int, draw: Callable[[], Mail]) -> list[float]:
    """Hand in mails at random instants, `rate` a second on average, over sessions with these ports in turn.

    Returns for each the seconds from its final dot to the 250, and what it had to wait for a free session before:
    a server that falls behind cannot hide it by making the load wait.
    """
    chance = random.Random(seed)  # noqa: S311 - not a secret: everybody is to meet the same instants
    free: asyncio.Queue[Session] = asyncio.Queue()
    for session in [await Session.open(ports[number % len(ports)]) for number in range(SESSIONS)]:
        free.put_nowait(session)

    async def one() -> float:
        due = time.monotonic()
        session = await free.get()
        waited = time.monotonic() - due
        took = await session.send(draw())
        free.put_nowait(session)
        return waited + took

    due, sending = time.monotonic(), []
    for _ in range(mails):
        due += chance.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        sending.append(asyncio.create_task(one()))
    times = await asyncio.gather(*sending)
    while not free.empty():
        await free.get_nowait().close()
    return times


def _mail() -> Mail:
    """The next secure mail: to somebody registered and to a stranger in turn."""
    number = next(_number)
    recipient = REGISTERED if number % 2 else f"{number}-late@strangers.example"
    head = (
        f"From: <{SENDER}>\r\nTo: <{recipient}>\r\nSubject: [secure] Results\r\n"
        f"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{number}.{time.monotonic_ns()}@load.example>\r\n\r\n"
    )
    return Mail(SENDER, recipient, head.encode() + FILL)


def measure(folder: Path, effort: Effort) -> list[Row]:
    """The 50th, 95th and 99th of a hundred, side by side at the same rate."""
    those = contenders(folder)
    with running(*those):
        rate = _half_of_the_top(next(one for one in those if one.name == PEER), effort)
        rows = {
            50: Row("latency", "p50 of the 250", "ms", fewer=True),
            95: Row("latency", "p95 of the 250", "ms", fewer=True),
            99: Row("latency", "p99 of the 250", "ms", Target(1.0, 0.5), fewer=True),
        }
        for number, contender in itertools.product(range(effort.rounds + 1), those):
            times = _one_run(contender, rate, effort, number)
            if number:  # the first run warms up
                for share, row in rows.items():
                    row.add(contender.name, times[share - 1] * 1000)
            effort.say(
                f"latency at {rate:.0f}/s: {contender.name}: p50 {times[49] * 1000:.1f}, p99 {times[98] * 1000:.1f} ms"
            )
    return [Row("latency", "mails handed in", "mails/s", rounds={"load": [rate]}), *rows.values()]


def _half_of_the_top(postfix: Contender, effort: Effort) -> float:
    load = Load(4096)

    def run(mails: int) -> float:
        took = load.send(mails, postfix.port)
        settle(postfix)
        return took

    mails = calibrated(run, 400, effort.seconds)
    return median(mails / run(mails) for _ in range(3)) / 2


def _one_run(contender: Contender, rate: float, effort: Effort, seed: int) -> list[float]:
    mails = max(200, round(rate * effort.seconds))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        times = runner.run(open_loop([contender.port], rate, mails, seed, _mail))
    settle(contender)
    return quantiles(times, n=100)
