"""The home of sealed content: small content in its row, larger content in files of the spool.

Content is AES-256-GCM (NIST SP 800-38D) in chunks of 256 KiB, sealed while it arrives. Each chunk's associated data
names its content, its index and whether it is the last, so that chunks cannot be swapped, dropped or appended. Up to
64 KiB lies in the content's row.
"""

import contextlib
import io
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import StoreFull
from gateway.owner import make_folder, open_owned
from gateway.ports import Sealed
from gateway.store.sealing import NONCE, TAG, decrypt

CHUNK = 256 * 1024
INLINE = 64 * 1024


class SpooledContent:
    """The port `ContentStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder)
        self._fresh_names = False

    def put(self, octets: bytes) -> Sealed:
        writer = self.writer()
        writer.write(octets)
        sealed = writer.finish()
        writer.sync()
        return sealed

    def writer(self) -> "SealingWriter":
        return SealingWriter(self)

    def get(self, content_id: str, inline: bytes | None, data_key: bytes) -> bytes:
        return b"".join(self.chunks(content_id, inline, data_key))

    def chunks(self, content_id: str, inline: bytes | None, data_key: bytes) -> Iterator[bytes]:
        if inline is not None:
            yield from opened_chunks(content_id, data_key, io.BytesIO(inline))
            return
        try:
            file = self.file(content_id).open("rb")
        except FileNotFoundError as error:
            raise KeyError(content_id) from error
        with file:
            yield from opened_chunks(content_id, data_key, file)

    def discard(self, content_id: str) -> None:
        self.file(content_id).unlink(missing_ok=True)

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

    def forget_orphans(self, before: date) -> int:
        """Remove what was set aside before this day; how many folders."""
        old = [one for one in self.orphans.iterdir() if one.name < before.isoformat()] if self.orphans.is_dir() else []
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


class SealingWriter:
    """The port `ContentWriter`: content that is sealed chunk by chunk, and spilt to a file once it is large."""

    def __init__(self, content: SpooledContent) -> None:
        self._content = content
        self._id, self._key = secrets.token_hex(16), secrets.token_bytes(32)
        self._cipher = AESGCM(self._key)
        self._waiting: list[bytes] = []
        self._waiting_size = self._size = self._index = 0
        self._file: io.FileIO | None = None

    def write(self, octets: bytes) -> None:
        self._waiting.append(octets)
        self._waiting_size += len(octets)
        self._size += len(octets)
        if self._size > INLINE:
            self._spill()

    def finish(self) -> Sealed:
        last = self._sealed(b"".join(self._waiting), final=True)
        self._waiting.clear()
        if self._file is None:
            return Sealed(self._id, self._key, self._size, inline=last)
        with self._or_nothing():
            _write_all(self._file, last)
        return Sealed(self._id, self._key, self._size)

    def sync(self) -> None:
        if self._file is None:
            return
        with self._or_nothing():
            os.fsync(self._file.fileno())
        self._file.close()
        self._content.named()

    def abandon(self) -> None:
        if self._file:
            self._file.close()
            self._content.discard(self._id)
        self._waiting.clear()

    def _spill(self) -> None:
        """Seal every chunk that is known not to be the last."""
        with self._or_nothing():
            if self._file is None:
                self._file = io.FileIO(self._content.file(self._id), "xb", opener=open_owned)
            whole = (self._waiting_size - 1) // CHUNK * CHUNK
            if whole > 0:
                octets = memoryview(b"".join(self._waiting))
                for start in range(0, whole, CHUNK):
                    _write_all(self._file, self._sealed(octets[start : start + CHUNK], final=False))
                self._waiting, self._waiting_size = [bytes(octets[whole:])], self._waiting_size - whole

    @contextlib.contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """A disk without room leaves nothing behind."""
        try:
            yield
        except OSError as error:
            self.abandon()
            raise StoreFull(str(error)) from error

    def _sealed(self, octets: bytes | memoryview, *, final: bool) -> bytes:
        nonce, bound_to = _chunk_frame(self._id, self._index, final)
        self._index += 1
        return self._cipher.encrypt(nonce, octets, bound_to)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as what they name."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _write_all(file: io.FileIO, octets: bytes) -> None:
    with memoryview(octets) as rest:
        done = 0
        while done < len(rest):  # a disk that runs full takes a part first, and raises at the next write
            done += file.write(rest[done:]) or 0


def _chunk_frame(content_id: str, index: int, final: bool) -> tuple[bytes, bytes]:
    return index.to_bytes(NONCE, "big"), f"{content_id}|{index}|{int(final)}".encode()


def opened_chunks(content_id: str, data_key: bytes, sealed: BinaryIO) -> Iterator[bytes]:
    """Open one chunk at a time; each is known to be the last one by there being nothing behind it."""
    chunk = sealed.read(CHUNK + TAG)
    for index in itertools.count():
        following = sealed.read(CHUNK + TAG)
        nonce, bound_to = _chunk_frame(content_id, index, not following)
        yield decrypt(data_key, nonce, chunk, bound_to)
        if not following:
            return
        chunk = following
