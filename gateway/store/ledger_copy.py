"""A copy of the ledger in another place: it follows the ledger, and one that tells something else is never touched."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import structlog

from gateway.domain.ledger import Ledger, LedgerKind, LedgerLine
from gateway.owner import open_owned
from gateway.store.content import sync_folder

log = structlog.get_logger()

TAIL = 1 << 20
"""Octets in which the last line is looked for: longer than any line."""


class LedgerCopy:
    """One copy. `fault` says why it does not follow; "" where it does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._seen: tuple[int, ...] | None = None
        """Which file the ledger was, and how the copy was, when they were last compared."""

    def bring_up(self, file: BinaryIO, own: Callable[[], Ledger], theirs: Callable[[], Ledger]) -> None:
        """Have it follow the ledger's file; `own` and `theirs` read the two, which is done only where that is needed.

        One that cannot be reached now, or tells something else, is said once, and looked at again later.
        """
        before = self.fault
        try:
            self.fault = self._followed(file, own, theirs)
        except OSError as error:
            self.fault, self._seen = f"it cannot be written ({error.strerror or error})", None
        if self.fault and not before:
            log.error("a copy of the ledger does not follow it", file=str(self.path), fault=self.fault)

    def _followed(self, file: BinaryIO, own: Callable[[], Ledger], theirs: Callable[[], Ledger]) -> str:
        inode, size = os.fstat(file.fileno()).st_ino, self.path.stat().st_size if self.path.exists() else -1
        is_as_seen = size >= 0 and self._seen == (inode, *self._state())
        if is_as_seen and self.fault:
            return self.fault
        end = size if is_as_seen else _common_end(file, self.path, size)
        fault = ""
        if end is not None:
            _append(file, self.path, end, size)
        elif size < 0 or not (fault := beyond(own(), theirs())):
            _write_anew(file, self.path)
        self._seen = (inode, *self._state())
        return fault

    def _state(self) -> tuple[int, int, int]:
        found = self.path.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns


def beyond(own: Ledger, theirs: Ledger) -> str:
    """What a file tells that our ledger does not; "" where it may be written over by ours."""
    if not theirs.lines:
        return theirs.fault or "it is no ledger"
    return own.leaves_out(theirs)


def _common_end(file: BinaryIO, copy: Path, size: int) -> int | None:
    """Where the copy's last whole line ends, if the ledger has the same line there; None if not.

    The line's mac is one of all lines before it, so that these are the same as well.
    """
    if size <= 0:
        return None if size < 0 else 0
    start = max(size - TAIL, 0)
    tail = _octets_of(copy, start, size - start)
    whole, newline, cut_off = tail.rpartition(b"\n")
    if not newline:
        return 0 if not start and _octets(file, 0, size) == tail else None
    before, _, last = whole.rpartition(b"\n")
    line, end, begin = parsed(last), size - len(cut_off), start + len(before)
    is_chained = line is not None and (line.kind != LedgerKind.BEGINS or not begin)
    same = is_chained and _octets(file, begin, end - begin) == tail[len(before) : end - start]
    return end if same else None


def _append(file: BinaryIO, copy: Path, end: int, size: int) -> None:
    more = _octets(file, end, os.fstat(file.fileno()).st_size - end)
    if not more and end == size:
        return
    with open_private(copy) as opened:
        opened.seek(end)
        opened.truncate()
        opened.write(more)
        opened.flush()
        os.fsync(opened.fileno())


def _write_anew(file: BinaryIO, copy: Path) -> None:
    fresh = copy.with_name(copy.name + ".tmp")
    with open_private(fresh, os.O_CREAT | os.O_TRUNC) as opened:
        file.seek(0)
        shutil.copyfileobj(file, opened)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(copy)
    sync_folder(copy.parent)


def _octets(file: BinaryIO, start: int, count: int) -> bytes:
    file.seek(start)
    return bytes(file.read(count))


def _octets_of(path: Path, start: int, count: int) -> bytes:
    with path.open("rb") as file:
        return _octets(file, start, count)


def parsed(octets: bytes) -> LedgerLine | None:
    """The line; None where it is none."""
    try:
        said = json.loads(octets)
        at = datetime.fromisoformat(said["at"]).astimezone(UTC)
        return LedgerLine(int(said["number"]), at, str(said["kind"]), str(said["subject"]), str(said["mac"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def open_private(path: Path, flags: int = 0) -> BinaryIO:
    """To read and write, by nobody but us. Raises OSError."""
    return os.fdopen(open_owned(path, os.O_RDWR | os.O_CLOEXEC | flags), "rb+")
