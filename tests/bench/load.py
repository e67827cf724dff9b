"""The load: Postfix's smtp-source, with 20 sessions in all, and how many mails make a run of a few seconds."""

import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.contenders import REGISTERED, SENDER
from tests.peers import fetch

SESSIONS = 20
_tag = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: mails of `size` octets, on kept or new connections, secure or ordinary.

    One smtp-source sends one mail's octets at a time, whatever its sessions: as many `processes` are sending at once.
    """

    size: int
    kept: bool = True
    secure: bool = True
    processes: int = 2
    senders: int = 1
    """Who writes: the processes in turn."""

    def send(self, mails: int, *ports: int) -> float:
        """Send so many mails, a multiple of the sessions, to these ports in turn; the seconds until the last 250.

        Raises RuntimeError if one is refused.
        """
        began = time.monotonic()
        senders = itertools.cycle((SENDER, *(f"dr{number}@riverside.example" for number in range(1, self.senders))))
        turns = zip(itertools.cycle(ports), senders, self._recipients())
        _finish([self._source(port, mails // self.processes, *turn) for port, *turn in turns])
        return time.monotonic() - began

    def _recipients(self) -> Iterator[tuple[str, ...]]:
        """Whom each process writes to: of secure mail, every second one to strangers, a new one each time."""
        for number in range(self.processes):
            if not self.secure:
                yield "-t", "someone@elsewhere.example"
            elif number % 2:
                yield "-t", REGISTERED
            else:  # smtp-source counts from 1 in each run: the tag tells the runs apart
                yield "-N", "-t", f"-{next(_tag)}@strangers.example"

    def _source(self, port: int, mails: int, sender: str, to: tuple[str, ...]) -> subprocess.Popen[bytes]:
        subject = "[secure] Results" if self.secure else "Results"
        command = [
            *(str(fetch.program("smtp-source")), "-s", str(SESSIONS // self.processes), "-m", str(mails)),
            *("-l", str(self.size), "-f", sender, "-S", subject, *to),
            *(("-d",) if self.kept else ()),
            f"127.0.0.1:{port}",
        ]
        return subprocess.Popen(command, env=fetch.environment(), stderr=subprocess.PIPE)


def _finish(sources: list[subprocess.Popen[bytes]]) -> None:
    try:
        faults = [source.communicate()[1].decode() for source in sources]
    finally:
        for source in sources:
            source.kill()
            source.wait()
    if any(source.returncode for source in sources):
        raise RuntimeError(f"smtp-source: {' '.join(faults)}")


def calibrated(run: Callable[[int], float], first: int, seconds: float) -> int:
    """How many mails a run of about `seconds` takes: found by a first run, which warms up as well."""
    first = _for_all_sessions(first * min(1, seconds / 2))
    return _for_all_sessions(first * seconds / run(first))


def _for_all_sessions(mails: float) -> int:
    return max(SESSIONS, round(mails / SESSIONS) * SESSIONS)
