"""The ledger's file: lines of JSON that only ever grow, each chained to the one before by a keyed digest.

Lines are numbered. What has served its time is left out by writing the file anew, with a first line that continues
what is not there any more. A last line that a power failure has cut off is no line.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import structlog

from gateway.domain.ledger import Gap, Ledger, LedgerKind, LedgerLine, LedgerPosition
from gateway.domain.model_records import LedgerEntry
from gateway.ports import Keys
from gateway.store.content import sync_folder
from gateway.store.ledger_copy import TAIL, LedgerCopy, open_private, parsed

log = structlog.get_logger()

SLACK = timedelta(days=1)
"""How much more than asked for is kept: the file is written anew once a day, not each hour."""


@dataclass(frozen=True, slots=True)
class _End:
    """Where a file ends: which file, how long, its last line's number, and the mac that the next one continues."""

    inode: int
    size: int
    position: LedgerPosition


class ChainedLedger:
    """flow/ledger.py's `LedgerFile`: one file, and copies of it in other places."""

    def __init__(self, file: Path, keys: Keys, copies: Sequence[Path] = (), of: str = "") -> None:
        self.file = file
        self.of = of
        self.copies = tuple(copies)
        self._copies = [LedgerCopy(path) for path in copies]
        self._keys = keys
        self._end: _End | None = None

    # ----------------------------------------------------------------------------------------------------- writing

    def append(self, entries: Sequence[LedgerEntry]) -> LedgerPosition:
        if self._end and self._end.position.number and not self.file.exists():
            if not entries:
                return self._end.position
            self._come_back(self._end.position, entries[0].at)
        with self._opened() as file:
            end = self._found_end(file)
            position, octets = self._chained(end.position, entries)
            if octets:
                self._write(file, end, octets, position)
            else:
                self._copy(file)
            return position

    def _come_back(self, position: LedgerPosition, at: datetime) -> None:
        """The file was taken away while we wrote to it: it comes from a copy, or goes on behind a gap."""
        log.error("the ledger is not there any more", file=str(self.file))
        whole = [copy for copy in self.copies if copy.exists() and self.at(copy).read().end == position]
        if whole:
            self.take_from(whole[0], at)
        else:
            self.begin(position, at, Gap.LOST)

    def at(self, file: Path) -> "ChainedLedger":
        """A ledger with the same keys in another file."""
        return ChainedLedger(file, self._keys)

    def take_from(self, file: Path, at: datetime) -> None:
        """Be what another file is. What stands here, and tells something else, keeps another name. Raises OSError."""
        if self.file.exists() and self.at(file).read().leaves_out(self.read()):
            _set_aside(self.file, at)
        with self._opened():
            self._replace(file.read_bytes())

    def begin(self, position: LedgerPosition, at: datetime, why: Gap) -> None:
        """Say that what follows continues behind this position, and that what led there is missing."""
        if self.file.exists() and self.read().fault:
            _set_aside(self.file, at)
        with self._opened() as file:
            end = self._found_end(file)
            number = max(position.number, end.position.number + 1 if end.size else 0)
            octets = _text(self._line(number, at, LedgerKind.BEGINS, f"{position.mac or '-'} {why}", ""))
            self._write(file, end, octets, LedgerPosition(number, position.mac or "-"))

    def forget(self, before: datetime) -> None:
        if self._oldest() >= before - SLACK:
            return
        with self._opened():
            lines = self.read().lines
            left_out = [line for line in lines if line.at < before]
            if not left_out:
                return
            last = left_out[-1]
            first = self._line(last.number, last.at, LedgerKind.BEGINS, f"{last.hands_on} {Gap.KEPT}", "")
            self._replace(b"".join(map(_text, [first, *lines[len(left_out) :]])))
        with self._opened() as file:
            self._copy(file)  # they are shorter from now on, too

    def _oldest(self) -> datetime:
        """When the first line was written that is one."""
        with self.file.open("rb") as file:
            lines = [parsed(file.readline()) for _ in range(2)]
        found = [line.at for line in lines if line and line.kind != LedgerKind.BEGINS]
        return min(found, default=datetime.max.replace(tzinfo=UTC))

    def _write(self, file: BinaryIO, end: _End, octets: bytes, position: LedgerPosition) -> None:
        file.seek(end.size)
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
        self._end = _End(end.inode, end.size + len(octets), position)
        self._copy(file)

    def _chained(self, position: LedgerPosition, entries: Sequence[LedgerEntry]) -> tuple[LedgerPosition, bytes]:
        """The entries as lines behind this position."""
        number, mac, lines = position.number, position.mac, []
        for entry in entries:
            number += 1
            line = self._line(number, entry.at, entry.kind, entry.subject, mac)
            mac = line.mac
            lines.append(_text(line))
        return LedgerPosition(number, mac), b"".join(lines)

    def _line(self, number: int, at: datetime, kind: str, subject: str, mac_before: str) -> LedgerLine:
        written = json.dumps([mac_before, number, at.isoformat(), str(kind), subject])
        return LedgerLine(number, at, str(kind), subject, self._keys.digest("ledger", written.encode())[:16].hex())

    def _replace(self, octets: bytes) -> None:
        fresh = self.file.with_name(self.file.name + ".tmp")
        with open_private(fresh, os.O_CREAT | os.O_TRUNC) as opened:
            opened.write(octets)
            opened.flush()
            os.fsync(opened.fileno())
        fresh.replace(self.file)
        sync_folder(self.file.parent)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file, for this process alone among all that write to it."""
        with open_private(self.file.with_name(self.file.name + ".lock"), os.O_CREAT) as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            is_fresh = not self.file.exists()
            with open_private(self.file, os.O_CREAT) as file:
                if is_fresh:
                    sync_folder(self.file.parent)
                yield file

    def _found_end(self, file: BinaryIO) -> _End:
        """Where it ends. What another process has written since is read; a line that was cut off is taken away."""
        seen = os.fstat(file.fileno())
        if self._end and (self._end.inode, self._end.size) == (seen.st_ino, seen.st_size):
            return self._end
        file.seek(max(seen.st_size - TAIL, 0))
        whole, newline, cut_off = file.read().rpartition(b"\n")
        size = seen.st_size - len(cut_off)
        if cut_off:
            file.truncate(size)
        last = parsed(whole.rpartition(b"\n")[2]) if newline else None
        position = LedgerPosition(last.number, last.hands_on) if last else LedgerPosition()
        self._end = _End(seen.st_ino, size, position)
        return self._end

    def _copy(self, file: BinaryIO) -> None:
        for copy in self._copies:
            copy.bring_up(file, self.read, self.at(copy.path).read)

    # ----------------------------------------------------------------------------------------------------- reading

    def read(self) -> Ledger:
        """All lines, up to the first that is not as it was written. Raises OSError."""
        lines: list[LedgerLine] = []
        mac = ""
        whole, _, _ = self.file.read_bytes().rpartition(b"\n")
        for octets in whole.split(b"\n") if whole else ():
            line = parsed(octets)
            after = lines[-1].number if lines else None
            fault = self._fault(line, after, mac)
            if fault or line is None:
                return Ledger(lines, fault)
            lines.append(line)
            mac = line.hands_on
        return Ledger(lines)

    def _fault(self, line: LedgerLine | None, after: int | None, mac: str) -> str:
        if line is None:
            return f"the line after line {after or 0} cannot be read"
        begins = line.kind == LedgerKind.BEGINS
        if self._line(line.number, line.at, line.kind, line.subject, "" if begins else mac).mac != line.mac:
            return f"line {line.number} is not as it was written, or the line before it was taken out"
        if not begins and line.number != (after or 0) + 1:
            return f"line {line.number} does not follow line {after or 0}"
        return ""


def _set_aside(file: Path, at: datetime) -> None:
    """Keep a ledger that cannot be gone on with under another name."""
    aside = file.with_name(f"{file.name}.{at:%Y%m%dT%H%M%S%f}")
    log.error("a ledger is not what it should be, and is set aside", file=str(file), aside=str(aside))
    file.rename(aside)


def _text(line: LedgerLine) -> bytes:
    said = {"number": line.number, "at": line.at.isoformat(), "kind": line.kind, "subject": line.subject}
    return json.dumps(said | {"mac": line.mac}).encode() + b"\n"
