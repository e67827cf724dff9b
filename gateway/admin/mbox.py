"""Where the mails of an mbox file begin and end (RFC 4155), by lines that a mail's own text may have, too."""

import re
from typing import BinaryIO

LONGEST = 1 << 16
"""Octets of a line that are looked at together: a file of something else may be one line."""
_FIELD = re.compile(rb"[!-9;-~]{1,80}[ \t]*:")  # RFC 5322 §2.2
_TIME = re.compile(rb"\b\d\d:\d\d\b")
_KNOWN = re.compile(rb"(?im)^(from|to|cc|bcc|date|subject|received|message-id|return-path|mime-version)[ \t]*:")


def is_mail(start: bytes) -> bool:
    """Whether a file that begins so may be a mail: header fields first, and one of those that mails have."""
    head = re.split(rb"\r?\n\r?\n", start.lstrip(b"\xef\xbb\xbf"), maxsplit=1)[0]
    return _FIELD.match(head) is not None and _KNOWN.search(head) is not None


def places(file: BinaryIO) -> list[tuple[int, int]]:
    """Begin and end of each mail in a file.

    A line that begins with "From " parts two mails only behind an empty line, before a header field, and with a time in
    it if the file's first line has one: some programs leave such lines in a text as they are.
    """
    timed = _TIME.search(file.readline(LONGEST)) is not None
    file.seek(0)
    begins: list[int] = []
    ends: list[int] = []
    at = end = 0  # where we are, and where the text ends so far, without an empty line behind it
    is_new, was_empty, parted = True, True, -1
    while line := file.readline(LONGEST):
        if parted >= 0 and is_new and _FIELD.match(line):
            begins.append(at)
            ends.append(parted)
        parts = is_new and was_empty and line.startswith(b"From ") and (not timed or _TIME.search(line))
        parted = end if parts else -1
        was_empty = is_new and line in (b"\n", b"\r\n")
        end, at = at if was_empty else at + len(line), at + len(line)
        is_new = line.endswith(b"\n")
    return list(zip(begins, [*ends[1:], end], strict=False))
