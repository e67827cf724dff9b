"""What a mail's own style sheets say of its elements, as far as that changes what they mean.

Rules for an element, a class or an id are read; what depends on where something stands, or on the screen, is not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape

from gateway.mail.bounds import CLASSES, RULES, SELECTORS, SHEET_LENGTH, STYLE_LENGTH

Declarations = dict[str, str]
"""Values by property, both in small letters."""

_STYLE = re.compile(r"<style\b[^>]*+>", re.IGNORECASE)
_STYLE_END = re.compile(r"</style", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_BRACE = re.compile(r"[{}]")
_ON_SCREEN = re.compile(r"@media\s+(?:only\s+)?(?:all|screen)", re.IGNORECASE)
_SELECTOR = re.compile(r"[a-z][a-z0-9]{0,20}|(?:[a-z][a-z0-9]{0,20})?[.#][\w-]{1,80}", re.IGNORECASE | re.ASCII)
_DECLARATION = re.compile(
    r"([a-z-]{1,40})\s*+:\s*+((?:[^;\"'(]|\"[^\"]*+\"|'[^']*+'|\([^)]{0,200}\))++)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Declarations by selector: `td`, `.struck`, `td.struck`, `#it`."""

    rules: dict[str, Declarations] = field(default_factory=dict)

    def of(self, name: str, attributes: Mapping[str, str]) -> Declarations:
        """What is declared for an element, the stronger over the weaker."""
        classes = unescape(attributes.get("class", "")).split()[:CLASSES] if self.rules else []
        selectors = [name, *(f".{one}" for one in classes), *(f"{name}.{one}" for one in classes)]
        selectors += [f"#{attributes.get('id', '')}", f"{name}#{attributes.get('id', '')}"]
        said: Declarations = {}
        for one in selectors:
            said |= self.rules.get(one, {})
        return said | declared(unescape(attributes.get("style", "")[:STYLE_LENGTH]))


def declared(style: str) -> Declarations:
    """The declarations of a style attribute, or of a rule."""
    found = ((one[1].lower(), one[2].strip().lower()) for one in _DECLARATION.finditer(style))
    return {name: value.removesuffix("!important").rstrip() for name, value in found}


def sheet_of(html: str) -> Sheet:
    """The style sheets of a mail, together."""
    rules: dict[str, Declarations] = {}
    for number, (selectors, declarations) in enumerate(_rules(_COMMENT.sub("", "\n".join(_sheets(html))))):
        if number >= RULES:
            break
        for selector in selectors.split(",", SELECTORS)[:SELECTORS]:
            if _SELECTOR.fullmatch(selector.strip()):
                rules.setdefault(_folded(selector.strip()), {}).update(declarations)
    return Sheet(rules)


def _folded(selector: str) -> str:
    """The selector, its element in small letters."""
    name, sign, rest = re.split(r"([.#]|$)", selector, maxsplit=1)
    return name.lower() + sign + rest


def _sheets(html: str) -> Iterator[str]:
    room = SHEET_LENGTH
    at = 0
    while room > 0 and (start := _STYLE.search(html, at)):
        end = _STYLE_END.search(html, start.end(), start.end() + room)
        at = end.start() if end else min(start.end() + room, len(html))
        room -= at - start.end()
        yield html[start.end() : at]


def _rules(text: str) -> Iterator[tuple[str, Declarations]]:
    """Each rule that holds on all screens; what holds on some only is passed over."""
    depth, start, selectors = 0, 0, ""
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            if depth == 0:
                selectors = text[start : brace.start()].rpartition(";")[2].strip()
            depth += not (depth == 0 and _ON_SCREEN.fullmatch(selectors))
        elif depth:
            depth -= 1
            if depth == 0 and not selectors.startswith("@"):
                yield selectors, declared(text[start : brace.start()])
        if depth < 2:
            start = brace.end()
