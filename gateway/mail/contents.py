"""What a message brings: the text and the HTML that are read in line, and its files (RFC 2046, RFC 2183).

Text that has a name, as Apple Mail and scanners send it, is both: it is read, and can be saved. Files that lie within a
text (`enclosed`) come after those that are parts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import PurePath

from gateway.mail import enclosed
from gateway.mail.bounds import START_OCTETS
from gateway.mail.decoding import lines
from gateway.mail.enclosed import Enclosed
from gateway.mail.file_names import MESSAGES, file_name, subject_of
from gateway.mail.kinds import Kind, Preview, kind_of
from gateway.mail.mime import Part, Step, TooMuch
from gateway.mail.opened import Signed, opened
from gateway.mail.outline import Outline
from gateway.mail.transfer import untransferred
from gateway.mail.winmail import Winmail

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

    @property
    def is_message(self) -> bool:
        """Whether it is a message that can be opened as one."""
        return self.content_type in MESSAGES or self.filename.lower().endswith(".eml")


@dataclass(frozen=True, slots=True)
class Piece:
    """The steps that lead to a file from its message: nearly always one."""

    steps: tuple[Step, ...]

    def octets(self, message: Iterable[bytes]) -> Iterator[bytes]:
        """The file, decoded, from the message's octets, however they are cut."""
        octets = iter(message)
        for step in self.steps:
            octets = untransferred(_at(octets, step.places), step.encoding)
        return octets


@dataclass(frozen=True, slots=True)
class Body:
    """What a person reads: plain text, HTML as it was sent (not made safe), and files. "" where there is none.

    `text_is_whole` says whether the text has all that the HTML has; parts in HTML alone may stand beside it.
    """

    text: str
    html: str
    attachments: tuple[Attachment, ...]
    text_is_whole: bool = True
    signed: tuple[Signed, ...] = ()
    is_closed: bool = False
    """Whether it stands in a wrapping that cannot be opened: encrypted, or damaged."""
    winmail: Winmail | None = field(default=None, repr=False)
    """What Outlook says of the message beside its words and files."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that is not taken apart, and why; it can still be kept and delivered."""

    reason: str


def body(raw: bytes | Outline, most: int | None = None) -> Body | Malformed:
    """Take the message apart into what is read in line and what is attached.

    Of what is read in line, at most so many octets of text are decoded, and as many of HTML.
    """
    outline = _outline(raw)
    try:
        message = opened(outline.octets)
    except TooMuch as reason:
        return Malformed(str(reason))
    root = message.root
    room = len(outline.octets) if most is None else most
    read = _inline(root, _Room({"text/html": room, "text/plain": room}))
    files = tuple(_described(index, one, outline) for index, one in enumerate(_files(root)))
    signed = tuple(replace(one, is_whole=not outline.cuts) for one in message.signed)
    return Body(read.text, read.html, files, read.text_is_whole, signed, message.is_closed, message.winmail)


def _outline(raw: bytes | Outline) -> Outline:
    return raw if isinstance(raw, Outline) else Outline(raw, lambda: [raw])


def attachment(raw: bytes | Outline, index: int) -> tuple[Attachment, bytes] | None:
    """The file of this index with its octets, or None if there is no such file."""
    found = piece(raw, index)
    return (found[0], b"".join(found[1].octets(_outline(raw).chunks()))) if found else None


def piece(raw: bytes | Outline, index: int, *within: int) -> tuple[Attachment, Piece] | None:
    """The file of this index and where it lies, or None if there is no such file.

    With more indices, it is a file `within` that one, which is a message, and so on.
    """
    outline = _outline(raw)
    try:
        files = _files(opened(outline.octets).root)
    except TooMuch:
        return None
    if not 0 <= index < len(files):
        return None
    found = _in_the_message(files[index].piece, outline)
    if not within:
        return _described(index, files[index], outline), found
    inner = piece(b"".join(found.octets(outline.chunks())), *within)
    return (inner[0], Piece((*found.steps, *inner[1].steps))) if inner else None


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
        one = self.within
        return Piece((*self.part.way, Step(((one.start, one.end),), one.encoding)) if one else self.part.way)


def _files(root: Part) -> list[_File]:
    parts = list(root.leaves())
    files = [_File(one) for one in parts if not _is_read(one) or one.filename]
    read = (one for one in parts if _is_read(one))
    return [*files, *(_File(part, one) for part in read for one in _taken_apart(part, part.end - part.start)[1])]


def _in_the_message(found: Piece, outline: Outline) -> Piece:
    """A piece of the outline as one of the whole message."""
    first = found.steps[0]
    return Piece((Step(outline.original(first.places), first.encoding), *found.steps[1:]))


def _described(index: int, file: _File, outline: Outline) -> Attachment:
    told = file.within or file.part
    size = _cut_size(file.piece, outline)
    if size is None:
        start, size = _start_and_size(_in_the_message(file.piece, outline).octets(outline.chunks()))
    else:
        start, _ = _start_and_size(file.piece.octets([outline.octets]))
    name = file_name(index, told.filename or subject_of(file.part), told.content_type)
    return Attachment(index, name, told.content_type, size, told.content_id, kind_of(start, told.content_type, name))


def _start_and_size(octets: Iterator[bytes]) -> tuple[bytes, int]:
    start, size = b"", 0
    for one in octets:
        start, size = start + one[: START_OCTETS - len(start)], size + len(one)
    return start, size


def _cut_size(file: Piece, outline: Outline) -> int | None:
    """The octets of a file that was cut out in part, if it can be told without reading it."""
    (place, *more), encoding = file.steps[0].places, file.steps[0].encoding
    cuts = outline.cuts_between(*place)
    if more or len(file.steps) > 1 or not cuts or encoding not in ("", "base64"):
        return None
    kept = outline.octets[place[0] : place[1]]
    if not encoding:
        return len(kept) + sum(cut.octets for cut in cuts)
    digits = kept.rstrip(b"= \t\r\n").translate(None, b"\r\n")
    return None if b"=" in digits else (len(digits) + sum(cut.digits for cut in cuts)) * 3 // 4


def _at(chunks: Iterable[bytes], places: tuple[tuple[int, int], ...]) -> Iterator[bytes]:
    """What lies at these places, which follow each other."""
    left = iter(places)
    start, end = next(left)
    at = 0
    for chunk in chunks:
        while start < at + len(chunk):
            yield chunk[max(start - at, 0) : end - at]
            if end > at + len(chunk):
                break
            following = next(left, None)
            if following is None:
                return
            start, end = following
        at += len(chunk)
