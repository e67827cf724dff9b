"""Mailbox lists, strictly: a list that cannot be read to the last mark names nobody.

Who wrote a mail decides what it may do, so nothing is guessed (the stdlib's `parseaddr` answers the wrong one of
two). Obsolete routes and groups are refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.address import Address, address
from gateway.errors import BadAddress
from gateway.mail.bounds import COMMENT_DEPTH, LIST_LENGTH, MAILBOXES
from gateway.mail.decoding import clean, words

_LONGEST_REMEMBERED = 200  # one author, most of the time, who writes again and again
_TOKEN = re.compile(
    r"""(?P<quoted>"(?:[^"\\]|\\.)*+")
      | (?P<angle><(?:"(?:[^"\\]|\\.)*+"|[^<>"])*+>)
      | (?P<space>\s++)
      | (?P<comma>,)
      | (?P<text>[^\s"<>(),;:\\]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAINLY_ONE = re.compile(r"(?P<name>[^@<>:;\\]*+)<(?P<address>[^@<>\s\",]++@[^@<>\s\",]++)>\s*+")
_MARK_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*+"|\\.|[()]', re.DOTALL)
_MARK_INSIDE = re.compile(r"\\.|[()]", re.DOTALL)  # a quotation mark is nothing special in a comment


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's name, as it may be shown, and address."""

    name: str
    address: Address


def mailboxes(value: str, most: int = MAILBOXES) -> tuple[Mailbox, ...]:
    """Every mailbox of an unfolded list, encoded words still encoded (RFC 5322 §3.4).

    `()` if any is unreadable, or if there are more than `most`.
    """
    return _remembered(value, most) if len(value) <= _LONGEST_REMEMBERED else _read(value, most)


@lru_cache(maxsize=1024)
def _remembered(value: str, most: int) -> tuple[Mailbox, ...]:
    return _read(value, most)


def _read(value: str, most: int) -> tuple[Mailbox, ...]:
    bare = _without_comments(value) if len(value) <= LIST_LENGTH else None
    entries = [entry for entry in _entries(bare) or [] if entry] if bare is not None else []
    found: list[Mailbox] = []
    for entry in entries if len(entries) <= most else []:
        one = _mailbox(entry)
        if one is None:
            return ()
        found.append(one)
    return tuple(found)


def plainly_one(value: str) -> tuple[Mailbox, ...]:
    """The one mailbox of a list that is badly written, `Field, Ada <ada@a.example>`, where nothing else can be meant.

    An address stands in angle brackets at its end, and there is no other sign of one, however it is encoded.
    """
    found = _PLAINLY_ONE.fullmatch(value) if len(value) <= LIST_LENGTH else None
    name = clean(words(found["name"])) if found else "@"
    one = safe_address(found["address"]) if found and not set(name) & set("@<>:;\\") else None
    return (Mailbox(name.strip('" '), one),) if one else ()


def safe_address(typed: str) -> Address | None:
    """The address, or None."""
    try:
        return address(typed)
    except BadAddress:
        return None


def _without_comments(value: str) -> str | None:
    """Put a space in the place of each comment, nested ones too; None if the parentheses do not match."""
    kept: list[str] = []
    depth = start = at = 0
    while mark := (_MARK_INSIDE if depth else _MARK_OUTSIDE).search(value, at):
        at = mark.end()
        if mark[0] == "(":
            kept += [] if depth else [value[start : mark.start()]]
            depth += 1
        elif mark[0] == ")":
            depth, start = depth - 1, at
        if not 0 <= depth <= COMMENT_DEPTH:
            return None
    return None if depth else " ".join([*kept, value[start:]])


def _entries(value: str) -> list[list[tuple[str, str]]] | None:
    """The tokens between the commas, or None where something is no token."""
    entries: list[list[tuple[str, str]]] = [[]]
    at = 0
    while match := _TOKEN.match(value, at):
        at = match.end()
        kind = match.lastgroup or ""
        if kind == "comma":
            entries.append([])
        elif kind != "space" or entries[-1]:
            entries[-1].append((kind, match[0]))
    return entries if at == len(value) else None


def _mailbox(tokens: list[tuple[str, str]]) -> Mailbox | None:
    while tokens[-1][0] == "space":
        tokens = tokens[:-1]
    kinds = [kind for kind, _ in tokens]
    if "angle" not in kinds:
        found = None if "space" in kinds else safe_address("".join(part for _, part in tokens))
        return Mailbox("", found) if found else None
    if kinds.index("angle") != len(kinds) - 1:
        return None
    found = safe_address(tokens[-1][1][1:-1])
    name = "".join(_unquoted(part) if kind == "quoted" else part for kind, part in tokens[:-1])
    return Mailbox(clean(words(name)), found) if found else None


def _unquoted(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)
