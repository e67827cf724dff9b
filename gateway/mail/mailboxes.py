"""Mailbox lists, strictly: a list that cannot be read to the last mark names nobody.

Who wrote a mail decides what it may do, so nothing is guessed (the stdlib's `parseaddr` answers the wrong one of
two). Obsolete routes and groups are refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.domain.address import Address, address
from gateway.errors import BadAddress
from gateway.mail.decoding import clean, words

_LONGEST = 16_384
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
_MARK_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*+"|\\.|[()]', re.DOTALL)
_MARK_INSIDE = re.compile(r"\\.|[()]", re.DOTALL)  # a quotation mark is nothing special in a comment


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's name, as it may be shown, and address."""

    name: str
    address: Address


def mailboxes(value: str) -> tuple[Mailbox, ...]:
    """Every mailbox of an unfolded list, encoded words still encoded (RFC 5322 §3.4); `()` if any is unreadable."""
    return _remembered(value) if len(value) <= _LONGEST_REMEMBERED else _read(value)


@lru_cache(maxsize=1024)
def _remembered(value: str) -> tuple[Mailbox, ...]:
    return _read(value)


def _read(value: str) -> tuple[Mailbox, ...]:
    bare = _without_comments(value) if len(value) <= _LONGEST else None
    entries = _entries(bare) if bare is not None else None
    if entries is None:
        return ()
    found = [_mailbox(entry) for entry in entries if entry]
    return tuple(one for one in found if one) if all(found) else ()


def safe_address(typed: str) -> Address | None:
    """The address, or None: the library that reads addresses is kept from raising anything."""
    try:
        return address(typed) if len(typed) <= 1000 else None
    except (BadAddress, ValueError):
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
            if depth < 0:
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
