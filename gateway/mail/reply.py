"""What a person typed on top of a reply, without the mail that they answered.

The order of things: a mail is read twice, as text and as HTML; in each, what is quoted is cut off (`quoted_text`,
`quoted_html`), then what stands around the words (`furniture`). Where there are both forms, only what they agree on
was typed: HTML says better where lines end and what was quoted, so its lines count, as far as the text says the same.
A form that was made by a faulty program, or by somebody who wants to be read in two ways, runs nothing.
"""

import re

from gateway.mail import furniture
from gateway.mail.bounds import READ_LINE, TEXT_LENGTH, TEXT_LINES, TEXT_OCTETS, TYPED_LINE, TYPED_LINES
from gateway.mail.decoding import lines
from gateway.mail.parse import Malformed, body
from gateway.mail.quoted_html import text_above_quotes
from gateway.mail.quoted_text import LOOK_AHEAD, begins_quote

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0f\ufeff\ufffc]+"
)
_LINK = re.compile(r"[<\[]https?:[^<>\[\]\s]{0,2000}[>\]]", re.IGNORECASE)
"""What HTML mail's links become in plain text, behind the words that are linked."""
_ADDRESS_LINK = re.compile(r"[<(\[]?mailto:[^>)\]\s]{0,500}[>)\]]?", re.IGNORECASE)
_STUB = re.compile(r"\bhtml\b|multi-part message|mime format", re.IGNORECASE)
_DISAGREE = "≠"
"""Stands between two lines, and before them: behind RECALL the second would be taken for a reason."""


def typed_lines(raw: bytes) -> tuple[str, ...]:
    """The lines that a person typed on top, stripped, without blank ones: at most 50, of 500 characters.

    Where text and HTML differ from the start, one line shows both; it is no command.
    """
    found = body(raw, TEXT_OCTETS)
    if isinstance(found, Malformed):
        return ()
    plain, shown = found.text, found.html
    if not shown.strip():
        return _typed(plain)
    if not _INVISIBLE.sub("", plain).strip() or (len(plain) < 300 and _STUB.search(plain)):
        return _typed(text_above_quotes(shown))
    return _agreed(_typed(plain), _typed(text_above_quotes(shown)))


def _typed(text: str) -> tuple[str, ...]:
    every = [_tidy(line) for line in lines(text[:TEXT_LENGTH]).split("\n", TEXT_LINES)[:TEXT_LINES]]
    start = furniture.above(every)
    written = every[start : _end(every, start)]
    return tuple(line[:TYPED_LINE] for line in written if line)[:TYPED_LINES]


def _tidy(line: str) -> str:
    return " ".join(_LINK.sub("", _INVISIBLE.sub("", line)).split())[:READ_LINE]


def _end(every: list[str], start: int = 0) -> int:
    """The index of the first line, from `start` on, that was not typed."""
    for at in range(start, len(every)):
        line = every[at]
        if not line:
            continue
        after = [one for one in every[at + 1 : at + 1 + 2 * LOOK_AHEAD] if one]
        if begins_quote(line, after) or furniture.ends_typed(line):
            return at
    return len(every)


def _agreed(plain: tuple[str, ...], shown: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of HTML for as long as the text says the same, however it is wrapped."""
    said = _letters("".join(plain))
    agreed: list[str] = []
    together = ""
    for line in shown:
        together += _letters(line)
        if not said.startswith(together):
            break
        agreed.append(line)
    if agreed or plain == shown:
        return tuple(agreed)
    return (" ".join([_DISAGREE, *plain[:1], _DISAGREE, *shown[:1]]),)


def _letters(text: str) -> str:
    """What is compared: letters and digits, without what only one of the forms shows of a link."""
    return "".join(filter(str.isalnum, _ADDRESS_LINK.sub("", text))).casefold()
