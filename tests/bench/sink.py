"""The next hop: Postfix's smtp-sink, which takes everything, keeps nothing and counts."""

import os
import re
import subprocess
import time
from pathlib import Path

from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.process import end, wait_until_listening

BACKLOG = "1000"
TAIL = 200
"""Octets at the end of what the sink printed that surely hold its last counters."""
POLL_SECONDS = 0.005
PATIENCE = 120
"""Seconds without a single mail after which a run is given up."""


class CountingSink:
    """One sink. It prints its counters after each mail, into a file that we look at: nothing else slows it."""

    def __init__(self, folder: Path) -> None:
        self.port = reserve(self)
        self._printed = folder / "sink"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen. Root has to name a user, or the program refuses to run."""
        user = ("-u", "root") if os.geteuid() == 0 else ()
        command = [str(fetch.program("smtp-sink")), "-c", *user, f"127.0.0.1:{self.port}", BACKLOG]
        with self._printed.open("wb") as printed:
            self._process = subprocess.Popen(command, env=fetch.environment(), stdout=printed)
        wait_until_listening(self._process, self.port)

    @property
    def is_running(self) -> bool:
        """Whether it was started: several gateways may hand on to one."""
        return self._process is not None

    def close(self) -> None:
        if self._process:
            end(self._process)

    def count(self) -> int:
        """How many mails it has taken so far."""
        with self._printed.open("rb") as printed:
            printed.seek(max(0, self._printed.stat().st_size - TAIL))
            counts = re.findall(rb"mesg=(\d+)\r", printed.read())
        return int(counts[-1]) if counts else 0

    def wait_for(self, count: int) -> float:
        """Wait until it has taken that many; the monotonic instant. Raises TimeoutError."""
        seen, since = self.count(), time.monotonic()
        while (now := self.count()) < count:
            if now > seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise TimeoutError(f"the next hop has got {now} mails of {count} and no more for {PATIENCE} s")
            time.sleep(POLL_SECONDS)
        return time.monotonic()
