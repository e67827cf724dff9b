"""The parts of a MIME message, found by their octets (RFC 2046).

Written by hand because the stdlib's parser raises on hostile input, recurses, and takes time that grows with the
square of some of it. Depth, number of parts and octets looked at are bounded here; what exceeds them is `TooMuch`.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from gateway.mail.decoding import as_text, clean, decoded, unfolded, untransfer, words
from gateway.mail.scan import body_start, bounded

DEEPEST = 50
MOST_PARTS = 1_000
MOST_FIELDS = 50_000
_LONGEST_VALUE = 16_384
_LONGEST_BOUNDARY = 200  # RFC 2046 §5.1.1 allows 70
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_PARAMETER = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.?)*+(?:"|\Z)|[^;\s]*+)')
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")


class TooMuch(Exception):  # never leaves this package
    """The message is nested deeper, or has more parts, than anybody writes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: `octets` are its body as it was sent, from `start` of the message on, `parts` those of a multipart."""

    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    filename: str = ""
    encoding: str = ""
    content_id: str = ""
    octets: bytes = b""
    start: int = 0
    parts: tuple["Part", ...] = ()

    @property
    def multipart(self) -> bool:
        return self.content_type.startswith("multipart/")

    def content(self) -> bytes:
        """The body with its transfer encoding undone."""
        return untransfer(self.octets, self.encoding)

    def text(self) -> str:
        """The body as text, whatever its charset claims to be."""
        return as_text(self.content(), self.parameters.get("charset", ""))


@dataclass(slots=True)
class _Budget:
    """What may still be spent on one message."""

    octets: int
    parts: int = MOST_PARTS
    fields: int = MOST_FIELDS

    def spend(self, octets: int, parts: int = 0, fields: int = 0) -> None:
        self.octets -= octets
        self.parts -= parts
        self.fields -= fields
        if self.octets < 0:
            raise TooMuch("its parts are nested too deep for its size")
        if self.parts < 0:
            raise TooMuch(f"it has more than {MOST_PARTS} parts")
        if self.fields < 0:
            raise TooMuch("its heads are too long")


def tree(raw: bytes) -> Part:
    """The message as a tree of parts. Raises TooMuch."""
    # Each level looks through its octets once: an honest message, three or four levels deep, stays far below this.
    return _part(raw, 0, 0, _Budget(octets=16 * 2**20 + 8 * len(raw)))


def _part(raw: bytes, at: int, depth: int, budget: _Budget, default: str = "text/plain") -> Part:
    if depth > DEEPEST:
        raise TooMuch(f"its parts are nested deeper than {DEEPEST}")
    fields, start = _content_fields(raw, budget)
    content_type, parameters = _parameterised(fields.get("content-type", b""))
    disposition, more = _parameterised(fields.get("content-disposition", b""))
    boundary = parameters.get("boundary", "").rstrip()[:_LONGEST_BOUNDARY]
    octets = raw[start:]
    parts: tuple[Part, ...] = ()
    if boundary and content_type.startswith("multipart/"):
        budget.spend(len(octets))
        inner = "message/rfc822" if content_type == "multipart/digest" else "text/plain"  # RFC 2046 §5.1.5
        pieces = _split(octets, boundary, budget)
        parts = tuple(_part(one, at + start + place, depth + 1, budget, inner) for place, one in pieces)
    return Part(
        content_type=_sound_type(content_type, default, bool(parts)),
        parameters=parameters,
        disposition=disposition,
        filename=clean(words(more.get("filename") or parameters.get("name", ""))),
        encoding=_parameterised(fields.get("content-transfer-encoding", b""))[0],
        content_id=decoded(fields.get("content-id", b"")).strip("<> "),
        octets=octets,
        start=at + start,
        parts=parts,
    )


def _content_fields(raw: bytes, budget: _Budget) -> tuple[dict[str, bytes], int]:
    """The first of each Content-* field, and where the body starts."""
    fields, complete = bounded(raw)
    budget.spend(0, fields=len(fields) if complete else MOST_FIELDS + 1)
    found: dict[str, bytes] = {}
    for one in fields:
        if one.name.startswith("content-"):
            found.setdefault(one.name, one.value[:_LONGEST_VALUE])
    return found, body_start(raw, fields[-1].end if fields else 0)


def _sound_type(content_type: str, default: str, divisible: bool) -> str:
    if not content_type:
        return default
    if content_type.startswith("multipart/") and not divisible:
        return "text/plain"  # nothing divides it: better read as it is than not at all
    return content_type if _TYPE.fullmatch(content_type) else "application/octet-stream"


def _split(octets: bytes, boundary: str, budget: _Budget) -> list[tuple[int, bytes]]:
    """Where each part begins, and its octets; preamble and epilogue fall away (RFC 2046 §5.1.1)."""
    mark = re.escape(b"--" + boundary.encode("utf-8", "replace"))
    # The literal stands first, and what must stand before it is looked up behind: the search runs at memory speed.
    delimiter = re.compile(mark + rb"(?:(?<=\n" + mark + rb")|(?<=\A" + mark + rb"))(--)?[ \t]*+(?:\r?\n|\r?\Z)")
    parts: list[tuple[int, bytes]] = []
    start = -1
    for match in delimiter.finditer(octets):
        if start >= 0:
            budget.spend(0, parts=1)
            parts.append((start, octets[start : match.start()].removesuffix(b"\n").removesuffix(b"\r")))
        start = match.end()
        if match[1]:
            return parts
    return [*parts, (start, octets[start:])] if start >= 0 else parts


def _parameterised(value: bytes) -> tuple[str, dict[str, str]]:
    """A value such as `text/plain; charset=utf-8`: its first word, lower case, and its parameters (RFC 2045 §5.1)."""
    first, semicolon, rest = unfolded(value).partition(";")
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    for match in _PARAMETER.finditer(semicolon + rest):
        if section := _SECTION.fullmatch(match[1].lower()):
            given = sections.setdefault(section[1], {})
            number, encoded = int(section[2] or 0), bool(section[3])
            if number not in given or (encoded and not given[number][0]):  # RFC 2231 wins over a plain fallback
                given[number] = (encoded, _unquoted(match[2]))
    return clean(first).lower(), {name: _joined(given) for name, given in sections.items()}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"')) if value.startswith('"') else value


def _joined(sections: dict[int, tuple[bool, str]]) -> str:
    """The sections of a parameter, put together in their order and decoded (RFC 2231 §3, §4)."""
    charset = ""
    octets = b""
    for position, (_, (encoded, value)) in enumerate(sorted(sections.items())):
        rest = value
        if encoded and position == 0 and value.count("'") >= 2:
            charset, _, rest = value.split("'", 2)
        octets += unquote_to_bytes(rest) if encoded else rest.encode("utf-8", "replace")
    return as_text(octets, charset)
