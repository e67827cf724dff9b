"""The rows that smtp-source measures: accepting secure mail, ordinary mail through to the hop, and the CPU of both."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contenders import AiosmtpdContender, Contender, contenders, room, running
from tests.bench.effort import Effort
from tests.bench.figures import Row, Target
from tests.bench.load import SESSIONS, Load, calibrated
from tests.bench.sampling import cpu_seconds
from tests.bench.sink import PATIENCE


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of mail: its load, the mails of the first run, and what the gateway is to reach."""

    name: str
    load: Load
    first: int
    target: Target


ACCEPT = (
    Work("4 KB, connections re-used", Load(4096), 400, Target(1.5, 2.5)),
    Work("4 KB, a new connection each", Load(4096, kept=False), 400, Target(1.5, 2.5)),
    Work("100 KB, connections re-used", Load(100_000), 200, Target(1.0, 1.5)),
    Work("10 MB, connections re-used", Load(10_000_000, processes=SESSIONS), 20, Target(1.5, 2.5)),
)
THROUGH = (
    Work("4 KB through to the next hop", Load(4096, secure=False), 400, Target(1.2, 2.0)),
    Work("100 KB through to the next hop", Load(100_000, secure=False), 200, Target(1.0, 1.5)),
)
CPU = Target(0.5, 0.25)


def accept(folder: Path, effort: Effort, works: Iterable[Work] = ACCEPT) -> list[Row]:
    """Durable accept of secure mail, half of it to somebody registered and half to strangers."""
    rows: list[Row] = []
    for number, work in enumerate(work for work in works if effort.like in work.name):
        rows += _accept_one(room(folder, f"accept{number}"), effort, work)
    return rows


def _accept_one(folder: Path, effort: Effort, work: Work) -> list[Row]:
    rate = Row("accept", work.name, "mails/s", work.target)
    receiver = Row("cpu", f"accepting secure mail, {work.name}", "ms/mail", CPU, fewer=True)
    whole = Row("cpu", f"secure mail until all is sent, {work.name}", "ms/mail", CPU, fewer=True)

    def measure(contender: Contender, mails: int) -> float:
        before = cpu_seconds(contender.pid)
        took = work.load.send(mails, contender.port)
        taken = cpu_seconds(contender.pid)
        settle(contender)
        sent = cpu_seconds(contender.pid)
        receiver.add(contender.name, (taken - before) / mails * 1000)
        if not isinstance(contender, AiosmtpdContender):  # which sends nothing
            whole.add(contender.name, (sent - before) / mails * 1000)
        rate.add(contender.name, mails / took)
        effort.say(f"{work.name}: {contender.name}: {mails} mails, {mails / took:.0f}/s")
        return took

    alternate(contenders(folder), effort, work, measure, [rate, receiver, whole])
    return [rate, receiver, whole]


def through(folder: Path, effort: Effort, works: Iterable[Work] = THROUGH) -> list[Row]:
    """Ordinary mail, until the next hop has the last of it."""
    rows: list[Row] = []
    for number, work in enumerate(work for work in works if effort.like in work.name):
        rows += _through_one(room(folder, f"through{number}"), effort, work)
    return rows


def _through_one(folder: Path, effort: Effort, work: Work) -> list[Row]:
    rate = Row("through", work.name, "mails/s", work.target)
    cpu = Row("cpu", work.name, "ms/mail", CPU, fewer=True)

    def measure(contender: Contender, mails: int) -> float:
        wanted = contender.sink.count() + mails
        before, began = cpu_seconds(contender.pid), time.monotonic()
        work.load.send(mails, contender.port)
        took = contender.sink.wait_for(wanted) - began
        settle(contender)
        cpu.add(contender.name, (cpu_seconds(contender.pid) - before) / mails * 1000)
        rate.add(contender.name, mails / took)
        effort.say(f"{work.name}: {contender.name}: {mails} mails, {mails / took:.0f}/s")
        return took

    those = [contender for contender in contenders(folder) if not isinstance(contender, AiosmtpdContender)]
    alternate(those, effort, work, measure, [rate, cpu])
    return [rate, cpu]


# --------------------------------------------------------------------------------------------------------- in common


def alternate(
    those: list[Contender],
    effort: Effort,
    work: Work,
    measure: Callable[[Contender, int], float],
    rows: list[Row],
) -> None:
    """Measure everybody in turn, round after round; a first run of each finds the count and is not kept."""
    with running(*those):
        counts = [calibrated(lambda mails, one=one: measure(one, mails), work.first, effort.seconds) for one in those]
        for row in rows:
            row.rounds.clear()
        for _ in range(effort.rounds):
            for contender, mails in zip(those, counts, strict=True):
                os.sync()  # nobody pays for what another has left in the machine's buffers
                measure(contender, mails)


def settle(contender: Contender) -> None:
    """Wait until everything is handed on. Raises TimeoutError."""
    left, since = contender.queued(), time.monotonic()
    while now := contender.queued():
        if now < left:
            left, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            raise TimeoutError(f"{contender.name} still has {now} mails to hand on")
        time.sleep(0.1)
