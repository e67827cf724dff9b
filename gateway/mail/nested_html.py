"""HTML written anew: every element closed within the one that it began in, none deeper and no more than is bounded.

HTML that nobody closed is put right by each parser in its own time, which grows with the square of the depth, of the
styles that are open, or of what stands loose in a table. What comes out of here leaves a parser nothing to put right,
so that its time is that of a single pass. Which element ends where is what the standard says (WHATWG HTML §13.2), as
far as it changes what a reader sees. It makes nothing safe: that is nh3's work, afterwards.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gateway.mail.bounds import (
    HTML_DEPTH,
    HTML_ELEMENTS,
    HTML_REFERENCES,
    HTML_STYLES,
    HTML_TAGS,
)
from gateway.mail.html_attributes import PLAIN_NAME, Attributes, read, written
from gateway.mail.html_elements import (
    BLOCKS,
    CLOSES_IN_TABLE,
    ENDS_PARAGRAPH,
    HIDDEN,
    ITEM_SCOPES,
    ITEMS,
    PAGE,
    PARAGRAPH_SCOPES,
    RENAMED,
    ROWS,
    SCOPED,
    SCOPES,
    STYLES,
    TABLE,
    TABLE_PARTS,
    UNWRITTEN,
    VOID,
)

_S = r"\t\n\f\r "
_ATTRIBUTE = (
    rf"[^{_S}/>][^{_S}/>=]*+(?:[{_S}]*+=[{_S}]*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^{_S}>\"'][^{_S}>]*+)?+)?+"
)
_TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"  # a comment
    r"|<(?:[!?]|/(?![a-zA-Z]))[^>]*+>?"  # what counts as one: a doctype, <![if …]>, </>
    rf"|<(?P<end>/?)(?P<name>[a-zA-Z][^{_S}/>]*+)(?P<rest>(?:[{_S}/]++|{_ATTRIBUTE})*+)(?:>|\Z)",
    re.DOTALL,
)


@dataclass(slots=True, eq=False)
class _Open:
    """An element that is open; a style stays remembered when the block around it ends, and goes on in the next one."""

    name: str
    tag: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What is written for what a mail has: for an element's attributes, by its name, and for a table's words."""

    attributes: Callable[[str, Attributes], Attributes] = lambda _, given: given
    in_tables: Callable[[str], str] = lambda words: words


AS_IT_IS = Rewriting(lambda name, given: {} if name in PAGE else given)


def nested(html: str, elements: int = HTML_ELEMENTS, rewriting: Rewriting = AS_IT_IS) -> str | None:
    """The HTML with all its words, well nested; None where it has more tags than anybody writes.

    Beyond the bounds elements are left out, and their words stay; beyond so many `elements` only line ends are kept.
    """
    writer = _Writer(elements, rewriting)
    at, tags = 0, 0
    while found := _TAG.search(html, at):
        writer.text(html[at : found.start()])
        at, tags = found.end(), tags + 1
        if tags > HTML_TAGS:
            return None
        name = (found["name"] or "").lower()
        name = RENAMED.get(name, name)
        if name in HIDDEN and not found["end"]:
            at = _end_of(name, html, at)
        elif name in PAGE and not found["end"]:
            writer.whole(name, found["rest"])
        elif name not in UNWRITTEN and PLAIN_NAME.fullmatch(name):
            writer.end(name) if found["end"] else writer.start(name, found["rest"])
    writer.text(html[at:])
    return writer.finished()


def _end_of(name: str, html: str, at: int) -> int:
    """Where the end tag of what is no markup begins, or the end of all."""
    found = re.compile(rf"</{name}(?=[{_S}/>])", re.IGNORECASE).search(html, at)
    return found.start() if found else len(html)


