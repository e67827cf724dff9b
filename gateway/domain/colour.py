"""A practice's colour made fit to be read: the contrast of WCAG 2.2 (success criterion 1.4.3), whatever was chosen."""

import colorsys

ENOUGH = 4.5
"""The contrast that text needs."""
LIGHT, DARK = "#f6f8f8", "#1d3238"
"""The grounds of the style sheet's two schemes that are hardest to be read on; base.css names them too."""

_STEPS = 100


def on_light(colour: str) -> str:
    """The colour, as much darker as it must be on a light ground, and under white text."""
    return _until_read(colour, LIGHT, darker=True)


def on_dark(colour: str) -> str:
    """The colour, as much lighter as it must be on a dark ground."""
    return _until_read(colour, DARK, darker=False)


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white (WCAG 2.2, definition of contrast ratio). Colours are `#rrggbb`."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _until_read(colour: str, ground: str, *, darker: bool) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    towards = 0.0 if darker else 1.0
    for step in range(_STEPS + 1):
        mixed = lightness + (towards - lightness) * step / _STEPS
        tried = _hex(colorsys.hls_to_rgb(hue, mixed, saturation))
        if contrast(tried, ground) >= ENOUGH:
            return tried
    return "#000000" if darker else "#ffffff"


def _luminance(colour: str) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
