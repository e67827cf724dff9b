"""What a person typed on top of a reply, without the mail that they answered.

The order of things: a mail is read twice, as text and as HTML; in each, what is quoted is cut off (`quoted_text`,
`quoted_html`), then what stands around the words (`boilerplate`). A command is taken for neither, unless it is marked
as quoted. Where there are both forms, only what they agree on was typed: HTML says better where lines end and what was
quoted, so its lines count, as far as the text says the same. A form that was made by a faulty program, or by somebody
who wants to be read in two ways, runs nothing.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.commands import completes, is_command
from gateway.mail import boilerplate
from gateway.mail.bounds import READ_LINE, TEXT_LENGTH, TEXT_LINES, TEXT_OCTETS, TYPED_LINE, TYPED_LINES
from gateway.mail.decoding import lines
from gateway.mail.encrypted import encryption
from gateway.mail.opened import PKCS7
from gateway.mail.parse import Malformed, body, head
from gateway.mail.quoted_html import STRUCK, text_above_quotes
from gateway.mail.quoted_text import LOOK_AHEAD, begins_quote, is_marked, stands_alone
from gateway.mail.signed import ENCRYPTED, cleartext

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0f\ufeff\ufffc]+"
)
_LINK = re.compile(r"[<\[]https?:[^<>\[\]\s]{0,2000}[>\]]", re.IGNORECASE)
"""What HTML mail's links become in plain text, behind the words that are linked."""
_ADDRESS_LINK = re.compile(r"[<(\[]?mailto:[^>)\]\s]{0,500}[>)\]]?", re.IGNORECASE)
_STRUCK_OUT = re.compile(f"{STRUCK[0]}[^{STRUCK[1]}]*{STRUCK[1]}?|(?<!~)(~~?)[^~]+\\1(?!~)")
"""In HTML, and as people write it in text."""
_SEALED_PARTS = PKCS7 | {"application/pgp-encrypted"}  # RFC 3156 §4
_STUB = re.compile(r"\bhtml\b|multi-part message|mime format", re.IGNORECASE)


class Unread(StrEnum):
    """Why a mail has nothing that was typed on top."""

    NO = ""
    """It has something."""
    EMPTY = "empty"
    BELOW = "below"
    """All its words belong to what was answered, or stand below that."""
    DIFFERS = "differs"
    """Its text and its HTML say different things from the start."""
    SEALED = "sealed"
    """It is encrypted, or wrapped in a form that we do not know."""


@dataclass(frozen=True, slots=True)
class Typed:
    """The lines that a person typed on top; without any, why."""

    lines: tuple[str, ...] = ()
    unread: Unread = Unread.NO


def typed(raw: bytes) -> Typed:
    """The lines that a person typed on top, stripped, without blank ones: at most 50, of 500 characters."""
    found = body(raw, TEXT_OCTETS)
    if isinstance(found, Malformed) or found.is_closed or encryption(head(raw), raw):
        return Typed(unread=Unread.SEALED)
    if found.signed and not isinstance(signed := body(found.signed[-1].content, TEXT_OCTETS), Malformed):
        found = signed  # without the footer that a list has added
    plain, shown = found.text, found.html
    written = _written(plain, shown)
    if written is None:
        return Typed(unread=Unread.DIFFERS)
    if written:
        return Typed(written)
    if ENCRYPTED in plain or any(one.content_type in _SEALED_PARTS for one in found.attachments):
        return Typed(unread=Unread.SEALED)
    return Typed(unread=Unread.BELOW if plain.strip() or shown.strip() else Unread.EMPTY)


def _written(plain: str, shown: str) -> tuple[str, ...] | None:
    """What was typed, according to all the forms that there are; None where they differ."""
    if not shown.strip():
        return _said(_typed(plain))
    if not _INVISIBLE.sub("", plain).strip() or (len(plain) < 300 and _STUB.search(plain)):
        return _said(_typed(text_above_quotes(shown)))
    return _agreed(_said(_typed(plain)), _typed(text_above_quotes(shown)))


def _typed(text: str) -> tuple[str, ...]:
    """The typed lines, which may hold what is struck out."""
    read = lines(text[:TEXT_LENGTH]).split("\n", TEXT_LINES)[:TEXT_LINES]
    every = cleartext([_tidy(line) for line in read])
    start = boilerplate.above(every)
    written = every[start : _end(every, start)]
    return tuple(line[:TYPED_LINE] for line in written if line)[:TYPED_LINES]


def _tidy(line: str) -> str:
    return " ".join(_LINK.sub("", _INVISIBLE.sub("", line)).split())[:READ_LINE]


def _said(typed: tuple[str, ...]) -> tuple[str, ...]:
    """Lines without what is struck out, and without those of which nothing is left."""
    return tuple(filter(None, (" ".join(_STRUCK_OUT.sub(" ", line).split()) for line in typed)))


def _end(every: list[str], start: int = 0) -> int:
    """The index of the first line, from `start` on, that was not typed."""
    before = ""
    for at in range(start, len(every)):
        line = every[at]
        if not line:
            continue
        after = [one for one in every[at + 1 : at + 1 + 2 * LOOK_AHEAD] if one]
        if (begins_quote(line, after) or boilerplate.ends_typed(line)) and not _is_ours(line, before, after):
            return at
        before = line
    return len(every)


def _is_ours(line: str, before: str, after: list[str]) -> bool:
    """Whether a line is a command, or the rest of one, whatever else it looks like."""
    line = " ".join(_STRUCK_OUT.sub(" ", line).split())
    if is_marked(line) or len(line) > TYPED_LINE:
        return False
    if is_command(line):
        return True
    if not before or not completes(line, before):
        return False
    return not begins_quote(line, after) or stands_alone(after)  # or the date is that of the mail that was answered


def _agreed(plain: tuple[str, ...], shown: tuple[str, ...]) -> tuple[str, ...] | None:
    """The lines of HTML for as long as the text says the same, however it is wrapped; None if each says its own.

    What is struck out is not said, but the text may have it all the same.
    """
    for struck in (True, False):
        agreed = _as_far_as(_letters("".join(plain)), shown if struck else _said(shown))
        if agreed or plain == _said(shown):
            return _said(tuple(agreed))
    return None if plain and _said(shown) else ()


def _as_far_as(said: str, shown: tuple[str, ...]) -> list[str]:
    """The first of these lines, for as long as they say the same."""
    agreed: list[str] = []
    together = ""
    for line in shown:
        together += _letters(line)
        if not said.startswith(together):
            break
        agreed.append(line)
    return agreed


def _letters(text: str) -> str:
    """What is compared: letters and digits, without what only one of the forms shows of a link."""
    return "".join(filter(str.isalnum, _ADDRESS_LINK.sub("", text))).casefold()
