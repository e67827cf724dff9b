"""Sealed content: small content in its row, larger content in sealed pieces with a home, such as files of the spool.

Content is AES-256-GCM (NIST SP 800-38D) in pieces of 256 KiB, sealed while it arrives. Each piece's associated data
names its content, its index and whether it is the last, so that pieces cannot be swapped, dropped or appended. Up to
64 KiB lies in the content's row.
"""

import contextlib
import io
import itertools
import os
import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import StoreFull, TryAgain
from gateway.owner import make_folder, open_owned
from gateway.ports import Sealed
from gateway.store.sealing import NONCE, TAG, decrypt

CHUNK = 256 * 1024
INLINE = 64 * 1024
SEALED_CHUNK = CHUNK + TAG
"""Octets of each sealed piece but the last."""


class Place(Protocol):
    """Where the sealed pieces of one content go. Each raises StoreFull or StoreBusy, or OSError for a full disk."""

    def append(self, sealed: bytes) -> None: ...

    def complete(self) -> None:
        """There are no more: from now on they can be read."""
        ...

    def sync(self) -> None:
        """Wait until they are on the disk, or will be once a later commit is."""
        ...

    def abandon(self) -> None:
        """Leave nothing behind. Never waits for a network, and raises nothing."""
        ...


class SealedContent(ABC):
    """The port `ContentStore`, whatever the home of sealed pieces is."""

    @abstractmethod
    def place(self, content_id: str) -> Place:
        """A place for new content."""

    @abstractmethod
    def pieces(self, content_id: str) -> Iterator[bytes]:
        """The sealed pieces in their order, no more than one ahead. Raises KeyError where there are none."""

    @abstractmethod
    def discard(self, *content_ids: str) -> None: ...

    @abstractmethod
    def sweep(self, today: date, keep: timedelta) -> int: ...

    def settle(self) -> None:  # noqa: B027 - most homes have nothing left to do
        """As the port says; `sync` was enough, unless the home says otherwise."""

    def close(self) -> None:  # noqa: B027 - as above
        """Let go of what was opened."""

    def put(self, octets: bytes) -> Sealed:
        writer = self.writer()
        writer.write(octets)
        sealed = writer.finish()
        writer.sync()
        return sealed

    def writer(self) -> "SealingWriter":
        return SealingWriter(self.place)

    def get(self, content_id: str, inline: bytes | None, data_key: bytes) -> bytes:
        return b"".join(self.chunks(content_id, inline, data_key))

    def chunks(self, content_id: str, inline: bytes | None, data_key: bytes) -> Iterator[bytes]:
        pieces = self.pieces(content_id) if inline is None else pieces_of(io.BytesIO(inline))
        yield from opened_pieces(content_id, data_key, pieces)


class SealingWriter:
    """The port `ContentWriter`: content that is sealed piece by piece, and gets a place once it is large."""

    def __init__(self, place: Callable[[str], Place]) -> None:
        self._make_place = place
        self._place: Place | None = None
        self._id, self._key = secrets.token_hex(16), secrets.token_bytes(32)
        self._cipher = AESGCM(self._key)
        self._waiting: list[bytes] = []
        self._waiting_size = self._size = self._index = 0
        self._last: bytes | None = None

    def write(self, octets: bytes) -> None:
        self._waiting.append(octets)
        self._waiting_size += len(octets)
        self._size += len(octets)
        if self._waiting_size > CHUNK:
            self._spill()

    def finish(self) -> Sealed:
        last = self._sealed(b"".join(self._waiting), final=True)
        self._waiting.clear()
        if self._size <= INLINE:
            return Sealed(self._id, self._key, self._size, inline=last)
        self._last = last
        return Sealed(self._id, self._key, self._size)

    def flush(self) -> None:
        if self._last is not None:
            with self._whole_or_nothing() as place:
                place.append(self._last)
                place.complete()
            self._last = None

    def sync(self) -> None:
        self.flush()
        if self._place is not None:
            with self._whole_or_nothing() as place:
                place.sync()

    def abandon(self) -> None:
        if self._place is not None:
            self._place.abandon()
        self._place = self._last = None
        self._waiting.clear()

    def _spill(self) -> None:
        """Seal every piece that is known not to be the last."""
        whole = (self._waiting_size - 1) // CHUNK * CHUNK
        octets = memoryview(b"".join(self._waiting))
        with self._whole_or_nothing() as place:
            for start in range(0, whole, CHUNK):
                place.append(self._sealed(octets[start : start + CHUNK], final=False))
        self._waiting, self._waiting_size = [bytes(octets[whole:])], self._waiting_size - whole

    @contextlib.contextmanager
    def _whole_or_nothing(self) -> Iterator[Place]:
        """A place that cannot take all leaves nothing behind."""
        try:
            if self._place is None:
                self._place = self._make_place(self._id)
            yield self._place
        except OSError as error:
            self.abandon()
            raise StoreFull(str(error)) from error
        except TryAgain:
            self.abandon()
            raise

    def _sealed(self, octets: bytes | memoryview, *, final: bool) -> bytes:
        nonce, bound_to = _chunk_frame(self._id, self._index, final)
        self._index += 1
        return self._cipher.encrypt(nonce, octets, bound_to)


