"""The words of an HTML mail as plain text: words stay whole, lines are the blocks', tables keep their columns."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.mail.html_meaning import MEANT
from gateway.mail.nested_html import ENDS_PARAGRAPH

_BLOCKS = ENDS_PARAGRAPH | {"tr"}
_APART = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "hr"])
"""Blocks with an empty line around them."""
_STRUCK = frozenset(("s", "strike", "del"))
_RAISED = dict(zip("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ", strict=True))
_LOWERED = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))
_WIDEST = 60
"""Characters of the widest column that is aligned."""
_BREAK, _GAP = "\x00", "\x01"
"""The end of a line, and an empty line, while the text is put together: no text holds them."""


def text_of(html: str) -> str:
    """The text of HTML that has been made safe, and so is bounded."""
    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    pieces = "".join(_children(body, kept=False))
    lines = re.sub(r"[\x00\x01]*\x01[\x00\x01]*", "\n\n", pieces)
    lines = re.sub(r"\x00+", "\n", lines)
    tidied = "\n".join(line.rstrip() for line in lines.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", tidied).strip("\n")


def _children(node: LexborNode, *, kept: bool) -> Iterator[str]:
    number = _number(node.attributes.get("start")) or 1
    child = node.child
    while child is not None:
        if child.tag == "li":
            number = _number(child.attributes.get("value")) or number
            mark = f"{number}." if node.tag == "ol" else "•"
            yield f"{_BREAK}{mark} {_trimmed(child, kept=kept)}{_BREAK}"
            number += 1
        else:
            yield from _piece(child, kept=kept)
        child = child.next


def _trimmed(node: LexborNode, *, kept: bool) -> str:
    return "".join(_children(node, kept=kept)).strip(f" {_BREAK}{_GAP}")


def _piece(node: LexborNode, *, kept: bool) -> Iterator[str]:
    """One element or text; in `kept` white space stands as it was written."""
    tag = node.tag or ""
    if tag == "-text":
        words = node.text(deep=False).replace(_BREAK, "").replace(_GAP, "")
        yield words if kept else re.sub(r"[ \t\r\n\f]+", " ", words)
        return
    meant = (node.attributes.get(MEANT) or "").split()
    if "hidden" in meant:
        return
    if tag == "br":
        yield "\n"
    elif tag == "table" and (rows := _rows(node)):
        yield f"{_GAP}{rows}{_GAP}"
    else:
        inner = "".join(_children(node, kept=kept or tag == "pre" or "pre" in meant))
        edge = _GAP if tag in _APART else _BREAK if tag in _BLOCKS else ""
        yield f"{edge}{_styled(inner, tag, meant)}{edge}"


def _styled(inner: str, tag: str, meant: list[str]) -> str:
    """What the looks of a few words mean, written out."""
    if tag == "sup" or "super" in meant:
        return _moved(inner, _RAISED, "^")
    if tag == "sub" or "sub" in meant:
        return _moved(inner, _LOWERED, "")
    if (tag in _STRUCK or "through" in meant) and inner.strip():
        return f"~~{inner}~~"
    return inner


def _moved(inner: str, letters: dict[str, str], otherwise: str) -> str:
    words = inner.strip()
    if all(letter in letters for letter in words):
        return "".join(letters[letter] for letter in words)
    return f"{otherwise}{inner}"


def _rows(table: LexborNode) -> str:
    """A table of figures as aligned lines; "" for one that only lays out what stands in it."""
    rows = [[_trimmed(cell, kept=False) for cell in row.css("td, th")] for row in table.css("tr")]
    cells = [cell for row in rows for cell in row]
    is_layout = table.css_first("td table, th table") or any(re.search(r"[\x00\x01\n]", cell) for cell in cells)
    if is_layout or max(map(len, rows), default=0) < 2 or max(map(len, cells), default=0) > _WIDEST:
        return ""
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return _BREAK.join(lines)


def _number(written: str | None) -> int | None:
    return int(written) if written and re.fullmatch(r"-?\d{1,9}", written) else None
