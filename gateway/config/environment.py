"""Variables of the environment that look like settings of ours, and are none."""

import difflib
import os
from collections.abc import Iterator

from gateway.config.sections import SECTIONS

PREFIX = "GATEWAY_"
OTHERS = ("GATEWAY_CONFIG", "GATEWAY_CLOCK_FILE")
"""What is read of the environment beside the settings."""


def strangers() -> list[str]:
    """A line for each variable that names a key in a section which there is not: it would silently do nothing."""
    return [f"{name}: no such key; {hint}" for name, hint in _unknown() if "__" in name]


def unlike() -> Iterator[tuple[str, str]]:
    """Variables that are almost one of ours: GATEWAY_ is not ours alone, so that most others are somebody else's."""
    for name, hint in _unknown():
        if "__" not in name and hint.startswith("did you mean"):
            yield name, hint


def _unknown() -> Iterator[tuple[str, str]]:
    for name in sorted(os.environ):
        section = name.upper().removeprefix(PREFIX).partition("__")[0].lower()
        if name.upper().startswith(PREFIX) and section not in SECTIONS and name.upper() not in OTHERS:
            yield name, _hint(name.upper())


def _hint(name: str) -> str:
    section, separator, key = name.removeprefix(PREFIX).partition("__")
    if not separator and (near := difflib.get_close_matches(name, OTHERS, 1, 0.8)):
        return f"did you mean {near[0]}?"
    if near := difflib.get_close_matches(section.lower(), SECTIONS, 1, 0.6 if separator else 0.8):
        return f"did you mean {PREFIX}{near[0].upper()}{separator}{key}?"
    return f"take it out of the environment; the sections are {', '.join(SECTIONS)}"
