"""Messages as values: the head of every mail that passes, and (in `contents`) the body of one that a person reads.

Nothing that we read is read by the stdlib's `email` parser, which raises on hostile input (`Message-ID: <>`, nested
parentheses, odd charsets, deep nesting): heads are scanned and bodies divided by octets, in bounded time. Only `legacy`
calls it, for a library that takes its messages and nothing else.
"""

import hashlib
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from gateway.mail.bounds import (
    ANSWERED,
    ANSWERS_LENGTH,
    AUTHORS,
    LIBRARY_DEPTH,
    LIBRARY_LINE,
    LIBRARY_LINES,
    LIBRARY_OCTETS,
    LIST_LENGTH,
)
from gateway.mail.contents import Attachment, Body, Malformed, Piece, attachment, body, piece
from gateway.mail.decoding import decoded, unfolded
from gateway.mail.mailboxes import Mailbox, mailboxes, plainly_one
from gateway.mail.mime import Part, tree
from gateway.mail.scan import Field, body_start, bounded, head_start

__all__ = [
    "Attachment",
    "Body",
    "Field",
    "Head",
    "Mailbox",
    "Malformed",
    "Piece",
    "attachment",
    "body",
    "fingerprint",
    "head",
    "legacy",
    "piece",
]

TRACE = frozenset({"received", "return-path", "delivered-to", "x-received", "authentication-results", "dkim-signature"})
"""Fields that hops add on the way; with `OF_HOPS` they say nothing of which mail it is."""
OF_HOPS = (
    *("arc-", "x-ms-exchange-", "x-ms-office365-", "x-microsoft-antispam", "x-exchange-antispam", "x-forefront-"),
    *("x-ms-traffictypediagnostic", "x-ms-publictraffictype", "x-originatororg", "x-google-", "x-gm-"),
)
"""How the names of those begin that Exchange Online and Google write anew each time that they hand a mail on."""

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,990}>")


@dataclass(frozen=True, slots=True)
class Head:
    """The header fields of a message, in order; `end` is the offset where the body starts.

    `complete` is False where the head is longer than anybody writes: only its first MiB, or 10,000 fields, was read.
    `start` is the offset of the first field.
    """

    fields: tuple[Field, ...]
    end: int
    complete: bool = True
    start: int = 0
    _named: dict[str, list[Field]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _first: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The first value of each name that was asked for: some are asked for again and again."""

    def __post_init__(self) -> None:
        for one in self.fields:
            self._named.setdefault(one.name, []).append(one)

    def has(self, name: str) -> bool:
        """Whether there is a field of this name."""
        return name.lower() in self._named

    def all(self, name: str) -> tuple[str, ...]:
        """The values of every field of this name: one line each, decoded, without control and bidi characters."""
        return tuple(decoded(one.value) for one in self._named.get(name.lower(), ()))

    def get(self, name: str) -> str:
        """The first field's value, or ""."""
        name = name.lower()
        if name in self._named and name not in self._first:
            self._first[name] = decoded(self._named[name][0].value)
        return self._first.get(name, "")

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """Every mailbox of every From field; `()` if one of the fields cannot be read, or they name too many.

        A field that is not written as it should be, and can name only one address all the same, names it.
        """
        found: list[Mailbox] = []
        for value in self._lists("from"):
            those = mailboxes(value, AUTHORS) or plainly_one(value)
            found += those
            if not those or len(found) > AUTHORS:
                return ()
        return tuple(found)

    @property
    def visible(self) -> tuple[Mailbox, ...]:
        """The recipients that every reader sees: those of To and Cc, as far as these can be read."""
        lists = [*self._lists("to"), *self._lists("cc")]
        return tuple(one for value in lists for one in mailboxes(value))

    @property
    def names_many(self) -> bool:
        """Whether To and Cc are longer than is read."""
        fields = [*self._named.get("to", []), *self._named.get("cc", [])]
        return sum(len(one.value) for one in fields) > LIST_LENGTH

    def _lists(self, name: str) -> list[str]:
        """The address lists of this name; none where they are longer together than is read."""
        fields = self._named.get(name, [])
        return [unfolded(one.value) for one in fields] if sum(len(one.value) for one in fields) <= LIST_LENGTH else []

    @property
    def subject(self) -> str:
        return self.get("subject")

    @property
    def message_id(self) -> str:
        """With its angle brackets; "" if there is none, or none that can be read."""
        found = _MESSAGE_ID.search(self.get("message-id"))
        return found[0] if found else ""

    @property
    def has_files(self) -> bool:
        """Whether the message seems to bring files, as far as its head tells (RFC 2046 §5.1.3)."""
        kind = self.get("content-type").lower().partition(";")[0].strip()
        return kind == "multipart/mixed" or (kind.partition("/")[0] not in ("", "text", "multipart") and "/" in kind)

    @property
    def received(self) -> int:
        """How many hops say that they carried the mail."""
        return len(self._named.get("received", ()))

    @property
    def answers(self) -> tuple[str, ...]:
        """The Message-IDs of the mail that this one goes on with, the nearest first (RFC 5322 §3.6.4)."""
        named = (*self.all("in-reply-to")[:1], *self.all("references")[:1])
        found = [one for value in named for one in reversed(_MESSAGE_ID.findall(value[-ANSWERS_LENGTH:]))]
        return tuple(dict.fromkeys(found))[:ANSWERED]


def head(raw: bytes) -> Head:
    """Read the head, in time that does not depend on the size of the body (RFC 5322 §2.2)."""
    start = head_start(raw)
    fields, complete = bounded(raw, start)
    return Head(fields, body_start(raw, fields[-1].end if fields else start), complete, start)


def legacy(raw: bytes) -> Message | None:
    """The start of a message in the stdlib's form, for a library that wants that; None where its parser gives up.

    Long lines are cut off: parser and library look some of them through again for each of their characters.
    """
    try:
        if _depth(tree(raw)) > LIBRARY_DEPTH:
            return None
        lines = raw[:LIBRARY_OCTETS].split(b"\n")[:LIBRARY_LINES]
        return message_from_bytes(b"\n".join(line[:LIBRARY_LINE] for line in lines))
    except Exception:
        return None


def fingerprint(opening: bytes, head: Head) -> "hashlib._Hash":
    """The running digest of a mail from its opening on, the same for the same mail by another route.

    Octets of the body that are not in the opening yet are to be added with `update`.
    """
    digest = hashlib.sha256()
    octets = memoryview(opening)
    for one in head.fields:
        if one.name not in TRACE and not one.name.startswith(OF_HOPS):
            digest.update(octets[one.start : one.end])
    digest.update(b"\r\n")
    digest.update(octets[head.end :])
    return digest


def _depth(part: Part) -> int:
    return max((_depth(one) + 1 for one in part.parts), default=0)