def _chunk_frame(content_id: str, index: int, final: bool) -> tuple[bytes, bytes]:
    return index.to_bytes(NONCE, "big"), f"{content_id}|{index}|{int(final)}".encode()


def opened_pieces(content_id: str, data_key: bytes, sealed: Iterator[bytes]) -> Iterator[bytes]:
    """Open one piece at a time; each is known to be the last one by there being nothing behind it."""
    piece = next(sealed, b"")
    for index in itertools.count():
        following = next(sealed, b"")
        nonce, bound_to = _chunk_frame(content_id, index, not following)
        yield decrypt(data_key, nonce, piece, bound_to)
        if not following:
            return
        piece = following


def pieces_of(sealed: BinaryIO) -> Iterator[bytes]:
    """The sealed pieces of a file that has one behind the other."""
    return iter(partial(sealed.read, SEALED_CHUNK), b"")


def opened_chunks(content_id: str, data_key: bytes, sealed: BinaryIO) -> Iterator[bytes]:
    """As `opened_pieces`, of a file."""
    return opened_pieces(content_id, data_key, pieces_of(sealed))


# ----------------------------------------------------------------------------------------------------------- the spool


class SpooledContent(SealedContent):
    """Larger content in a file each, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder)
        self._fresh_names = False

    def place(self, content_id: str) -> Place:
        return _SpoolFile(self, content_id)

    def pieces(self, content_id: str) -> Iterator[bytes]:
        try:
            file = self.file(content_id).open("rb")
        except FileNotFoundError as error:
            raise KeyError(content_id) from error
        with file:
            yield from pieces_of(file)

    def discard(self, *content_ids: str) -> None:
        for content_id in content_ids:
            with contextlib.suppress(OSError):  # the next start sets aside what is left
                self.file(content_id).unlink()

    @property
    def orphans(self) -> Path:
        """Where files lie that belong to no mail, in a folder for each day."""
        return self._folder.with_name(f"{self._folder.name}.orphans")

    def set_aside(self, content_id: str, today: date) -> None:
        """Move a file that no row names out of the way."""
        folder = self.orphans / today.isoformat()
        make_folder(self.orphans)
        make_folder(folder)
        self.file(content_id).rename(folder / content_id)

    def sweep(self, today: date, keep: timedelta) -> int:
        """Remove what a start has set aside so long ago; how many folders."""
        before = (today - keep).isoformat()
        old = [one for one in self.orphans.iterdir() if one.name < before] if self.orphans.is_dir() else []
        for folder in old:
            shutil.rmtree(folder)
        return len(old)

    def settle(self) -> None:
        if self._fresh_names:
            self._fresh_names = False
            try:
                sync_folder(self._folder)
            except OSError as error:
                self._fresh_names = True
                raise StoreFull(str(error)) from error

    def names(self) -> set[str]:
        """The contents that have a file: for sweeping those whose row was never committed."""
        return {path.name for path in self._folder.iterdir()}

    def file(self, content_id: str) -> Path:
        return self._folder / content_id

    def named(self) -> None:
        """A file has got its name, which is to be made durable at the next `settle`."""
        self._fresh_names = True


class _SpoolFile:
    """The port `Place`: one file."""

    def __init__(self, spool: SpooledContent, content_id: str) -> None:
        self._spool, self._id = spool, content_id
        self._file = io.FileIO(spool.file(content_id), "xb", opener=open_owned)

    def append(self, sealed: bytes) -> None:
        with memoryview(sealed) as rest:
            done = 0
            while done < len(rest):  # a disk that runs full takes a part first, and raises at the next write
                done += self._file.write(rest[done:]) or 0

    def complete(self) -> None: ...

    def sync(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        self._spool.named()

    def abandon(self) -> None:
        self._file.close()
        self._spool.discard(self._id)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as what they name."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
