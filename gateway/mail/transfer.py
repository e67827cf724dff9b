"""Content-Transfer-Encodings undone (RFC 2045 §6), as they are sent: padded inside, followed by words, broken softly.

All of it is read bit by bit, however the octets are cut, so that a file need not be held whole.
"""

import binascii
import re
import string
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote_to_bytes

BASE64_DIGITS = f"{string.ascii_letters}{string.digits}+/".encode()
_NOT_BASE64 = bytes(set(range(256)) - set(BASE64_DIGITS))
_NOT_BASE64_NOR_PAD = bytes(set(_NOT_BASE64) - set(b"="))
_ENCODED = BASE64_DIGITS + b"=\r\n"

_D, _W = rb"A-Za-z0-9+/", rb" \t\r\n"
_FOREIGN = rb"(?=[" + _D + rb" \t\r=]*+[^" + _D + rb" \t\r\n=])"
"""Looks ahead on the line for a character that base64 has not."""
_AFTER_BASE64 = re.compile(
    rb"^[ \t]*+(?:" + _FOREIGN + rb"[^ \t\r\n]++[ \t]++[^ \t\r\n]"  # words
    rb"|(?:[" + _D + rb"]{4})*+[" + _D + rb"]{1,3}[ \t]++[^ \t\r\n=]"
    rb"|[^" + _D + _W + rb"=]{2})"  # a drawn line
    rb"|(?<==)[ \t\r]*+\n(?:[ \t\r]*+\n\s*+(?=\S)|\s*+" + _FOREIGN + rb")"  # what stands below the padding
    rb"|(?<=[^\s])[ \t\r]*+\n[ \t\r]*+\n\s*+" + _FOREIGN,  # or below an empty line
    re.MULTILINE,
)
_SOFT_BREAK = re.compile(rb"=[ \t]*+(?:\r?\n|\r(?=[^\n]))")
_LINE_END_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_LINE_ENDS_SPACED = (b" \n", b"\t\n", b" \r\n", b"\t\r\n")
_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})", re.MULTILINE)
_UNENDING_LINE = 10_000
"""Octets of a line, more than which no line of uuencode has."""

ENCODINGS = {
    **dict.fromkeys(("base64", "xbase64"), "base64"),
    **dict.fromkeys(("quotedprintable", "qp"), "quoted-printable"),
    **dict.fromkeys(("xuuencode", "uuencode", "xuue", "uue"), "uuencode"),
}
"""The encodings by what stands in their field, in small letters and without the signs between them."""


def named(field: str) -> str:
    """The encoding that a field means; "" for one that changes nothing, or that nobody knows (RFC 2045 §6.4)."""
    return ENCODINGS.get(re.sub(r"[^a-z0-9]+", "", field[:60].lower()), "")


def uuencoded_name(octets: bytes) -> str:
    """The file's name that stands above what is uuencoded, or ""."""
    found = _BEGIN.search(octets)
    return found[1].decode("utf-8", "replace").strip() if found else ""


def encoded_length(octets: bytes, encoding: str) -> int:
    """How many of a part's octets are encoded: lists add a footer as it is typed, and words may be called base64."""
    if encoding != "base64" or not _is_mixed(octets):
        return len(octets)
    found = _AFTER_BASE64.search(octets)
    return found.start() if found else len(octets)


def _is_mixed(octets: bytes) -> bool:
    """Whether anything stands there besides one run of base64: nearly never, and to look for it takes long."""
    return bool(octets.translate(None, _ENCODED)) or b"=" in octets.rstrip(b"= \t\r\n")


def unbase64(octets: bytes) -> bytes:
    """Decode base64, ignoring what is not of its alphabet and mending its padding (RFC 2045 §6.8)."""
    return b"".join(_unbase64((octets,)))


def untransfer(octets: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; an unknown one is taken as none (RFC 2045 §6)."""
    return b"".join(untransferred((octets,), encoding))


def untransferred(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same bit by bit, however the octets are cut."""
    undo = _UNDO.get(encoding)
    return undo(chunks) if undo else iter(chunks)


def _unbase64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    digits = b""
    for chunk in chunks:
        *runs, rest = chunk.translate(None, _NOT_BASE64_NOR_PAD).split(b"=")
        for run in runs:
            digits += run
            yield _bits(digits)  # the padding ends what was encoded by itself; what follows begins anew
            digits = digits[-1:] if len(digits) % 4 == 1 else b""  # a digit alone was none
        digits += rest
        whole = len(digits) // 4 * 4
        yield binascii.a2b_base64(digits[:whole])
        digits = digits[whole:]
    yield _bits(digits)


def _bits(digits: bytes) -> bytes:
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _unquoted_printable(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        octets = _SOFT_BREAK.sub(b"", rest + chunk)  # first, for some programs break an =XX in two
        end = _undivided(octets)
        yield _unquoted_lines(octets[:end])
        rest = octets[end:]
    yield _unquoted_lines(rest)


def _undivided(octets: bytes) -> int:
    """Up to where nothing depends on what follows: the end may be half of a line end, of a soft break, or of an =XX."""
    end = len(octets.rstrip(b" \t\r="))
    equals = octets.rfind(b"=", max(end - 2, 0), end)
    return equals if equals >= 0 and octets[equals + 1 : end].isalnum() and end - equals < 3 else end


def _unquoted_lines(octets: bytes) -> bytes:
    spaced = any(end in octets for end in _LINE_ENDS_SPACED)  # hardly ever, and the search for all of it takes long
    return binascii.a2b_qp(_LINE_END_SPACE.sub(b"", octets) if spaced else octets)


def _ununencoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield b"".join(map(_unencoded_line, whole))
        rest = rest[:_UNENDING_LINE]
    yield _unencoded_line(rest)


def _unencoded_line(line: bytes) -> bytes:
    """A line of uuencode; those that begin and end it hold nothing."""
    line = line.rstrip(b"\r\n")
    if not line or line.startswith(b"begin ") or line == b"end":
        return b""
    length = (line[0] - 32) & 63
    try:
        return binascii.a2b_uu(line[: 1 + (length + 2) // 3 * 4])
    except binascii.Error:
        return b""


def _from_link(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The octets of a `data:` link in base64, which may be percent-encoded besides (RFC 2397 §2)."""
    return _unbase64(_unpercent(chunks))


def _unpercent(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        octets = rest + chunk
        at = octets.rfind(b"%", max(len(octets) - 2, 0))
        end = at if at >= 0 else len(octets)
        yield unquote_to_bytes(octets[:end])
        rest = octets[end:]
    yield unquote_to_bytes(rest)


_UNDO: dict[str, Callable[[Iterable[bytes]], Iterator[bytes]]] = {
    "base64": _unbase64,
    "quoted-printable": _unquoted_printable,
    "uuencode": _ununencoded,
    "data;base64": _from_link,
    "data": _unpercent,
}
