"""Styles of a mail as what they mean, in words that the frame's own style sheet knows (static/frame.css).

No style of a mail's own reaches the browser: the frame's policy forbids it. What a style says that changes what is
read (struck out, in columns, right to left, not shown) becomes one of the classes here, or an attribute that can do no
more than it says.
"""

import re
from collections.abc import Callable, Mapping
from html import unescape

from gateway.portal.mail.colours import TONES, colour, legacy
from gateway.portal.mail.sheet import Declarations, Sheet

MARK = "m-"
"""Begins each class and each id that a mail gets here."""

_KEYWORDS: Mapping[str, frozenset[str]] = {
    "white-space": frozenset({"pre", "pre-wrap", "pre-line", "break-spaces", "nowrap", "normal"}),
    "text-align": frozenset({"left", "right", "center", "justify", "start", "end"}),
    "vertical-align": frozenset({"super", "sub", "top", "middle", "bottom", "baseline"}),
    "text-transform": frozenset({"uppercase", "lowercase", "capitalize", "none"}),
    "font-style": frozenset({"italic", "normal"}),
    "display": frozenset({"block", "inline", "inline-block", "list-item", "table", "table-row", "table-cell", "flex"}),
    "visibility": frozenset({"hidden", "visible"}),
    "list-style-type": frozenset(
        [
            "none",
            "disc",
            "circle",
            "square",
            "decimal",
            "decimal-leading-zero",
            "lower-alpha",
            "upper-alpha",
            "lower-roman",
            "upper-roman",
            "lower-greek",
        ]
    ),
}
"""The values of a property that change what is read; each is a class, `m-display-block`."""
_LINES = {"line-through": "struck", "underline": "underlined", "none": "no-line"}
_SAME = {
    "display": {"inline-flex": "inline-block", "grid": "block", "inline-table": "inline-block", "flow-root": "block"},
    "list-style-type": {"lower-latin": "lower-alpha", "upper-latin": "upper-alpha"},
    "font-style": {"oblique": "italic"},
    "visibility": {"collapse": "hidden"},
    "vertical-align": {"text-top": "top", "text-bottom": "bottom"},
    "text-align": {"-webkit-center": "center", "-webkit-right": "right", "-moz-center": "center"},
    "white-space": {"-moz-pre-wrap": "pre-wrap", "-pre-wrap": "pre-wrap"},
}
CLASSES = frozenset(
    [
        *(f"{MARK}{name}-{value}" for name, values in _KEYWORDS.items() for value in values),
        *(
            f"{MARK}{name}"
            for name in ("struck", "underlined", "no-line", "bold", "not-bold", "mono", "ruled", "centred")
        ),
        *(f"{MARK}{kind}-{name}" for kind in ("ink", "on") for name in TONES),
    ]
)
"""All there are; the frame's style sheet has a rule for each."""


def style() -> str:
    """The rules for those of them that say what a property says, and for colours in both schemes."""
    plain = [f".{MARK}{name}-{value}{{{name}:{value}}}" for name, values in _KEYWORDS.items() for value in values]
    light, dark = (_tones_of(scheme) for scheme in (0, 1))
    return "".join([*sorted(plain), *light, "@media (prefers-color-scheme:dark){", *dark, "}"])


def _tones_of(scheme: int) -> list[str]:
    ink = [f".{MARK}ink-{name}{{color:{tone.ink[scheme]}}}" for name, tone in TONES.items()]
    return [*ink, *(f".{MARK}on-{name}{{background-color:{tone.on[scheme]}}}" for name, tone in TONES.items())]


_BORDER = re.compile(r"\b(?:solid|double|dashed|dotted|groove|ridge)\b")
_LENGTH = re.compile(r"(\d{1,4})(?:\.\d+)?(px|%)?")
_NUMBER = re.compile(r"-?\d{1,6}")
_ID = re.compile(r"[^\s\"'<>&]{1,100}")
_CELLS = frozenset({"td", "th"})
_WHOLE = frozenset({"html", "body"})
_OF_THE_PAGE = frozenset({"display", "visibility", "color", "background", "background-color"})
_PLACED = frozenset({"table", "img"})
"""What an `align` moves as a whole."""
_SIZED = frozenset({"table", "td", "th", "col", "colgroup", "img"})
_KEPT: Mapping[str, tuple[str, ...]] = {
    "a": ("href",),
    "col": ("span",),
    "colgroup": ("span",),
    "details": ("open",),
    "img": ("src", "alt"),
    "li": ("value", "type"),
    "ol": ("start", "type", "reversed"),
    "td": ("colspan", "rowspan"),
    "th": ("colspan", "rowspan", "scope"),
    "ul": ("type",),
}
ATTRIBUTES = {
    "*": {"dir", "lang", "class", "id", "hidden"},
    "a": {"href", "target"},
    **{name: {*kept, *({"width"} if name in _SIZED else ())} for name, kept in _KEPT.items() if name != "a"},
    "table": {"width"},
}
ATTRIBUTES["img"] |= {"height"}
"""What nh3 lets through: what comes out of here."""

TOGETHER = 24
"""The signs of a word that stays whole at any cost; a longer one is a link."""
_WORD = re.compile(r"(?<!\S)[^\s<>]{2,80}(?!\S)")
_BREAKS = re.compile(
    r"(?:^|[\w;%)])[-‐–—−/|](?=[\w&(])|&(?:ndash|mdash|minus|#821[12]|#8722|#x201[34]|#x2212);", re.IGNORECASE
)
_TARGETS = re.compile(r"\bhref\s*+=\s*+[\"']?#([^\"'\s>]{1,100})", re.IGNORECASE)


