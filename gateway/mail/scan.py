"""Where the header fields of a message lie, to the octet.

Every other room works on these ranges, so that a field can be taken out or replaced without touching an octet of
the rest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gateway.mail.bounds import HEAD_FIELDS, HEAD_OCTETS

# RFC 5322 §2.2; §4.5.1 lets white space stand before the colon; a bare LF also ends a line, when reading.
# The quantifiers are possessive: one pass, no backtracking, whatever the octets.
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")


_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\r?\n){0,3}(?:>?From [^\n]{0,998}+\n)?")
"""What stands before a head by mistake (RFC 4155 names the From line)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: name in lower case, value as it stands after the colon, without its last line break.

    `start` and `end` are the octet range of the whole field, its last line break included.
    """

    name: str
    value: bytes
    start: int
    end: int


def head_start(raw: bytes) -> int:
    """Where the first field stands: behind a byte order mark, and behind what an mbox file puts before a mail."""
    found = _BEFORE.match(raw)
    return found.end() if found and _FIELD.match(raw, found.end()) else 0


def walk(raw: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """Yield the header fields from `start` on, as if the octets ended at `end`.

    Ends at the empty line, or at the first line that is no field: the body starts there, as other mail systems
    have it too.
    """
    end = len(raw) if end is None else end
    while match := _FIELD.match(raw, start, end):
        name = match[1].decode("ascii").lower()
        yield Field(name, match[2].removesuffix(b"\r"), start, match.end())
        start = match.end()


def bounded(raw: bytes, start: int = 0, end: int | None = None) -> tuple[tuple[Field, ...], bool]:
    """The fields from `start` on, within the bounds of a head, and whether that is all of them."""
    fields = tuple(islice(walk(raw, start, end), HEAD_FIELDS + 1))
    within = tuple(one for one in fields[:HEAD_FIELDS] if one.end - start <= HEAD_OCTETS)
    return within, len(within) == len(fields)


def body_start(raw: bytes, head_end: int) -> int:
    """Offset of the body, given where the last header field ended."""
    if raw.startswith(b"\r\n", head_end):
        return head_end + 2
    return head_end + raw.startswith(b"\n", head_end)
