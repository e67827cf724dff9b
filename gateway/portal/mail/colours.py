"""Colours as what they mean: a red figure is red in the light and in the dark, and can be read in both.

A colour becomes the nearest of eight and grey, of which the frame's style sheet has a tone for each scheme. Black and
white are those of the page, so that nothing is written in white on white.
"""

import colorsys
import re
from dataclasses import dataclass

_NAMES = {
    **dict.fromkeys(("red", "darkred", "crimson", "firebrick", "maroon", "tomato", "indianred", "lightcoral"), "red"),
    **dict.fromkeys(("orange", "darkorange", "coral", "orangered", "chocolate", "brown", "sienna", "peru"), "orange"),
    **dict.fromkeys(("yellow", "gold", "goldenrod", "lightyellow", "khaki", "darkgoldenrod", "lemonchiffon"), "yellow"),
    **dict.fromkeys(
        ("green", "lime", "darkgreen", "limegreen", "forestgreen", "olive", "seagreen", "lightgreen"), "green"
    ),
    **dict.fromkeys(("palegreen", "olivedrab", "springgreen", "mediumseagreen", "yellowgreen", "lawngreen"), "green"),
    **dict.fromkeys(("teal", "cyan", "aqua", "turquoise", "darkcyan", "lightcyan", "aquamarine", "cadetblue"), "teal"),
    **dict.fromkeys(("blue", "navy", "darkblue", "mediumblue", "royalblue", "steelblue", "dodgerblue"), "blue"),
    **dict.fromkeys(("lightblue", "skyblue", "deepskyblue", "cornflowerblue", "midnightblue", "slateblue"), "blue"),
    **dict.fromkeys(("purple", "indigo", "violet", "blueviolet", "darkviolet", "rebeccapurple", "lavender"), "purple"),
    **dict.fromkeys(("pink", "hotpink", "deeppink", "magenta", "fuchsia", "lightpink", "mediumvioletred"), "pink"),
    **dict.fromkeys(("gray", "grey", "darkgray", "darkgrey", "dimgray", "dimgrey", "silver", "lightgray"), "gray"),
    **dict.fromkeys(("lightgrey", "slategray", "slategrey", "gainsboro"), "gray"),
}


@dataclass(frozen=True, slots=True)
class Tone:
    """A colour as it is shown, on a light page and on a dark one: that of words, and that behind words."""

    ink: tuple[str, str]
    on: tuple[str, str]


TONES = {
    "red": Tone(("#a1121c", "#ffaba6"), ("#fde4e4", "#4a2024")),
    "orange": Tone(("#8a4200", "#ffbe82"), ("#feecd8", "#45301c")),
    "yellow": Tone(("#6b5600", "#ecd45e"), ("#fff6c2", "#403a14")),
    "green": Tone(("#1c661c", "#96dc91"), ("#e2f4df", "#1f3d22")),
    "teal": Tone(("#00605c", "#78d9d2"), ("#dcf3f1", "#153d3d")),
    "blue": Tone(("#0b4fb3", "#a5c9ff"), ("#e1edfd", "#1d3558")),
    "purple": Tone(("#6a2ca8", "#d4b8ff"), ("#efe6fb", "#392a52")),
    "pink": Tone(("#9c1660", "#ffabd2"), ("#fde4f0", "#4a2038")),
    "gray": Tone(("#505e65", "#b4c1c5"), ("#eceff0", "#2c383c")),
}
"""What is told apart. Words of each can be read on each."""
_HUES = ((15, "red"), (45, "orange"), (68, "yellow"), (165, "green"), (195, "teal"), (255, "blue"), (290, "purple"))
"""Up to which hue, in degrees, a colour is called so; beyond them it is pink, and from 345 on red again."""
_WRITTEN = re.compile(
    r"#(?P<hex>[0-9a-f]{3,8})\b|rgba?\(\s*(?P<rgb>[\d.]+%?[\s,]+[\d.]+%?[\s,]+[\d.]+%?)"
    r"|hsla?\(\s*(?P<hsl>[\d.]+)(?:deg)?[\s,]+(?P<saturation>[\d.]+)%[\s,]+(?P<lightness>[\d.]+)%|(?P<name>[a-z]{3,20})"
)


def colour(value: str) -> str:
    """The colour that a value names, also within others; "" for black, white, and what is none."""
    for found in _WRITTEN.finditer(value[:200]):
        if found["name"]:
            if found["name"] in _NAMES:
                return _NAMES[found["name"]]
        elif (parts := _parts(found)) is not None:
            return _nearest(*parts)
    return ""


def legacy(value: str) -> str:
    """The same for an attribute, where a colour may stand without its sign."""
    value = value.strip().lower()
    return colour(f"#{value}" if re.fullmatch(r"[0-9a-f]{6}", value) else value)


def _parts(found: re.Match[str]) -> tuple[float, float, float] | None:
    """Red, green and blue, from 0 to 1."""
    if digits := found["hex"]:
        digits = "".join(digit * 2 for digit in digits[:3]) if len(digits) < 6 else digits[:6]
        return int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:], 16) / 255
    try:
        if found["hsl"]:
            hue, lightness, saturation = (float(found[one]) for one in ("hsl", "lightness", "saturation"))
            return colorsys.hls_to_rgb(hue % 360 / 360, min(lightness, 100) / 100, min(saturation, 100) / 100)
        written = [one for one in re.split(r"[\s,]+", found["rgb"]) if one]
        red, green, blue = (float(one.rstrip("%")) / (100 if one.endswith("%") else 255) for one in written)
    except ValueError:
        return None
    return min(red, 1), min(green, 1), min(blue, 1)


def _nearest(red: float, green: float, blue: float) -> str:
    strength = max(red, green, blue) - min(red, green, blue)
    if strength < 0.07:
        return "gray" if 0.3 < red < 0.96 else ""
    hue = colorsys.rgb_to_hls(red, green, blue)[0] * 360
    return "red" if hue >= 345 else next((name for most, name in _HUES if hue < most), "pink")
