"""What a message brings: the text and the HTML that are read in line, and its files (RFC 2046, RFC 2183).

Text that has a name, as Apple Mail and scanners send it, is both: it is read, and can be saved. Files that lie within a
text (`enclosed`) come after those that are parts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from mimetypes import MimeTypes
from pathlib import PurePath

from gateway.mail import enclosed
from gateway.mail.bounds import START_OCTETS
from gateway.mail.decoding import lines, safe_filename
from gateway.mail.enclosed import Enclosed
from gateway.mail.kinds import Kind, Preview, kind_of
from gateway.mail.mime import Part, TooMuch, tree
from gateway.mail.transfer import untransferred

_SUFFIXES = {
    "application/pdf": ".pdf",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tiff",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
    "text/x-amp-html": ".html",
    "message/external-body": ".txt",
}
_KNOWN_SUFFIXES = MimeTypes()
_UNNAMED = {
    "application/pgp-signature": "signature",
    "application/pkcs7-signature": "signature",
    "message/delivery-status": "delivery-status",
    "message/disposition-notification": "receipt",
    "message/external-body": "kept-elsewhere",
    "text/calendar": "meeting",
    "text/rfc822-headers": "head-of-the-mail",
    "text/x-amp-html": "interactive-form",
}
"""What a file without a name is called, where that can be said; else it is an attachment."""
_WRAPPERS = frozenset({"message/rfc822", "message/external-body"})
"""What is never of the kind that its name says."""
_READ = frozenset({"", ".txt", ".text", ".asc", ".log", ".md", ".htm", ".html", ".eml"})
"""The endings of names that text may have which is read in line; a table is not."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a message: `size` in octets once decoded, `filename` safe to offer for saving.

    `kind` is what it is by its octets, whatever it is called; None where these are not known.
    """

    index: int
    filename: str
    content_type: str
    size: int
    content_id: str
    kind: Kind | None = None

    @property
    def picture(self) -> str:
        """The type by which any browser shows it; "" for what is no such picture, were it called one."""
        return self.kind.content_type if self.kind and self.kind.preview is Preview.PICTURE else ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a file lies in its message, from `start` to `end`, and how it is encoded; `within` that, where in it."""

    start: int
    end: int
    encoding: str
    within: Enclosed | None = None

    def octets(self, message: Iterable[bytes]) -> Iterator[bytes]:
        """The file, decoded, from the message's octets, however they are cut."""
        whole = untransferred(_between(message, self.start, self.end), self.encoding)
        one = self.within
        return untransferred(_between(whole, one.start, one.end), one.encoding) if one else whole


