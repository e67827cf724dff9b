"""A database's files as octets, before SQLite opens them: what SQLite itself would pass over in silence.

A log (WAL) that was cut off or altered costs transactions that were promised, and SQLite takes the shorter log for the
whole one. So its frames are counted here, and compared with what the index beside it (-shm) last knew of it.
https://www.sqlite.org/fileformat2.html says how both files are laid out.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAGIC = b"SQLite format 3\0"
_HEADER, _FRAME_HEADER = 32, 24
_LOG_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_MASK = 0xFFFFFFFF
_INDEX_OCTETS = 136


@dataclass(frozen=True, slots=True)
class LogState:
    """What a log holds: `committed` frames that SQLite will use. `fault` says what is wrong, "" for nothing.

    `missing` is how many frames that were committed are gone, as far as is known.
    """

    committed: int = 0
    fault: str = ""
    missing: int = 0


def header_fault(path: Path) -> str:
    """What is wrong with a database file, as far as its size and its first octets show; "" for nothing."""
    size = path.stat().st_size
    if size == 0:
        return "it is empty"
    with path.open("rb") as file:
        head = file.read(100)
    if head[:16] != MAGIC:
        known = sum(a == b for a, b in zip(head, MAGIC, strict=False))
        return "its first page is damaged" if known > len(MAGIC) // 2 else "it is not a database"
    page = int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    if page < 512 or page & (page - 1):
        return f"its first page is damaged: it says that a page has {page} octets"
    return _length_fault(head, size, page)


def _length_fault(head: bytes, size: int, page: int) -> str:
    pages, changed, valid_for = (int.from_bytes(head[at : at + 4], "big") for at in (28, 24, 92))
    if changed == valid_for and pages * page > size:
        return f"it is cut off: {size} octets are there, and {pages * page} should be"
    return f"it is cut off in the middle of a page, after {size} octets" if size % page else ""


def log_state(database: Path) -> LogState:
    """The state of the log beside a database that nobody uses."""
    log = database.with_name(f"{database.name}-wal")
    known = _known_to_index(database.with_name(f"{database.name}-shm"))
    if not log.exists() or log.stat().st_size == 0:
        if known and known.promised:
            return LogState(fault="it is missing, or empty", missing=known.promised)
        return LogState()
    with log.open("rb") as file:
        state = _read_log(file)
    if known and not state.fault and known.salt == _salt(log) and known.promised and known.frames > state.committed:
        missing = known.frames - max(state.committed, known.frames - known.promised)
        return LogState(state.committed, "it is cut off", missing)
    return state


def _read_log(file: BinaryIO) -> LogState:
    header = file.read(_HEADER)
    if len(header) < _HEADER:
        return LogState(fault="it is cut off within its first octets")
    magic, _, page, _, *_, first, second = struct.unpack(">8I", header)
    order = _LOG_MAGIC.get(magic)
    if order is None or _checksum(header[:24], order, (0, 0)) != (first, second) or not 512 <= page <= 65536:
        return LogState(fault="its first octets are damaged")
    return _read_frames(file, header[16:24], order, page, (first, second))


def _read_frames(file: BinaryIO, salt: bytes, order: str, page: int, sums: tuple[int, int]) -> LogState:
    committed = 0
    for number, frame in enumerate(_frames(file, page), 1):
        if len(frame) < _FRAME_HEADER + page:
            return LogState(committed, "" if _is_foreign(frame, salt) else "it is cut off in the middle of a page")
        if _is_foreign(frame, salt):
            break  # what is left of an earlier round
        sums = _checksum(frame[_FRAME_HEADER:], order, _checksum(frame[:8], order, sums))
        if sums != struct.unpack(">2I", frame[16:24]):
            lost = _commits(frame, salt) + sum(_commits(one, salt) for one in _frames(file, page))
            fault = f"page {number} of it is damaged"
            return LogState(committed, fault if lost else "", lost)  # what nobody committed, nobody was promised
        if frame[4:8] != b"\0\0\0\0":
            committed = number
    return LogState(committed)


def _frames(file: BinaryIO, page: int) -> Iterator[bytes]:
    while frame := file.read(_FRAME_HEADER + page):
        yield frame


def _is_foreign(frame: bytes, salt: bytes) -> bool:
    return frame[8:16] != salt


def _commits(frame: bytes, salt: bytes) -> bool:
    return not _is_foreign(frame, salt) and frame[4:8] != b"\0\0\0\0"


def _checksum(octets: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, other in struct.iter_unpack(f"{order}2I", octets):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second


@dataclass(frozen=True, slots=True)
class _Index:
    frames: int
    promised: int
    """Frames that were committed and not yet copied into the database."""
    salt: bytes


def _known_to_index(index: Path) -> _Index | None:
    """What the index last knew of the log; None where there is none, or where it is not whole itself."""
    octets = index.read_bytes()[:_INDEX_OCTETS] if index.exists() else b""
    if len(octets) < _INDEX_OCTETS or octets[:48] != octets[48:96] or not octets[12]:
        return None
    frames, copied = struct.unpack("=I", octets[16:20])[0], struct.unpack("=I", octets[96:100])[0]
    return _Index(frames, max(frames - copied, 0), octets[32:40])


def _salt(log: Path) -> bytes:
    with log.open("rb") as file:
        return file.read(_HEADER)[16:24]
