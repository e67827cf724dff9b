"""Memory: idle, and the peak while 20 sessions hand in 25 MB each at once."""

import time
from pathlib import Path

from tests.bench.contenders import Contender, contenders, room, running
from tests.bench.effort import Effort
from tests.bench.figures import Row, Target
from tests.bench.load import SESSIONS, Load
from tests.bench.mail_rows import settle
from tests.bench.sampling import Peak, pss

BIG = Load(25_000_000, processes=SESSIONS)
AT_REST = 2
"""Seconds after the start until a program counts as idle."""


def measure(folder: Path, effort: Effort) -> list[Row]:
    """Everybody starts afresh for each round: what a process has grown to it may keep."""
    idle = Row("memory", "idle", "MB", Target(100, 60, absolute=True), fewer=True)
    work = f"{SESSIONS} sessions with 25 MB each at once"
    peak = Row("memory", work, "MB", Target(200, 120, absolute=True), fewer=True)
    for number in range(effort.rounds):
        for contender in contenders(room(folder, str(number))):
            with running(contender):
                time.sleep(AT_REST)
                idle.add(contender.name, pss(contender.pid) / 1e6)
                peak.add(contender.name, _peak(contender) / 1e6)
            effort.say(
                f"memory: {contender.name}: {idle.rounds[contender.name][-1]:.0f} MB idle, "
                f"{peak.rounds[contender.name][-1]:.0f} MB at most"
            )
    return [idle, peak]


def _peak(contender: Contender) -> int:
    with Peak(contender.pid) as peak:
        BIG.send(SESSIONS, contender.port)
        settle(contender)
    return peak.octets
