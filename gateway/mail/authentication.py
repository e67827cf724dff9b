"""What a mail server that we believe has said about a mail's author (RFC 8601).

A stranger chooses much of what stands in such a field: an envelope sender, a host's name, a signature's domain. So its
octets are read undecoded and strictly: whatever servers do not write of themselves proves nothing. Three habits of real
ones are let be that the grammar has not: a property without a type (`action=none`), characters such as `=` and `/` in a
value, and a last semicolon.
"""

import re
from collections.abc import Iterator

from gateway.domain.address import address
from gateway.errors import BadAddress
from gateway.mail.parse import Head

LONGEST = 8192
"""Octets of a field that is read; those of real servers have up to 3,000."""
NAMELESS = "mx.microsoft.com"
"""How to name Exchange Online: its servers write no name into Authentication-Results, and this one into ARC's."""

_PART = re.compile(r'(?P<space>[ \t]+)|(?P<end>;)|(?P<quoted>"[^"]*")|(?P<text>[^ \t();"]+)')
_WORDS = ("quoted", "text")
_PARENTHESIS = re.compile(r"[()]")
_ODD = re.compile(r"[^\t -~]|\\|=\?")
_DMARC = re.compile(rb"dmarc\s*+(?:/\s*+[0-9]++\s*+)?=")
_RESULT = re.compile(r"(?P<method>[\w.-]+(?:/[0-9]+)?)=(?P<result>[\w-]+)")
_PROPERTY = re.compile(r"(?P<name>[\w.-]+)=(?P<value>.*)")

Result = tuple[str, str, list[tuple[str, str]]]
"""A method, its result and its properties; method, result and names in lower case."""


def dmarc_passed(head: Head, authserv_id: str) -> bool:
    """Whether the named server's own, topmost Authentication-Results say that DMARC passed for the one author's domain.

    Any other server's field proves nothing; neither does a second field in our server's name, which a stranger may
    have written (RFC 8601 §5). Two words of our server's on DMARC prove nothing, wherever they stand: one may have come
    out of a stranger's value.
    """
    authors, server = head.authors, authserv_id.lower()
    fields = [one.value for one in head.fields if one.name == "authentication-results"]
    if not (server and fields and len(authors) == 1) or any(_speaks_of_dmarc(one, server) for one in fields[1:]):
        return False
    dmarc = [one for one in _results(fields[0], server) if one[0].partition("/")[0] == "dmarc"]
    return len(dmarc) == 1 and _passes(dmarc[0], authors[0].address.domain)


def _speaks_of_dmarc(field: bytes, server: str) -> bool:
    """Whether the field may be this server's, and have a result of DMARC's, however it is written."""
    said = field.lower()
    is_ours = server.encode() in said or (server == NAMELESS and b"=" in said.partition(b";")[0])
    return is_ours and _DMARC.search(said) is not None


def _passes(said: Result, author_domain: str) -> bool:
    method, result, properties = said
    about = [value for name, value in properties if name == "header.from"]
    known = method in ("dmarc", "dmarc/1")  # RFC 8601 §2.2: an unknown version says nothing
    return known and result == "pass" and len(about) == 1 and _domain(about[0]) == author_domain


def _results(field: bytes, authserv_id: str) -> list[Result]:
    """What this server says in the field; nothing at all where it is another's, or anything in it is odd."""
    segments = _segments(field)
    if segments and not (authserv_id == NAMELESS and "=" in "".join(segments[0][:1])):
        name, *version = segments.pop(0) or [""]
        if _bare(name).lower() != authserv_id or version not in ([], ["1"]):
            return []
    if segments and not segments[-1]:
        segments.pop()
    read = [_result(words) for words in segments]
    found = [one for one in read if one]
    return found if len(found) == len(read) else []


def _result(words: list[str]) -> Result | None:
    said = _RESULT.fullmatch(words[0]) if words else None
    properties = [_PROPERTY.fullmatch(word) for word in words[1:]]
    whole = [(one["name"].lower(), one["value"]) for one in properties if one]
    if said is None or len(whole) < len(properties):
        return None
    return said["method"].lower(), said["result"].lower(), whole


def _segments(field: bytes) -> list[list[str]]:
    """The words between the semicolons, comments left out (RFC 8601 §2.2, RFC 5322 §3.2.2); none if anything is odd."""
    unfolded = field[: LONGEST + 1].replace(b"\r\n", b"").replace(b"\n", b"")
    value = unfolded.decode("latin-1")  # any octet is a letter there
    if len(field) > LONGEST or _ODD.search(value):
        return []
    segments: list[list[str]] = [[]]
    before = "space"
    for kind, text in _parts(value):
        if kind == "odd" or (kind in ("comment", "quoted") and _hides_a_result(text)):
            return []
        if kind == "end":
            segments.append([])
        elif kind in _WORDS and before in _WORDS:
            segments[-1][-1] += text
        elif kind in _WORDS:
            segments[-1].append(text)
        before = kind
    return segments


def _parts(value: str) -> Iterator[tuple[str, str]]:
    """The field piece by piece; what is none of its pieces is odd, and the last."""
    at = 0
    while at < len(value):
        part, end = _PART.match(value, at), _comment_end(value, at)
        if not part and not end:
            yield "odd", value[at:]
            return
        kind, end = (part.lastgroup or "", part.end()) if part else ("comment", end)
        yield kind, value[at:end]
        at = end


def _comment_end(value: str, start: int) -> int:
    """Where the comment that begins here ends, nested ones in it; 0 if none begins here, or it does not end."""
    depth = 0
    for mark in _PARENTHESIS.finditer(value, start) if value[start] == "(" else ():
        depth += 1 if mark[0] == "(" else -1
        if not depth:
            return mark.end()
    return 0


def _hides_a_result(text: str) -> bool:
    """Whether a comment or a quoted text may have swallowed what the server itself says of DMARC.

    One that a stranger's value opens, and their next one closes, holds the server's `; dmarc=fail` in between.
    """
    return "dmarc" in text.lower().partition(";")[2]


def _bare(word: str) -> str:
    return word[1:-1] if word.startswith('"') and word.find('"', 1) == len(word) - 1 else word


def _domain(written: str) -> str:
    """A domain as addresses compare it; some servers write a whole address there."""
    local, _, domain = _bare(written).rpartition("@")
    try:
        return address(f"{local or 'x'}@{domain.removesuffix('.')}").domain
    except BadAddress:
        return ""
