"""The load: Postfix's smtp-source, with 20 sessions in all, and how many mails make a run of a few seconds."""

import itertools
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.contenders import REGISTERED, SENDER
from tests.peers import fetch

SESSIONS = 20
_tag = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: mails of `size` octets, on kept or new connections, secure or ordinary."""

    size: int
    kept: bool = True
    secure: bool = True

    def send(self, port: int, mails: int) -> float:
        """Send them all; the seconds until the last 250. Raises RuntimeError if one is refused."""
        began = time.monotonic()
        if self.secure:
            half = mails // 2
            sources = [
                self._source(port, half, SESSIONS // 2, "-t", REGISTERED),
                # smtp-source counts its strangers from 1 in each run: the tag tells the runs apart
                self._source(port, mails - half, SESSIONS // 2, "-N", "-t", f"-{next(_tag)}@strangers.example"),
            ]
        else:
            sources = [self._source(port, mails, SESSIONS, "-t", "someone@elsewhere.example")]
        _finish(sources)
        return time.monotonic() - began

    def _source(self, port: int, mails: int, sessions: int, *options: str) -> subprocess.Popen[bytes]:
        subject = "[secure] Results" if self.secure else "Results"
        command = [
            *(str(fetch.program("smtp-source")), "-s", str(min(sessions, mails)), "-m", str(mails)),
            *("-l", str(self.size), "-f", SENDER, "-S", subject, *options),
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
    took = run(first)
    return max(SESSIONS, round(first * seconds / took / SESSIONS) * SESSIONS)
