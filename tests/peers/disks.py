"""Disks that are full, for as long as a test wants them to be."""

import os
import resource
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.peers.served import Served

MIB = 1 << 20


class SmallDisk:
    """A file system of a few MiB, which can be filled to the last octet and emptied again.

    Mounting it takes root, and more than most containers may: else OSError.
    """

    def __init__(self, folder: Path, size: int = 12 * MIB) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        made = subprocess.run(mount, capture_output=True, text=True, check=False)
        if made.returncode:
            raise OSError(made.stderr.strip())

    def fill(self, leave: int = 0) -> None:
        with self._ballast.open("wb") as ballast:
            while (room := self._room() - leave) > 0:
                with suppress(OSError):  # somebody has taken a part of it meanwhile
                    os.posix_fallocate(ballast.fileno(), 0, ballast.seek(0, os.SEEK_END) + room)

    def _room(self) -> int:
        free = os.statvfs(self.folder)
        return free.f_bavail * free.f_frsize

    def empty(self) -> None:
        self._ballast.unlink()

    @property
    def is_full(self) -> bool:
        return self._ballast.exists()

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class LimitedFiles:
    """A process whose files may not grow: writes beyond the limit fail with EFBIG, as on a file system's own bound."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def fill(self, leave: int = 0) -> None:
        self._limit(leave or 1)

    def empty(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, most: int) -> None:
        hard = resource.RLIM_INFINITY
        resource.prlimit(self._served.pid, resource.RLIMIT_FSIZE, (most, hard))
