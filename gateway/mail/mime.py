"""The parts of a MIME message, found by their octets (RFC 2046).

Written by hand because the stdlib's parser raises on hostile input, recurses, and takes time that grows with the
square of some of it. Here the lines that may divide parts are found once, for all levels of the message. Depth, parts
and fields are bounded (`bounds`); what exceeds them is `TooMuch`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from gateway.mail.bounds import BOUNDARY_LENGTH, DEEPEST, PART_FIELDS, PARTS, VALUE_OCTETS
from gateway.mail.charsets import as_text, charset_within
from gateway.mail.decoding import clean, decoded, words
from gateway.mail.parameters import parameterised
from gateway.mail.scan import body_start, bounded, head_start
from gateway.mail.transfer import encoded_length, named, untransfer, uuencoded_name

SHORT = 60
"""The letters of a text that may have been typed as it stands there, whatever its encoding is said to be."""
OCTETS = "application/octet-stream"

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DIVIDER = re.compile(rb"\n--([^\n]{1,900}+)(?=\n|\Z)")  # begins with a literal: searched for at memory speed


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way to a file: what lies at these places of the octets before it, with its encoding undone."""

    places: tuple[tuple[int, int], ...]
    encoding: str = ""


class TooMuch(Exception):  # never leaves this package
    """The message is nested deeper, or has more parts, than anybody writes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its body lies from `start` to `end` of the message, its head from `head` on; `parts` are those of a
    multipart. Where the message lies within a part of another, `steps` lead there from the outermost.
    """

    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    filename: str = ""
    encoding: str = ""
    content_id: str = ""
    message: bytes = field(default=b"", repr=False)
    head: int = 0
    start: int = 0
    end: int = 0
    parts: tuple["Part", ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def multipart(self) -> bool:
        return self.content_type.startswith("multipart/")

    def leaves(self) -> Iterator["Part"]:
        """The parts that are not divided further, in their order."""
        if not self.multipart:
            yield self
            return
        for one in self.parts:
            yield from one.leaves()

    @property
    def encoded_end(self) -> int:
        """Where what is encoded ends; behind that, words may stand as they were typed."""
        return self.start + encoded_length(self.message[self.start : self.end], self.encoding)

    @property
    def way(self) -> tuple[Step, ...]:
        """The steps that lead to its content from the outermost message."""
        return (*self.steps, Step(((self.start, self.encoded_end),), self.encoding))

    def content(self) -> bytes:
        """The body with its transfer encoding undone."""
        return untransfer(self.message[self.start : self.encoded_end], self.encoding)

    def readable(self, octets: int) -> bytes:
        """So many octets of the body, as it was sent, undone, with the words that stand below."""
        sent = self.message[self.start : min(self.start + octets, self.end)]
        end = encoded_length(sent, self.encoding)
        words = sent[end:].lstrip(b"\r\n")
        undone = untransfer(sent[:end], self.encoding)
        if not words and self.encoding == "base64" and _was_typed(sent, undone):
            return sent
        return undone + b"\n" * bool(undone and words and not undone.endswith(b"\n")) + words

    def as_text(self, octets: bytes) -> str:
        """Octets of this part as text, whatever its charset claims to be."""
        within = charset_within(octets) if self.content_type == "text/html" else ""
        return as_text(octets, self.parameters.get("charset", ""), within)


def _was_typed(sent: bytes, undone: bytes) -> bool:
    """Whether a word or two are called base64 and are none, as what they would stand for is no text."""
    if not undone:
        return True
    letters = sent.strip().replace(b" ", b"")
    if len(letters) > SHORT or not letters.isalpha():
        return False
    if len(letters) % 4:
        return True  # what programs encode is padded
    return bool(_NO_TEXT.search(undone)) or as_text(undone).encode() != undone


class _Reading:
    """One message while it is taken apart, and what may still be spent on it."""

    def __init__(self, raw: bytes, steps: tuple[Step, ...]) -> None:
        self.raw = raw
        self.steps = steps
        self.parts = PARTS
        self.fields = PART_FIELDS

    def spend(self, parts: int = 0, fields: int = 0) -> None:
        self.parts -= parts
        self.fields -= fields
        if self.parts < 0:
            raise TooMuch(f"it has more than {PARTS} parts")
        if self.fields < 0:
            raise TooMuch("its heads are too long")

    @cached_property
    def dividers(self) -> dict[bytes, list[tuple[int, int]]]:
        """The lines that begin with two hyphens, by what follows these: where each begins, and where the next does."""
        found: dict[bytes, list[tuple[int, int]]] = {}
        for line in _DIVIDER.finditer(self.raw):
            found.setdefault(line[1].rstrip(b" \t\r"), []).append((line.start() + 1, line.end() + 1))
        return found

    def split(self, boundary: bytes, start: int, end: int) -> list[tuple[int, int]]:
        """From where to where each part lies; preamble and epilogue fall away (RFC 2046 §5.1.1)."""
        between = self._within(boundary, start, end)
        closing = next(iter(self._within(boundary + b"--", start, end)), None)
        if closing:
            between = [*(one for one in between if one < closing), closing]
        self.spend(parts=max(len(between) - 1, 0))
        parts = [(begin, self._before(begin, stop)) for (_, begin), (stop, _) in pairwise(between)]
        return parts if closing or not between else [*parts, (min(between[-1][1], end), end)]

    def _within(self, line: bytes, start: int, end: int) -> list[tuple[int, int]]:
        places = self.dividers.get(line, [])
        return places[bisect_left(places, (start, 0)) : bisect_left(places, (end, 0))]

    def _before(self, begin: int, stop: int) -> int:
        """The end of a part: the line end before a divider belongs to that."""
        stop -= self.raw.endswith(b"\n", begin, stop)
        return stop - self.raw.endswith(b"\r", begin, stop)


def tree(raw: bytes, steps: tuple[Step, ...] = ()) -> Part:
    """The message as a tree of parts; `steps` lead to it from the outermost. Raises TooMuch."""
    return _part(_Reading(raw, steps), head_start(raw), len(raw), 0)


def _part(reading: _Reading, at: int, end: int, depth: int, default: str = "text/plain") -> Part:
    if depth > DEEPEST:
        raise TooMuch(f"its parts are nested deeper than {DEEPEST}")
    fields, start = _content_fields(reading, at, end)
    content_type, parameters = parameterised(fields.get("content-type", b""))
    disposition, more = parameterised(fields.get("content-disposition", b""))
    boundary = parameters.get("boundary", "").rstrip()[:BOUNDARY_LENGTH]
    parts: tuple[Part, ...] = ()
    if boundary and content_type.startswith("multipart/"):
        inner = "message/rfc822" if content_type == "multipart/digest" else "text/plain"  # RFC 2046 §5.1.5
        places = reading.split(boundary.encode("utf-8", "replace"), start, end)
        parts = tuple(_part(reading, *place, depth + 1, inner) for place in places)
    encoding = named(parameterised(fields.get("content-transfer-encoding", b""))[0])
    filename = clean(words(more.get("filename") or parameters.get("name", "")))
    if encoding == "uuencode" and not filename:
        filename = clean(uuencoded_name(reading.raw[start : min(end, start + VALUE_OCTETS)]))
    return Part(
        content_type=_sound_type(content_type, default, bool(parts), bool(filename) or disposition == "attachment"),
        parameters=parameters,
        disposition=disposition,
        filename=filename,
        encoding=encoding,
        content_id=decoded(fields.get("content-id", b"")).strip("<> "),
        message=reading.raw,
        head=at,
        start=start,
        end=end,
        parts=parts,
        steps=reading.steps,
    )


def _content_fields(reading: _Reading, at: int, end: int) -> tuple[dict[str, bytes], int]:
    """The first of each Content-* field, and where the body starts."""
    fields, complete = bounded(reading.raw, at, end)
    reading.spend(fields=len(fields) if complete else PART_FIELDS + 1)
    found: dict[str, bytes] = {}
    for one in fields:
        if one.name.startswith("content-"):
            found.setdefault(one.name, one.value[:VALUE_OCTETS])
    return found, min(body_start(reading.raw, fields[-1].end if fields else at), end)


def _sound_type(content_type: str, default: str, divisible: bool, file: bool) -> str:
    if not content_type:
        return default
    if content_type.startswith("multipart/") and not divisible:
        return "text/plain"  # nothing divides it: better read as it is than not at all
    if _TYPE.fullmatch(content_type):
        return content_type
    return OCTETS if file else "text/plain"  # RFC 2045 §5.2: what is not well formed is best taken for that
