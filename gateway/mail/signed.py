"""The text within a signature, where a mail program wraps all of it: S/MIME signed-data, and cleartext of OpenPGP.

A signature is not checked here: what a reply may do is told by the token it answers, and by the path it came over.
"""

import re
from collections.abc import Iterator, Sequence

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # RFC 5652 §5.1: 1.2.840.113549.1.7.2
_DATA = bytes.fromhex("2a864886f70d010701")  # RFC 5652 §4
_OBJECT, _OCTETS, _SEQUENCE, _EXPLICIT = 0x06, 0x04, 0x30, 0xA0
_CONSTRUCTED = 0x20
_PIECES = 10_000
"""The pieces that content in BER may be cut into; programs make them of a thousand octets and more."""

_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_END = "-----END PGP SIGNATURE-----"
_HASH = re.compile(r"(?:Hash|Charset|Comment|Version|NotDashEscaped)\s*:.{0,200}", re.IGNORECASE)
ENCRYPTED = "-----BEGIN PGP MESSAGE-----"
"""What stands above text that only its recipient's key opens (RFC 9580 §6.2)."""

Value = tuple[int, int, int]
"""The tag of a BER value, and from where to where its content lies."""


class _NotBer(Exception):
    pass


def signed_places(octets: bytes) -> tuple[tuple[int, int], ...] | None:
    """Where what CMS signed-data was made over lies, in one piece or in several; None for anything else.

    In S/MIME it is a MIME part (RFC 8551 §3.5.2).
    """
    try:
        return _content(octets)
    except (_NotBer, StopIteration):
        return None


def cleartext(lines: Sequence[str]) -> list[str]:
    """Lines with the frame of a cleartext signature taken off (RFC 9580 §7): its text stands there as it was typed.

    The signature below the text stays: it is drawn lines, at which what was typed ends.
    """
    if _BEGIN not in lines:
        return list(lines)
    at = lines.index(_BEGIN)
    start = at + 1
    while start < len(lines) and _HASH.fullmatch(lines[start]):
        start += 1
    start += lines[start : start + 1] == [""]  # what divides them from the text
    return [*lines[:at], *(line.removeprefix("- ") for line in lines[start:])]  # RFC 9580 §7.2


def unframed(text: str) -> str | None:
    """A text without its cleartext signature, and without the frame of that; None where it has none."""
    if _BEGIN not in text:
        return None
    lines = cleartext(text.split("\n"))
    if len(lines) == text.count("\n") + 1:  # the mark stands within a line: somebody writes about it
        return None
    begins = lines.index(_SIGNATURE) if _SIGNATURE in lines else len(lines)
    ends = lines.index(_END, begins) + 1 if _END in lines[begins:] else len(lines)
    return "\n".join([*lines[:begins], *lines[ends:]])


def _content(octets: bytes) -> tuple[tuple[int, int], ...] | None:
    """ContentInfo { signedData, [0] SignedData { version, digests, EncapsulatedContentInfo … } } (RFC 5652 §3, §5)."""
    whole = next(_values(octets, 0, len(octets)))
    outer = _values(octets, *_inside(whole, _SEQUENCE))
    if _oid(octets, next(outer)) != _SIGNED_DATA:
        return None
    signed = next(_values(octets, *_inside(next(outer), _EXPLICIT)))
    fields = _values(octets, *_inside(signed, _SEQUENCE))
    next(fields)  # the version
    next(fields)  # the digest algorithms
    encapsulated = _values(octets, *_inside(next(fields), _SEQUENCE))
    if _oid(octets, next(encapsulated)) != _DATA:
        return None
    return _octet_string(octets, next(_values(octets, *_inside(next(encapsulated), _EXPLICIT))))


def _octet_string(octets: bytes, value: Value) -> tuple[tuple[int, int], ...]:
    """An OCTET STRING in one piece, or in several (X.690 §8.7.3)."""
    tag, start, end = value
    if tag == _OCTETS:
        return ((start, end),)
    if tag != _OCTETS | _CONSTRUCTED:
        raise _NotBer
    pieces: list[tuple[int, int]] = []
    for inner, begin, stop in _values(octets, start, end):
        if inner != _OCTETS or len(pieces) == _PIECES:
            raise _NotBer
        pieces.append((begin, stop))
    return tuple(pieces)


def _inside(value: Value, tag: int) -> tuple[int, int]:
    if value[0] != tag:
        raise _NotBer
    return value[1], value[2]


def _oid(octets: bytes, value: Value) -> bytes:
    start, end = _inside(value, _OBJECT)
    return octets[start:end]


def _values(octets: bytes, at: int, end: int) -> Iterator[Value]:
    """The values that stand in a row, each with its content. Raises _NotBer."""
    while at < end:
        tag, start, stop = _header(octets, at)
        if (tag, stop) == (0, start):  # end of contents (X.690 §8.1.5)
            return
        content_end, at = (stop, stop) if stop is not None else _end_of_contents(octets, start)
        if content_end > len(octets):
            raise _NotBer
        yield tag, start, content_end


def _end_of_contents(octets: bytes, at: int) -> tuple[int, int]:
    """Where a value of indefinite length ends, and where the next one begins (X.690 §8.1.3.6)."""
    depth = 1
    while True:
        tag, start, stop = _header(octets, at)
        if stop is None:
            depth, at = depth + 1, start
        elif tag == 0:
            depth -= 1
            if depth == 0:
                return at, start
            at = start
        else:
            at = stop


def _header(octets: bytes, at: int) -> tuple[int, int, int | None]:
    """The tag at a place, where its content begins, and where that ends: None if its length is indefinite."""
    if at + 2 > len(octets) or octets[at] & 0x1F == 0x1F:  # no tag of CMS needs a second octet
        raise _NotBer
    tag, length, start = octets[at], octets[at + 1], at + 2
    if length == 0x80:
        return tag, start, None
    if length > 0x80:
        more = length & 0x7F
        if more > 4:
            raise _NotBer
        length, start = int.from_bytes(octets[start : start + more], "big"), start + more
    return tag, start, start + length
