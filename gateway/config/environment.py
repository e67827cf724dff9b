"""Variables of the environment: those that look like settings of ours and are none, and those that cannot be read."""

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from typing import get_origin

from gateway.config.sections import SECTIONS, TABLES

PREFIX = "GATEWAY_"
OTHERS = ("GATEWAY_CONFIG", "GATEWAY_CLOCK_FILE")
"""What is read of the environment beside the settings."""


def strangers() -> list[str]:
    """A line for each variable that is meant for us and cannot be followed, with what to write."""
    unknown = [f"{name}: no such key; {hint}" for name, hint in _unknown() if "__" in name]
    return [
        *unknown,
        *(f"{name}: {fault}" for name, value in sorted(os.environ.items()) if (fault := _unreadable(name, value))),
    ]


def leave_out(variables: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Those that can be read: of the others `strangers` has spoken."""
    return {name: value for name, value in variables.items() if not _unreadable(name, value or "")}


def unlike() -> Iterator[tuple[str, str]]:
    """Variables that are almost one of ours: GATEWAY_ is not ours alone, so that most others are somebody else's."""
    for name, hint in _unknown():
        if "__" not in name and hint.startswith("did you mean"):
            yield name, hint


def _unreadable(name: str, value: str) -> str:
    """What is wrong with the form of a variable that names a section of ours; "" for nothing."""
    section, separator, key = name.upper().removeprefix(PREFIX).lower().partition("__")
    if not name.upper().startswith(PREFIX) or section not in SECTIONS:
        return ""
    if section in TABLES and separator:
        return (
            f"there may be several {section}, of which a variable cannot set one; write [[{section}]] in the settings "
            f"file, or all of them as JSON in {PREFIX}{section.upper()}"
        )
    if not separator:
        example = '[{"key": "value"}]' if section in TABLES else '{"key": "value"}'
        return _not_json(value, "its tables" if section in TABLES else "its keys", example)
    field = SECTIONS[section].model_fields.get(key)
    if field is None or get_origin(field.annotation) is not list:
        return ""
    return _not_json(value, "a list", json.dumps((field.examples or [field.default or ["one", "two"]])[0], default=str))


def _not_json(value: str, what: str, example: str) -> str:
    try:
        json.loads(value)
    except ValueError:
        return f"is no JSON; write {what} as JSON, for example {example}"
    return ""


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