class _Writer:
    """What has been written, and which elements are open in it."""

    def __init__(self, elements: int, rewriting: Rewriting) -> None:
        self._rewriting = rewriting
        self._out: list[str] = []
        self._stack: list[_Open] = []
        self._styles: list[_Open] = []
        """Those that count; a cell, which hides those before it, stands among them."""
        self._open: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._page: Attributes = {}
        self._room = elements
        self._loose = 0
        """The pieces of text that were written since the last tag; a parser puts them together."""

    def text(self, words: str) -> None:
        if not words:
            return
        if words.strip():
            self._into_a_cell()
        elif self._top in ROWS:
            return
        self._go_on_with_styles()
        self._loose += 1 + words.count("&") + words.count("<")
        if self._loose > HTML_REFERENCES:
            self._loose = 0
            self._out.append("<!---->")
        words = _divided(words.replace("<", "&lt;"))
        self._out.append(self._rewriting.in_tables(words) if self._open["table"] else words)

    def start(self, name: str, given: str) -> None:
        if self._room <= 0:
            self._end_lines(name)
            return
        if name in TABLE_PARTS and not self._make_place_in_table(name):
            return
        if name not in TABLE_PARTS:
            self._into_a_cell()
        self._close_for(name)
        if name not in BLOCKS:
            self._go_on_with_styles()
        if name in VOID:
            self._room -= 1
            self._loose = 0
            self._out.append(self._written(name, given))
        elif len(self._stack) >= HTML_DEPTH or (name in STYLES and len(self._styles) >= HTML_STYLES):
            self._left_out[name] += 1
        else:
            self._push(_Open(name, self._written(name, given)))

    def end(self, name: str) -> None:
        if name == "br":
            self.start(name, "")
        elif self._left_out[name]:
            self._left_out[name] -= 1
        elif name in STYLES:
            self._end_style(name)
        elif name in TABLE_PARTS or name == "table":
            self._close_to((name,), TABLE)
        else:
            self._close_to((name,), SCOPES if name in SCOPED else BLOCKS)

    def _written(self, name: str, given: str) -> str:
        """A start tag."""
        attributes = self._rewriting.attributes(name, read(given))
        return f"<{name}{''.join(map(written, attributes.items()))}>"

    def whole(self, name: str, given: str) -> None:
        """What is said of all of it: the first word on each thing counts, as in browsers."""
        for one, value in self._rewriting.attributes(name, read(given)).items():
            self._page.setdefault(one, value)

    def finished(self) -> str:
        while self._stack:
            self._pop()
        if not self._page:
            return "".join(self._out)
        return f"<div{''.join(map(written, self._page.items()))}>{''.join(self._out)}</div>"

    def _end_lines(self, name: str) -> None:
        """Of an element too many, leave the line end."""
        while self._stack:
            self._pop()
        self._styles.clear()
        if name in BLOCKS or name == "br":
            self._loose = 0
            self._out.append("<br>")

    @property
    def _top(self) -> str:
        return self._stack[-1].name if self._stack else ""

    def _push(self, one: _Open) -> None:
        self._room -= 1
        self._loose = 0
        self._out.append(one.tag)
        self._stack.append(one)
        self._open[one.name] += 1
        one.is_open = True
        if (one.name in STYLES or one.name in SCOPES) and one not in self._styles:
            self._styles.append(one)

    def _pop(self) -> _Open:
        one = self._stack.pop()
        self._open[one.name] -= 1
        one.is_open = False
        self._out.append(f"</{one.name}>")
        if one.name in SCOPES and one in self._styles:
            del self._styles[self._styles.index(one) :]
        return one

    def _close_to(self, names: tuple[str, ...], stop: frozenset[str]) -> None:
        """Close the innermost element of these names, and all within it, unless one of `stop` stands in between."""
        if not any(self._open[name] for name in names):
            return
        for depth, one in enumerate(reversed(self._stack), start=1):
            if one.name in names:
                for _ in range(depth):
                    self._pop()
                return
            if one.name in stop:
                return

    def _close_for(self, name: str) -> None:
        """Close what the start of this element ends."""
        if name in ITEMS:
            self._close_to(ITEMS[name], ITEM_SCOPES)
        if name in ENDS_PARAGRAPH:
            self._close_to(("p",), PARAGRAPH_SCOPES)
        if name == "a":
            self._end_style(name)
        if name in ("option", "optgroup") and self._top == "option":
            self._pop()

    def _end_style(self, name: str) -> None:
        for one in reversed(self._styles):
            if one.name in SCOPES:
                return
            if one.name == name:
                while one.is_open:
                    self._pop()
                self._styles.remove(one)
                return

    def _go_on_with_styles(self) -> None:
        """Open again the styles that the end of a block has closed, but nobody has."""
        resting: list[_Open] = []
        for one in reversed(self._styles):
            if one.name in SCOPES:
                break
            if not one.is_open:
                resting.append(one)
        for one in reversed(resting):
            if self._room > 0 and len(self._stack) < HTML_DEPTH:
                self._push(one)

    def _make_place_in_table(self, name: str) -> bool:
        """Close what a part of a table ends; False where it stands in no table."""
        if not self._open["table"]:
            return False
        while self._top not in CLOSES_IN_TABLE[name]:
            self._pop()
        return True

    def _into_a_cell(self) -> None:
        """What stands loose in a table is given a cell: parsers carry it before the table, searching for its place."""
        if self._top in ROWS and self._room > 0:
            for name in ("tr", "td") if self._top != "tr" else ("td",):
                self.start(name, "")


def _divided(words: str) -> str:
    """The words with a comment before every so many-th ampersand."""
    if words.count("&") <= HTML_REFERENCES:
        return words
    pieces = words.split("&")
    groups = ("&".join(pieces[at : at + HTML_REFERENCES]) for at in range(0, len(pieces), HTML_REFERENCES))
    return "<!---->&".join(groups)
