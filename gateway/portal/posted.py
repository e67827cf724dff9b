"""What a form brings: its fields, and files that are sealed as they arrive and never lie anywhere in clear."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException
from starlette.requests import ClientDisconnect, Request

from gateway.ports import ContentStore, ContentWriter, Sealed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS = 50
MOST_FILES = 50
MOST_TYPED = 2**20
"""Octets that all fields of a form may have together."""
HEARD_OUT = 4
"""So many times what a form with files may have is read of one that is too large."""
AT_ONCE = 128 * 1024
"""Octets that are sealed in one go, beside the event loop."""


class Unwanted(Exception):
    """Nobody waits for the files of this form."""


class Arriving:
    """A file, from its first octet until it is removed. Only this object has the key to it."""

    def __init__(self, content: ContentStore, name: str, filename: str, content_type: str) -> None:
        self.name, self.filename, self.content_type = name, filename, content_type
        self._content = content
        self._writer: ContentWriter = content.writer()
        self._digest = hashlib.sha256()
        self._sealed: Sealed | None = None
        self._is_kept = False

    @property
    def sealed(self) -> Sealed:
        """Where its octets are, and their key; it must have arrived."""
        assert self._sealed is not None  # noqa: S101 - the form was read to its end
        return self._sealed

    def write(self, octets: bytes) -> None:
        """Raises StoreFull, StoreBusy."""
        self._digest.update(octets)
        self._writer.write(octets)

    def finish(self) -> None:
        """Raises StoreFull, StoreBusy."""
        self._sealed = self._writer.finish()
        self._writer.flush()

    def chunks(self) -> Iterator[bytes]:
        """Its octets; it must have arrived."""
        return self._content.chunks(self.sealed.content_id, self.sealed.inline, self.sealed.data_key)

    @property
    def digest(self) -> bytes:
        """SHA-256 of its octets."""
        return self._digest.digest()

    def keep(self) -> None:
        """Have it kept, and leave it there when the form has been answered. Raises StoreFull, StoreBusy."""
        self._writer.sync()
        self._is_kept = True

    def remove(self) -> None:
        """Leave nothing behind, unless it is kept: what was sent of it is in a message of its own."""
        if not self._is_kept:
            self._writer.abandon()


@dataclass(frozen=True, slots=True)
class Posted:
    """A form that has arrived. Its files are to be removed when it has been answered.

    Of one that `is_too_large` the fields are here, and none of its files.
    """

    fields: FormData = field(default_factory=FormData)
    files: tuple[Arriving, ...] = ()
    is_too_large: bool = False

    def remove(self) -> None:
        for file in self.files:
            file.remove()


Awaited = Callable[[FormData], bool]
"""Whether a form that begins with these fields may bring files."""


async def read_form(
    request: Request, limit: int, content: ContentStore | None, awaited: Awaited = lambda _: True
) -> Posted:
    """Read the form that was posted; without a `content` for its files they are dropped.

    Of one that may bring files, and is longer than the limit, the files are dropped and what was typed is kept, for
    some times as many octets: a browser that was cut off would show neither.

    Raises HTTPException (413 for more octets than that, 400 for nonsense), Unwanted, StoreFull and StoreBusy.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    try:
        if kind == b"multipart/form-data":
            most = limit * HEARD_OUT if content else limit
            form = _Multipart(options.get(b"boundary", b""), content, awaited)
            return await form.read(_bounded(request, most), limit)
        stream = _bounded(request, min(limit, 3 * MOST_TYPED))  # an octet takes up to three: "%e9"
        return Posted(await FormParser(request.headers, stream, max_fields=MOST_FIELDS).parse())
    except (MultiPartException, FormParserError, ClientDisconnect) as error:
        raise HTTPException(400) from error


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    taken = 0
    if _declared(request.headers) > limit:
        raise HTTPException(413)
    async for chunk in request.stream():
        taken += len(chunk)
        if taken > limit:
            raise HTTPException(413)
        yield chunk


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0


