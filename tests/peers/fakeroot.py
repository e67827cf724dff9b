"""Root's rights, as far as Postfix looks: real ones for root, Debian's fakeroot for everybody else.

Postfix gives its folders to several users and becomes them. In a container neither mounts nor users of one's own can be
had; fakeroot needs nothing but a process that remembers whose each file would be.
"""

import os
import subprocess

from tests.peers import fetch
from tests.peers.process import end


class Fakeroot:
    """What remembers; all programs that are to believe the same are given its `environment`."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() != 0:
            self._start()

    def _start(self) -> None:
        command = [str(fetch.ROOT / "usr/bin/faked-sysv"), "--foreground"]
        self._process = subprocess.Popen(
            command, env=fetch.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self._process.stdout
        key = self._process.stdout.readline().decode().partition(":")[0]
        [library] = fetch.ROOT.glob("usr/lib/*/libfakeroot/libfakeroot-sysv.so")
        self.environment = {"FAKEROOTKEY": key, "LD_PRELOAD": str(library)}

    def close(self) -> None:
        if self._process and self._process.stdout:
            end(self._process)
            self._process.stdout.close()
        self._process = None
