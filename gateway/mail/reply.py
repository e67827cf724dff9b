"""What a person typed on top of a reply, without the mail that they answered.

What ends the typed text is a tuple of small rules, each of which looks at one line and those after it; what a client
marks as quoted in HTML is a tuple of selectors. A client that is not understood yet needs one more of either.
"""

import re
from collections.abc import Callable, Sequence

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from gateway.mail.decoding import lines
from gateway.mail.parse import Malformed, body

MOST_LINES = 50
LONGEST_LINE = 500
_LONGEST_TEXT = 262_144
_LONGEST_HTML = 32_768  # the parser's time grows with the square of the depth, and so of this
_LOOK_AHEAD = 4
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")

QUOTED = (
    "blockquote",
    ".gmail_quote",
    ".gmail_attr",
    ".moz-cite-prefix",
    ".yahoo_quoted",
    "head, script, style, title",
)
"""Elements that hold what was answered, or nothing that was typed."""

QUOTED_FROM_HERE = ("#appendonsend", "#divRplyFwdMsg", "#mail-editor-reference-message-container")
"""Elements after which, on their level, everything was answered."""

_END_OF_HEAD = re.compile(r"</head\s*>", re.IGNORECASE)
_ATTRIBUTION = re.compile(
    r"(?:On\b.*\bwrote|Am\b.*\bschrieb\b.*|Le\b.*\ba écrit|El\b.*\bescribió)\s*:", re.IGNORECASE | re.DOTALL
)
_ORIGINAL = re.compile(r"-{2,}\s*(?:Original (?:Message|Appointment)|Forwarded message)\s*-{2,}", re.IGNORECASE)
_FROM = re.compile(r"\W*(?:From|Von|De)\s*\*?\s*:", re.IGNORECASE)
_SENT = re.compile(r"\W*(?:Sent|Date|To|Subject|Gesendet|Datum|An|Enviado|Fecha|Envoyé|À)\s*\*?\s*:", re.IGNORECASE)
_DEVICE = re.compile(r"(?:Sent from (?:my|Outlook|Mail|Yahoo)\b|Get Outlook for\b)", re.IGNORECASE)

Rule = Callable[[str, Sequence[str]], bool]
"""Whether the typed text ends at this line, given it and those right after it."""


def _quoted(line: str, _after: Sequence[str]) -> bool:
    return line.startswith(">")


def _attribution(line: str, after: Sequence[str]) -> bool:
    """`On … wrote:`, which clients wrap over a few lines."""
    together = (" ".join([line, *after[:count]]) for count in range(_LOOK_AHEAD))
    return any(_ATTRIBUTION.fullmatch(one[:2000]) for one in together)


def _original_message(line: str, _after: Sequence[str]) -> bool:
    return bool(_ORIGINAL.fullmatch(line))


def _header_block(line: str, after: Sequence[str]) -> bool:
    """`From:` with `Sent:` or its like soon after, as Outlook puts them above what is answered."""
    return bool(_FROM.match(line)) and any(_SENT.match(one) for one in after)


def _signature(line: str, _after: Sequence[str]) -> bool:
    return line == "--" or bool(_DEVICE.match(line))  # RFC 3676 §4.3; its space at the end is often lost


def _divider(line: str, _after: Sequence[str]) -> bool:
    return len(line) >= 10 and set(line) == {"_"}


ENDS: tuple[Rule, ...] = (_quoted, _attribution, _original_message, _header_block, _signature, _divider)


def typed_lines(raw: bytes) -> tuple[str, ...]:
    """The lines that a person typed on top, stripped, without blank ones: at most 50, of 500 characters.

    The plain form is read if it has any, else the HTML form.
    """
    found = body(raw)
    if isinstance(found, Malformed):
        return ()
    return _typed(found.text) or _typed(_plain(found.html))


def _typed(text: str) -> tuple[str, ...]:
    every = [" ".join(_INVISIBLE.sub("", line).split()) for line in lines(text[:_LONGEST_TEXT]).split("\n")]
    written = [line for line in every if line]
    typed: list[str] = []
    for number, line in enumerate(written[:MOST_LINES]):
        if any(ends(line, written[number + 1 : number + 1 + _LOOK_AHEAD]) for ends in ENDS):
            break
        typed.append(line[:LONGEST_LINE])
    return tuple(typed)


def _plain(html: str) -> str:
    """HTML as text, once what is quoted is taken out."""
    import inscriptis  # type: ignore[import-untyped]  # noqa: PLC0415 - brings lxml, for replies without plain text

    shown = _END_OF_HEAD.split(html, maxsplit=1)[-1][:_LONGEST_HTML]
    try:
        tree = LexborHTMLParser(shown)
        for node in tree.css(", ".join(QUOTED_FROM_HERE)):
            while node.next is not None:
                node.next.decompose()
            node.decompose()
        for node in tree.css(", ".join(QUOTED)):
            node.decompose()
        return str(inscriptis.get_text(tree.html or ""))
    except (SelectolaxError, RecursionError, ValueError):
        return ""