class _Multipart:
    """A form of several parts (RFC 7578), taken apart as it arrives."""

    def __init__(self, boundary: bytes, content: ContentStore | None, awaited: Awaited) -> None:
        if not boundary:
            raise HTTPException(400)
        self._content, self._awaited = content, awaited
        self._fields: list[tuple[str, str | UploadFile]] = []
        self._files: list[Arriving] = []
        self._typed = 0
        self._header = [bytearray(), bytearray()]
        self._headers: dict[bytes, bytes] = {}
        self._is_whole = False
        self._is_too_large = False
        self._name = ""
        self._value: bytearray | None = None
        """What the field that is being read has so far; None in a file."""
        self._file: Arriving | None = None
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_header_name,
            "on_header_value": self._add_to_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._add,
            "on_part_end": self._end,
            "on_end": self._be_whole,
        }
        self._parser = MultipartParser(boundary, callbacks)

    async def read(self, stream: AsyncGenerator[bytes, None], limit: int) -> Posted:
        """Leaves nothing behind where it raises."""
        try:
            waiting: list[bytes] = []
            size = total = 0
            async for chunk in stream:
                waiting.append(chunk)
                size, total = size + len(chunk), total + len(chunk)
                if total > limit:
                    self._drop_files()
                if size >= AT_ONCE:
                    await _beside_the_loop(self._parser, waiting)
                    size = 0
            await _beside_the_loop(self._parser, waiting)
            if not self._is_whole:
                raise HTTPException(400)
        except BaseException:
            self._posted().remove()
            raise
        return self._posted()

    def _posted(self) -> Posted:
        return Posted(FormData(self._fields), tuple(self._files), self._is_too_large)

    def _drop_files(self) -> None:
        """They are too large: what comes of them is heard out, and forgotten."""
        for file in self._files:
            file.remove()
        self._files, self._file, self._content = [], None, None
        self._is_too_large = True

    # ------------------------------------------------------------------------------------------ what the parser finds

    def _begin(self) -> None:
        self._headers = {}

    def _add_to_header_name(self, octets: bytes, start: int, end: int) -> None:
        self._header[0] += octets[start:end]

    def _add_to_header_value(self, octets: bytes, start: int, end: int) -> None:
        self._header[1] += octets[start:end]

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = [bytearray(), bytearray()]

    def _open(self) -> None:
        """A part begins: a field, or a file."""
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise HTTPException(400)
        self._name = _text(options[b"name"])
        self._file, self._value = None, None
        if b"filename" not in options:
            self._value = bytearray()
        elif self._content and options[b"filename"]:  # browsers send a file without a name where none was chosen
            if len(self._files) == MOST_FILES:
                raise HTTPException(400)
            if not self._files and not self._awaited(FormData(self._fields)):
                raise Unwanted
            content_type = _text(self._headers.get(b"content-type", b""))
            self._file = Arriving(self._content, self._name, _text(options[b"filename"]), content_type)
            self._files.append(self._file)
        if self._value is not None and len(self._fields) == MOST_FIELDS:
            raise HTTPException(400)

    def _add(self, octets: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(octets[start:end])
        elif self._value is not None:
            self._typed += end - start
            if self._typed > MOST_TYPED:
                raise HTTPException(413)
            self._value += octets[start:end]

    def _end(self) -> None:
        if self._file:
            self._file.finish()
        elif self._value is not None:
            self._fields.append((self._name, _text(bytes(self._value))))

    def _be_whole(self) -> None:
        self._is_whole = True


async def _beside_the_loop(parser: MultipartParser, waiting: list[bytes]) -> None:
    """Have the parser take what waits, which seals it; to its end, even if nobody waits for that any more."""
    octets = b"".join(waiting)
    waiting.clear()
    job = asyncio.get_running_loop().run_in_executor(None, parser.write, octets)
    try:
        await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        raise


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
