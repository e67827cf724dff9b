"""What a tree of processes has used, from /proc: CPU seconds, and memory as it is shared out (Pss)."""

import contextlib
import os
import threading
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    children = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            children[int(fields[1])].append(int(folder.name))
    found = [pid]
    for parent in found:
        found += children[parent]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree so far; of those that have ended as well, where their parent was told."""
    used = (_stat(member) for member in tree(pid))
    return sum(sum(map(int, fields[11:15])) for fields in used if fields) / TICKS


def pss(pid: int) -> int:
    """Octets of memory of the tree; a page that several share counts in parts."""
    total = 0
    for member in tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, the state first; empty when the process is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


class Peak:
    """The highest Pss of a tree while the context is open, looked at several times a second."""

    def __init__(self, pid: int, every: float = 0.1) -> None:
        self.octets = 0
        self._pid, self._every = pid, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.octets = max(self.octets, pss(self._pid))
            if self._over.wait(self._every):
                return
