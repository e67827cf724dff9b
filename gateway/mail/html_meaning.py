"""What a mail's own styles mean, in a word each: what is struck out, raised, or must keep its columns.

A mail's styles cannot be kept: they would reach the page around it. What they change in the meaning of what is read is
kept as words in one attribute, for which our own style sheet has the looks.
"""

import colorsys
import re
from collections.abc import Mapping

MEANT = "data-meant"
"""The attribute."""
_STYLE = re.compile(r"(?i)(?:^|;)\s{0,20}([a-z-]{3,30})\s{0,20}:\s{0,20}([^;]{1,200})")
_LONGEST = 4000
_WORDS: dict[str, dict[str, str]] = {
    "text-decoration": {"line-through": "through", "underline": "underline"},
    "text-decoration-line": {"line-through": "through", "underline": "underline"},
    "font-weight": {"bold": "bold", "bolder": "bold", "600": "bold", "700": "bold", "800": "bold", "900": "bold"},
    "font-style": {"italic": "italic", "oblique": "italic"},
    "white-space": {"pre": "pre", "pre-wrap": "pre", "break-spaces": "pre", "pre-line": "lines", "nowrap": "nowrap"},
    "text-align": {one: one for one in ("left", "right", "center", "justify", "start", "end")},
    "vertical-align": {"super": "super", "sub": "sub"},
    "direction": {"rtl": "rtl", "ltr": "ltr"},
    "display": {"none": "hidden"},
    "visibility": {"hidden": "hidden"},
}
_ATTRIBUTES = {"align": "text-align", "color": "color"}
_NAMED = {
    "red": "red",
    "darkred": "red",
    "crimson": "red",
    "firebrick": "red",
    "maroon": "red",
    "tomato": "red",
    "orange": "orange",
    "darkorange": "orange",
    "green": "green",
    "darkgreen": "green",
    "lime": "green",
    "blue": "blue",
    "navy": "blue",
    "darkblue": "blue",
    "royalblue": "blue",
    "teal": "green",
    "purple": "purple",
    "gray": "grey",
    "grey": "grey",
    "dimgray": "grey",
    "magenta": "purple",
    "fuchsia": "purple",
}
_HUES = ((20, "red"), (70, "orange"), (170, "green"), (260, "blue"), (340, "purple"), (361, "red"))
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\b")
_RGB = re.compile(r"rgba?\(\s{0,9}(\d{1,3})[\s,]{1,9}(\d{1,3})[\s,]{1,9}(\d{1,3})")


def meant(attributes: Mapping[str, str]) -> str:
    """The words for what an element's style and attributes mean; "" where they mean nothing."""
    given = [(_ATTRIBUTES[name], value) for name, value in attributes.items() if name in _ATTRIBUTES]
    style = attributes.get("style", "")[:_LONGEST]
    given += [(one[1].lower(), one[2]) for one in _STYLE.finditer(style)]
    found = [word for name, value in given for word in _of(name, value.lower())]
    return " ".join(dict.fromkeys(found))


def _of(name: str, value: str) -> list[str]:
    if name == "color":
        return [colour] if (colour := _colour(value.strip())) else []
    known = _WORDS.get(name, {})
    return [known[word] for word in re.split(r"[\s!]+", value) if word in known]


def _colour(value: str) -> str:
    """Which of our few colours comes nearest; "" for black, white and what is hardly coloured."""
    if value in _NAMED:
        return _NAMED[value]
    if found := _HEX.match(value):
        digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
        parts = [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    elif found := _RGB.match(value):
        parts = [min(int(part), 255) for part in found.groups()]
    else:
        return ""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in parts))
    if not 0.1 < lightness < 0.85:
        return ""
    if saturation < 0.25:
        return "grey" if lightness > 0.3 else ""
    return next(name for most, name in _HUES if hue * 360 < most)
