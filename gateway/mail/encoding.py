"""From text to header fields and transfer encodings that any hop takes, and that nobody can break out of.

Written by hand because the stdlib re-emits an encoded line break as a real header line when it refolds.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote_from_bytes

from gateway.mail.decoding import clean, lines
from gateway.mail.mailboxes import mailboxes, safe_address

_FOLD_AT = 78  # RFC 5322 §2.1.1
_LONGEST_LINE = 998
_LINE_OCTETS = 57  # 76 characters of base64
_WORD_OCTETS = 45  # encoded, and within its marks, at most 75 characters: RFC 2047 §2
_NAME = re.compile(r"[!-9;-~]{1,70}")
_LOOKS_ENCODED = re.compile(r"=\?[^?\s]++\?[bBqQ]\?")
_PLAIN_PARAMETER = re.compile(r"[ !#->@-\[\]-~]*")  # nothing to escape, and no encoded word
_ADDRESSES = frozenset({"from", "to", "cc", "reply-to", "sender"})
_IDENTIFIERS = frozenset({"message-id", "in-reply-to", "references"})
_IDENTIFIER = re.compile(r"<[!-;=?-~]{1,900}>")  # RFC 5322 §3.6.4, and short enough for a line of its own


def field(name: str, value: str) -> bytes:
    """One header field, folded, with its line break.

    Text that is not plain ASCII becomes encoded words, in address fields only in the names. Identifiers are neither
    encoded nor folded within, so what cannot stand as one is left out. A name that is none, or identifiers of which
    none is left, give no field at all.
    """
    if not _NAME.fullmatch(name):
        return b""
    line = clean(value)
    if name.lower() in _IDENTIFIERS:
        line = " ".join(word for word in line.split() if _IDENTIFIER.fullmatch(word))
        if not line:
            return b""
    elif name.lower() in _ADDRESSES:
        line = ", ".join(mailbox(one.name, one.address.typed) for one in mailboxes(line)) or encoded(line)
    else:
        line = encoded(line)
    return _folded(f"{name}: {line}").encode("utf-8", "replace") + b"\r\n"


def encoded(line: str) -> str:
    """The line itself if it is plain and cannot be taken for something else; otherwise encoded words (RFC 2047)."""
    plain = line.isascii() and not _LOOKS_ENCODED.search(line)
    if plain and max(map(len, line.split(" "))) < _LONGEST_LINE - _FOLD_AT:
        return line
    return " ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?=" for chunk in _chunks(line))


def mailbox(name: str, address: str) -> str:
    """`"Dr Ada" <ada@riverside.example>`, or the bare address where there is no name.

    What is no address is kept within the angle brackets, where it can name nobody else.
    """
    inert = re.sub(r"[<>\s]", "", clean(address))[:320]
    if not clean(name):
        return inert if safe_address(inert) else f"<{inert}>"
    return f"{display_name(name)} <{inert}>"


def display_name(name: str) -> str:
    """A name as it stands before an address: quoted, or in encoded words (RFC 5322 §3.4)."""
    plain = clean(name)
    shown = encoded(plain)
    return shown if shown != plain else '"' + re.sub(r'(["\\])', r"\\\1", plain) + '"'


def sevenbit(text: str) -> tuple[str, bytes]:
    """Text with CRLF line ends, and the transfer encoding that makes it safe for any hop."""
    octets = lines(text).encode("utf-8", "replace")
    if octets.isascii() and max(map(len, octets.split(b"\n"))) <= _LONGEST_LINE:
        return "7bit", octets.replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(octets, istext=True).replace(b"\n", b"\r\n")


def base64_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Octets, however they come, as base64 in lines of 76 characters (RFC 2045 §6.8)."""
    rest = b""
    for chunk in chunks:
        octets = rest + chunk
        whole = len(octets) // _LINE_OCTETS * _LINE_OCTETS
        yield base64.encodebytes(octets[:whole]).replace(b"\n", b"\r\n")
        rest = octets[whole:]
    yield base64.encodebytes(rest).replace(b"\n", b"\r\n")


def parameter(name: str, value: str) -> str:
    """A parameter: quoted, or where the value is not plain, in sections of percent-encoded UTF-8 (RFC 2231 §4.1)."""
    line = clean(value)
    if _PLAIN_PARAMETER.fullmatch(line):
        return f'{name}="{line}"'
    sections = [_percent(chunk) for chunk in _chunks(line)]
    sections[0] = f"utf-8''{sections[0]}"
    stars = ["*"] if len(sections) == 1 else [f"*{number}*" for number in range(len(sections))]
    return "; ".join(f"{name}{star}={section}" for star, section in zip(stars, sections, strict=True))


def _percent(octets: bytes) -> str:
    return quote_from_bytes(octets, safe="").replace("~", "%7E")


def _chunks(line: str) -> list[bytes]:
    """The line in UTF-8, cut between characters into pieces that fit an encoded word."""
    chunks: list[bytes] = []
    chunk = b""
    for character in line:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > _WORD_OCTETS:
            chunks.append(chunk)
            chunk = b""
        chunk += octets
    return [*chunks, chunk]


def _folded(line: str) -> str:
    """Fold at single spaces so that lines keep to 78 characters where they can."""
    first, *rest = line.split(" ")
    out, width = [first], len(first)
    for word in rest:
        fits = width + 1 + len(word) <= _FOLD_AT or out == [first]  # the name is never left alone on its line
        out.append(f" {word}" if fits else f"\r\n {word}")
        width = width + 1 + len(word) if fits else 1 + len(word)
    return "".join(out)