def together(words: str) -> str:
    """Words of a table that stay whole, such as 120–155 and mmol/l: browsers break them at such signs."""
    return _WORD.sub(_kept_together, words)


def _kept_together(word: re.Match[str]) -> str:
    if len(unescape(word[0])) > TOGETHER or not _BREAKS.search(word[0]):
        return word[0]
    return f'<span class="{MARK}white-space-nowrap">{word[0]}</span>'


def meaning(html: str, sheet: Sheet) -> Callable[[str, dict[str, str]], dict[str, str]]:
    """What turns the attributes of an element into those that say what they mean."""
    targets = frozenset(_TARGETS.findall(html))

    def of(name: str, given: dict[str, str]) -> dict[str, str]:
        said = sheet.of(name, given)
        if name in _WHOLE:
            given, said = _of_the_page(given, said)
        kept = {one: given[one] for one in ("dir", "lang", *_KEPT.get(name, ())) if one in given}
        kept |= _place(name, given, targets) | _sizes(name, given, said) | _direction(said)
        if "hidden" in given or said.get("display") == "none":
            kept["hidden"] = ""
        if classes := _classes(name, given, said):
            kept["class"] = " ".join(f"{MARK}{one}" for one in classes)
        return kept

    return of


def _of_the_page(given: dict[str, str], said: Declarations) -> tuple[dict[str, str], Declarations]:
    """What is said of the page, which has its own colours, and is seen whatever a mail says."""
    return {one: given[one] for one in ("dir", "lang", "class", "id") if one in given}, {
        one: value for one, value in said.items() if one not in _OF_THE_PAGE
    }


def _place(name: str, given: Mapping[str, str], targets: frozenset[str]) -> dict[str, str]:
    """An id that a link of the same mail leads to, as footnotes have it, and such a link."""
    names = (given.get("id", ""), given.get("name", "") if name == "a" else "")
    named = next((one for one in names if one in targets and _ID.fullmatch(one)), "")
    kept = {"id": MARK + named} if named else {}
    href = given.get("href", "").strip()
    if name == "a" and href.startswith("#") and _ID.fullmatch(href[1:]):
        # The frame's document has this address, and its links lead to new windows otherwise.
        kept |= {"href": f"about:srcdoc#{MARK}{href[1:]}", "target": "_self"}
    return kept


def _sizes(name: str, given: Mapping[str, str], said: Declarations) -> dict[str, str]:
    if name not in _SIZED:
        return {}
    asked = ("width", "height") if name == "img" else ("width",)
    found = {one: (said.get(one, ""), given.get(one, "").strip()) for one in asked}
    lengths = {one: next(filter(None, map(_LENGTH.fullmatch, values)), None) for one, values in found.items()}
    return {one: length[1] + ("%" if length[2] == "%" else "") for one, length in lengths.items() if length}


def _direction(said: Declarations) -> dict[str, str]:
    return {"dir": said["direction"]} if said.get("direction") in ("ltr", "rtl") else {}


def _classes(name: str, given: Mapping[str, str], said: Declarations) -> list[str]:
    """The classes of an element, without their mark."""
    said = _attributes_as_styles(name, given) | said
    shorthand = said.get("list-style", "").split()
    if "list-style-type" not in said and shorthand:
        said["list-style-type"] = next((one for one in shorthand if one in _KEYWORDS["list-style-type"]), "")
    found = [f"{one}-{value}" for one, value in ((one, _keyword(one, said)) for one in _KEYWORDS) if value]
    return [*found, *_lines(said), *_weight(said), *_tones(said), *_drawn(name, given, said)]


def _attributes_as_styles(name: str, given: Mapping[str, str]) -> Declarations:
    """What older attributes say, as a style says it."""
    said: Declarations = {}
    aligned = "center" if name == "center" else given.get("align", "").lower()
    if aligned and name not in _PLACED:
        said["text-align"] = "center" if aligned == "middle" else aligned
    if "valign" in given:
        said["vertical-align"] = given["valign"].lower()
    if "nowrap" in given and name in _CELLS:
        said["white-space"] = "nowrap"
    if "color" in given:
        said["color"] = given["color"]
    if "bgcolor" in given:
        said["background-color"] = given["bgcolor"]
    return said


def _keyword(name: str, said: Declarations) -> str:
    value = said.get(name, "")
    value = _SAME.get(name, {}).get(value, value)
    return value if value in _KEYWORDS[name] else ""


def _lines(said: Declarations) -> list[str]:
    value = f"{said.get('text-decoration', '')} {said.get('text-decoration-line', '')}".split()
    return [mark for line, mark in _LINES.items() if line in value]


def _weight(said: Declarations) -> list[str]:
    value = said.get("font-weight", "")
    bold = value in ("bold", "bolder") or (value.isdecimal() and int(value[:4]) >= 600)
    return ["bold"] if bold else ["not-bold"] * (value in ("normal", "lighter", "300", "400", "500"))


def _tones(said: Declarations) -> list[str]:
    ink = legacy(said.get("color", ""))
    on = legacy(said.get("background-color", "")) or colour(said.get("background", ""))
    return [f"ink-{ink}"] * bool(ink) + [f"on-{on}"] * bool(on)


def _drawn(name: str, given: Mapping[str, str], said: Declarations) -> list[str]:
    family = f"{said.get('font-family', '')} {given.get('face', '').lower()}"
    bordered = name == "table" and given.get("border", "0").strip() not in ("", "0")
    ruled = name in _CELLS and any(_BORDER.search(said.get(one, "")) for one in ("border", "border-bottom"))
    centred = name in _PLACED and given.get("align", "").lower() == "center"
    marks = {"mono": "mono" in family or "courier" in family, "ruled": bordered or ruled, "centred": centred}
    return [mark for mark, there in marks.items() if there]
