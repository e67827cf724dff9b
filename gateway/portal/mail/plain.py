"""A message that came as HTML only, as plain text that says the same.

Words stay whole, line ends are where a browser has them, what is struck out or raised is marked as such, lists keep
their numbers, and tables stand in columns. What is read is what `html.safe` made: nothing else is in it, and elements
are no deeper in each other than is bounded.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.portal.mail import tables
from gateway.portal.mail.meaning import MARK
from gateway.portal.mail.numbering import label_of, number_in
from gateway.portal.mail.tables import Cell

_APART = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "menu", "dir", "pre", "listing", "figure", "blockquote")
)
"""Blocks with an empty line above and below."""
_BLOCKS = _APART | {
    *("address", "article", "aside", "center", "dd", "details", "div", "dt", "fieldset", "figcaption"),
    *("footer", "header", "hgroup", "legend", "li", "main", "nav", "section", "summary", "caption"),
}
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_SIGNS = "0123456789+-=()"
_RAISED = str.maketrans(_SIGNS + "n−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ⁻")
_LOWERED = str.maketrans(_SIGNS + "−", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎₋")
_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "o", "a", "os", "as", "®", "™", "*", "†"})
"""What is raised for its looks."""
_SPACE = re.compile(r"[ \t\n\r]+")
_STRUCK = "~~"
_STRIKES = frozenset({"s", "strike", "del"})
_AS_BLOCK = frozenset(f"{MARK}display-{one}" for one in ("block", "list-item", "table-row", "flex"))


def text_of(html: str) -> str:
    """The words of HTML that was made safe."""
    body = LexborHTMLParser(html).body
    return _inside(body).strip("\n") if body else ""


@dataclass(slots=True)
class _Out:
    """Text as it is written: what divides words is put there when the next one comes."""

    pieces: list[str] = field(default_factory=list)
    ends: int = 0
    space: bool = False
    indents: list[str] = field(default_factory=list)
    label: str = ""
    """Stands before the next word, at the end of its line's indentation."""
    before: str = ""
    """Stands at the next word."""
    struck: bool = False
    """While within what is struck out."""

    def words(self, text: str, *, kept: bool) -> None:
        """Text with its white space as it is, or as one space each."""
        if kept:
            for number, line in enumerate(text.split("\n")):
                if number:
                    self.broken()
                self._put(line)
            return
        inner = _SPACE.sub(" ", text)
        self.space = self.space or inner.startswith(" ")
        if inner != " ":
            self._put(inner.strip(" "))
            self.space = inner.endswith(" ")

    def block(self, text: str) -> None:
        """Lines that stand as they are."""
        self.end(1)
        self.words(text, kept=True)
        self.end(1)

    def end(self, lines: int) -> None:
        """At least so many line ends, unless nothing stands above them."""
        self.ends = max(self.ends, lines if self.pieces else 0)
        self.space = False

    def broken(self) -> None:
        """One line end more."""
        self.ends, self.space = self.ends + 1, False

    def _put(self, text: str) -> None:
        if not text:
            return
        if self.ends or not self.pieces:
            begun = "".join(self.indents)
            labelled = begun[: len(begun) - len(self.label)] + self.label if self.label else begun
            self.pieces.append("\n" * self.ends + labelled)
            self.label = ""
        elif self.space:
            self.pieces.append(" ")
        self.pieces += [self.before, text]
        self.ends, self.space, self.before = 0, False, ""


def _inside(node: LexborNode) -> str:
    out = _Out()
    _children(node, out, kept=False)
    return "".join(out.pieces)


def _children(node: LexborNode, out: _Out, *, kept: bool) -> None:
    for child in node.iter(include_text=True):
        _node(child, out, kept=kept)


def _content(node: LexborNode, out: _Out, *, kept: bool) -> None:
    """What stands within an element, marked where that is struck out."""
    struck = node.tag in _STRIKES or f"{MARK}struck" in (node.attributes.get("class") or "").split()
    if not struck or out.struck:
        _children(node, out, kept=kept)
        return
    written = len(out.pieces)
    out.before, out.struck = _STRUCK, True
    _children(node, out, kept=kept)
    out.before, out.struck = "", False
    if len(out.pieces) > written:
        out.pieces.append(_STRUCK)


def _node(node: LexborNode, out: _Out, *, kept: bool) -> None:
    tag = node.tag or ""
    if tag == "-text":
        out.words(node.text_content or "", kept=kept)
        return
    classes = (node.attributes.get("class") or "").split()
    if "hidden" in node.attributes or f"{MARK}visibility-hidden" in classes:
        return
    kept = _keeps_space(tag, classes, kept=kept)
    if special := _SPECIAL.get(_meant(tag, classes)):
        special(node, out)
    elif tag in _BLOCKS or not _AS_BLOCK.isdisjoint(classes):
        _block(node, tag, out, kept=kept)
    else:
        _content(node, out, kept=kept)