@dataclass(frozen=True, slots=True)
class Body:
    """What a person reads: plain text, HTML as it was sent (not made safe), and files. "" where there is none.

    `text_is_whole` says whether the text has all that the HTML has; parts in HTML alone may stand beside it.
    """

    text: str
    html: str
    attachments: tuple[Attachment, ...]
    text_is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that is not taken apart, and why; it can still be kept and delivered."""

    reason: str


def body(raw: bytes, most: int | None = None) -> Body | Malformed:
    """Take the message apart into what is read in line and what is attached.

    Of what is read in line, at most so many octets of text are decoded, and as many of HTML.
    """
    try:
        root = tree(raw)
    except TooMuch as reason:
        return Malformed(str(reason))
    room = len(raw) if most is None else most
    read = _inline(root, _Room({"text/html": room, "text/plain": room}))
    files = enumerate(_files(root))
    return Body(read.text, read.html, tuple(_described(index, one, raw) for index, one in files), read.text_is_whole)


def attachment(raw: bytes, index: int) -> tuple[Attachment, bytes] | None:
    """The file of this index with its octets, or None if there is no such file."""
    found = piece(raw, index)
    return (found[0], b"".join(found[1].octets([raw]))) if found else None


def piece(raw: bytes, index: int) -> tuple[Attachment, Piece] | None:
    """The file of this index and where it lies, or None if there is no such file."""
    try:
        files = _files(tree(raw))
    except TooMuch:
        return None
    if not 0 <= index < len(files):
        return None
    return _described(index, files[index], raw), files[index].piece


# ------------------------------------------------------------------------------------------------------------ in line


@dataclass(slots=True)
class _Room:
    """How many octets of each type may still be decoded."""

    left: dict[str, int]

    def text(self, part: Part) -> str:
        octets = min(part.end - part.start, self.left[part.content_type])
        self.left[part.content_type] -= octets
        return lines(part.as_text(_taken_apart(part, octets)[0]))


def _is_read(part: Part) -> bool:
    """Whether a part is shown where it stands."""
    if part.content_type not in ("text/plain", "text/html") or part.disposition == "attachment":
        return False
    return PurePath(part.filename).suffix.lower() in _READ


def _taken_apart(part: Part, octets: int) -> tuple[bytes, tuple[Enclosed, ...]]:
    """So many octets of what is read, without the files that lie within it, and these."""
    readable = part.readable(octets)
    if part.content_type == "text/html":
        return enclosed.in_html(readable, part.start)
    return enclosed.in_text(readable)


@dataclass(frozen=True, slots=True)
class _Read:
    """What is shown of a part, in its two forms."""

    text: str = ""
    html: str = ""
    text_is_whole: bool = True


def _inline(part: Part, room: _Room) -> _Read:
    if part.multipart:
        several = [_inline(one, room) for one in part.parts]
        return _either(several) if part.content_type == "multipart/alternative" else _in_a_row(several)
    if not _is_read(part):
        return _Read()
    shown = room.text(part)
    return _Read(html=shown, text_is_whole=False) if part.content_type == "text/html" else _Read(shown)


def _either(several: list[_Read]) -> _Read:
    """Alternatives: the plainest text, and the last and so richest HTML (RFC 2046 §5.1.4)."""
    plain = next((one for one in several if one.text.strip()), None)
    rich = next((one for one in reversed(several) if one.html.strip()), None)
    if plain is None:
        return rich or _Read()
    return _Read(plain.text, rich.html if rich else "", plain.text_is_whole)


def _in_a_row(several: list[_Read]) -> _Read:
    """Parts shown one after another: plain ones join the HTML too, so that it lacks none of them."""
    text = "\n".join(one.text for one in several if one.text)
    whole = all(one.text_is_whole for one in several)
    if not any(one.html for one in several):
        return _Read(text, text_is_whole=whole)
    html = "\n".join(one.html or f"<pre>{escape(one.text)}</pre>" for one in several if one.html or one.text)
    return _Read(text, html, whole)


# -------------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True, slots=True)
class _File:
    """A part that is a file, or what lies `within` one that is read."""

    part: Part
    within: Enclosed | None = None

    @property
    def piece(self) -> Piece:
        return Piece(self.part.start, self.part.encoded_end, self.part.encoding, self.within)


def _files(root: Part) -> list[_File]:
    parts = _leaves(root)
    files = [_File(one) for one in parts if not _is_read(one) or one.filename]
    read = (one for one in parts if _is_read(one))
    return [*files, *(_File(part, one) for part in read for one in _taken_apart(part, part.end - part.start)[1])]


def _leaves(part: Part) -> list[Part]:
    return [leaf for one in part.parts for leaf in _leaves(one)] if part.multipart else [part]


def _described(index: int, file: _File, raw: bytes) -> Attachment:
    told = file.within or file.part
    start, size = b"", 0
    for octets in file.piece.octets([raw]):
        start, size = start + octets[: START_OCTETS - len(start)], size + len(octets)
    name = _named(index, told.filename, told.content_type)
    return Attachment(index, name, told.content_type, size, told.content_id, kind_of(start, told.content_type, name))


def _named(index: int, filename: str, content_type: str) -> str:
    """The file's safe name, never empty; a message's name ends in .eml, and what is not the file itself says so."""
    name = safe_filename(filename) or f"{_UNNAMED.get(content_type, 'attachment')}-{index + 1}"
    if filename and content_type == "message/external-body":
        name = f"{_UNNAMED[content_type]}-{name}"
    suffix = _suffix(content_type)
    bare = "." not in name or (content_type in _WRAPPERS and not name.lower().endswith(suffix))
    return name + suffix if bare else name


def _suffix(content_type: str) -> str:
    media = content_type.startswith(("image/", "audio/", "video/"))
    return _SUFFIXES.get(content_type) or (media and _KNOWN_SUFFIXES.guess_extension(content_type)) or ""


def _between(chunks: Iterable[bytes], start: int, end: int) -> Iterator[bytes]:
    at = 0
    for chunk in chunks:
        if at >= end:
            return
        yield chunk[max(start - at, 0) : end - at]
        at += len(chunk)
