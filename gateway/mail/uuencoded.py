"""Files that stand uuencoded in a text (POSIX, uuencode), as older mail programs and fax servers send them."""

import binascii
import re
from collections.abc import Iterable, Iterator

UUENCODED = ("x-uuencode", "uuencode", "x-uue")
"""As a Content-Transfer-Encoding."""
_BEGIN = re.compile(rb"(?m)^begin [0-7]{3,4} ([^\r\n]{1,200}+)\r?\n(?=([!-`])([ -`]*))")
_END = b"\nend"
_MOST = 100
"""Files in one text."""


def blocks(octets: bytes, start: int, end: int) -> list[tuple[int, int, str]]:
    """The files between these offsets: from where to where each block lies, and the file's name."""
    found: list[tuple[int, int, str]] = []
    at = start
    while len(found) < _MOST and (begin := _BEGIN.search(octets, at, end)):
        last = octets.find(_END, begin.end() - 1, end)
        if last < 0:
            break
        at = begin.end()
        if _is_data(begin[2][0], begin[3]):
            at = last + len(_END)
            found.append((begin.start(), at, begin[1].decode("utf-8", "replace")))
    return found


def uudecoded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What a block holds, however it is cut; what stands around it falls away."""
    rest, begun = b"", False
    for chunk in (*chunks, b"\n"):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in map(bytes.rstrip, lines):
            if begun and line == b"end":
                return
            if begun:
                yield _line(line)
            begun = begun or line.startswith(b"begin ")


def _is_data(first: int, rest: bytes) -> bool:
    """Whether a line is as long as its first character says; some cut spaces off its end, some add a checksum."""
    length = -(-((first - 0x20) & 0x3F) // 3) * 4
    return len(rest.rstrip()) <= length + 1 and (length <= len(rest) + 4)


def _line(line: bytes) -> bytes:
    if not line:
        return b""
    count = (line[0] - 0x20) & 0x3F
    data = line[1 : 1 + -(-count // 3) * 4].ljust(-(-count // 3) * 4)
    try:
        return binascii.a2b_uu(line[:1] + data)
    except binascii.Error:
        return b""