def _meant(tag: str, classes: list[str]) -> str:
    """The element that says what this one says by its style."""
    by_style = {"vertical-align-super": "sup", "vertical-align-sub": "sub"}
    return next((element for mark, element in by_style.items() if MARK + mark in classes), tag)


def _keeps_space(tag: str, classes: list[str], *, kept: bool) -> bool:
    said = next((one for one in classes if one.startswith(f"{MARK}white-space-")), "")
    if said:
        return said.removeprefix(f"{MARK}white-space-") not in ("normal", "nowrap")
    return kept or tag in ("pre", "listing")


def _block(node: LexborNode, tag: str, out: _Out, *, kept: bool) -> None:
    apart = 2 if tag in _APART and not (tag in _LISTS and out.indents) else 1
    if not out.label:
        out.end(apart)
    indent = "> " if tag == "blockquote" else "  " * (tag == "dd")
    out.indents.append(indent)
    if tag in _LISTS:
        _list(node, tag, out, kept=kept)
    else:
        _content(node, out, kept=kept)
    out.indents.pop()
    out.end(apart)


def _list(node: LexborNode, tag: str, out: _Out, *, kept: bool) -> None:
    kind = _kind(node, tag)
    items = [one for one in node.iter() if one.tag == "li"]
    step = -1 if "reversed" in node.attributes else 1
    number = number_in(node.attributes.get("start"), len(items) if step < 0 else 1)
    for child in node.iter(include_text=True):
        if child.tag != "li":
            _node(child, out, kept=kept)
            continue
        number = number_in(child.attributes.get("value"), number)
        label = label_of(kind, number)
        out.end(1)
        out.indents.append(" " * len(label))
        out.label = label
        _content(child, out, kept=kept)
        out.indents.pop()
        out.label = ""
        out.end(1)
        number += step


def _kind(node: LexborNode, tag: str) -> str:
    """How the items of a list are marked."""
    classes = (node.attributes.get("class") or "").split()
    styled = next((one for one in classes if one.startswith(f"{MARK}list-style-type-")), "")
    if styled:
        return styled.removeprefix(f"{MARK}list-style-type-")
    by_type = {"a": "lower-alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman"}
    return by_type.get(node.attributes.get("type") or "", "decimal") if tag == "ol" else "disc"


# ------------------------------------------------------------------------------------------ elements that say more


def _script(node: LexborNode, out: _Out, signs: dict[int, int], mark: str) -> None:
    """Raised or lowered figures; where there are no such signs, the mark says it."""
    text = _SPACE.sub(" ", node.text() or "").strip()
    if text and not set(map(ord, text)) - set(signs):
        shown = text.translate(signs)
    elif not mark or text.lower() in _ORDINALS or text.startswith(("[", "(")) or not text:
        shown = text
    else:
        shown = f"{mark}{text}" if text.isalnum() else f"{mark}({text})"
    out.words(shown, kept=False)


def _picture(node: LexborNode, out: _Out) -> None:
    if alternative := (node.attributes.get("alt") or "").strip():
        out.words(f"[{alternative}]", kept=False)


def _table(node: LexborNode, out: _Out) -> None:
    for caption in (one for one in node.iter() if one.tag == "caption"):
        out.block(_inside(caption))
    struck = f"{MARK}struck" in (node.attributes.get("class") or "").split()
    text = tables.as_text([_cell(cell) for cell in row.iter() if cell.tag in ("td", "th")] for row in _rows(node))
    out.block(f"{_STRUCK}{text}{_STRUCK}" if struck and text else text)


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    for one in table.iter():
        if one.tag == "tr":
            yield one
        elif one.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in one.iter() if row.tag == "tr")


def _cell(node: LexborNode) -> Cell:
    classes = (node.attributes.get("class") or "").split()
    if "hidden" in node.attributes:
        return Cell("")
    out = _Out()
    _content(node, out, kept=_keeps_space("td", classes, kept=False))
    right = f"{MARK}text-align-right" in classes or f"{MARK}text-align-end" in classes
    columns, rows = (number_in(node.attributes.get(one), 1) for one in ("colspan", "rowspan"))
    return Cell("".join(out.pieces).strip("\n"), right, max(columns, 1), max(rows, 1))


def _quoted(node: LexborNode, out: _Out) -> None:
    out.words(f"“{_inside(node)}”", kept=False)


def _line(_: LexborNode, out: _Out) -> None:
    out.block("-" * 20)


_SPECIAL: dict[str, Callable[[LexborNode, _Out], None]] = {
    "br": lambda _, out: out.broken(),
    "hr": _line,
    "img": _picture,
    "table": _table,
    "q": _quoted,
    "rt": lambda node, out: out.words(f"({_inside(node)})", kept=False),
    "rp": lambda *_: None,
    "sup": lambda node, out: _script(node, out, _RAISED, "^"),
    "sub": lambda node, out: _script(node, out, _LOWERED, ""),
}
