"""The settings file: read with a clear line for each fault, and its example written from the settings themselves."""

import contextlib
import copy
import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from gateway.config.environment import strangers
from gateway.config.secret import is_secret, veiled
from gateway.config.section import Section, is_control
from gateway.config.sections import OPTIONAL_TABLES, SECTIONS, TABLES
from gateway.config.settings import Settings
from gateway.errors import ConfigError

LONGEST = 60
"""Characters of a value that cannot be used, as they are said."""


def load(file: Path) -> Settings:
    """Read a settings file under the environment. Raises ConfigError: a line for each fault, with what to write."""
    return build(_read(file), file.resolve().parent)


def load_in_part(file: Path) -> tuple[Settings | None, list[str]]:
    """As `load`, but for a look at the rest: every fault, and the settings without the keys that are at fault.

    There are none where a key is at fault that has no default. Raises ConfigError where the file cannot be read.
    """
    data, folder = _read(file), file.resolve().parent
    try:
        return build(data, folder), []
    except Faulty as error:
        rest = copy.deepcopy(data)
        for place in error.places:
            _take_out(rest, place)
        with contextlib.suppress(Faulty):
            return build(rest, folder, also_strange=True), error.lines
        return None, error.lines


class Faulty(ConfigError):
    """The lines of all faults, and the places in the file of those that lie in one key."""

    def __init__(self, lines: list[str], places: list[tuple[int | str, ...]]) -> None:
        super().__init__("\n".join(lines))
        self.lines, self.places = lines, places


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); `gateway init` writes one") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not TOML: {_about_toml(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not TOML: it is not UTF-8; save it as UTF-8") from error


def _about_toml(error: tomllib.TOMLDecodeError) -> str:
    """What is wrong, and what to write."""
    text = str(error)
    if found := re.match(r"Cannot declare \(([^)]*)\) twice (.*)", text):
        name = ".".join(re.findall(r"'([^']*)'", found[1]))
        return f"the table [{name}] is there twice {found[2]}; put its keys together under one, and remove the other"
    if text.startswith("Cannot overwrite a value"):
        return f"a key is there twice {text.partition('value ')[2]}; remove one of the two"
    return f"{text}; write texts in quotes, a key in each line"


def build(data: dict[str, Any], folder: Path, *, also_strange: bool = False) -> Settings:
    """Settings from a table and the environment; `also_strange` if it has variables that are none of ours.

    Raises Faulty, a ConfigError.
    """
    lines = [] if also_strange else strangers()
    try:
        settings = Settings(**data).in_folder(folder)
    except ValidationError as error:
        faults = error.errors()
        said = {tuple(_named(fault["loc"])): _explain(fault) for fault in reversed(faults)}
        raise Faulty([*lines, *reversed(said.values())], [*said]) from error
    except SettingsError as error:
        raise Faulty([*lines, f"environment: {error}; lists and tables are written as JSON"], []) from error
    if lines:
        raise Faulty(lines, [])
    return settings


def _take_out(data: dict[str, Any], place: tuple[int | str, ...]) -> None:
    """Take a key out of its table: `place` is a section, perhaps a number in its list, and the key."""
    section, *rest = place or ("",)
    table = data.get(str(section))
    if isinstance(table, list) and rest and isinstance(rest[0], int) and rest[0] < len(table):
        table, rest = table[rest[0]], rest[1:]
    if rest and isinstance(table, dict):
        table.pop(str(rest[0]), None)
    else:
        data.pop(str(section), None)


def _explain(fault: ErrorDetails) -> str:
    """One fault in one line: which key, what is wrong, what to write. What rules say between keys has lines already."""
    name = ".".join(map(str, _named(fault["loc"])))
    said = _said(fault, name)
    return "".join(json.dumps(one)[1:-1] if is_control(one) else one for one in f"{name}: {said}") if name else said


def _said(fault: ErrorDetails, name: str) -> str:
    section, key = _place(fault["loc"])
    field = section.model_fields.get(str(key))
    if fault["type"] == "extra_forbidden":
        known = list(section.model_fields)
        near = difflib.get_close_matches(str(key), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"no such key; {hint}"
    if fault["type"] == "missing":
        return f"is missing{_example(field, None)}"
    message = fault["msg"].removeprefix("Value error, ").replace("Input ", "it ")
    if fault["type"].endswith("_type"):
        if section is Settings:
            head = f"[[{key}]]" if key in TABLES else f"[{key}]"
            return f"has another form; write {head} in a line of its own, and its keys below"
        message += _example(field, None if is_secret(name) else fault["input"])
    if message.startswith(("write", "it ")):
        message = f"{veiled(name, toml(fault['input'])[:LONGEST])} cannot be used; {message}"
    return message


def _example(field: FieldInfo | None, given: Any) -> str:
    """What to write for a key: what was given, where only the list around it is missing."""
    if field is None:
        return ""
    if get_origin(field.annotation) is list and isinstance(given, str):
        return f"; write {toml([given])}"
    example = field.examples[0] if field.examples else field.get_default() if not field.is_required() else None
    return f"; write for example {toml(example)}" if example else ""


def _named(loc: tuple[int | str, ...]) -> Iterator[int | str]:
    """A place in the file: section, key and numbers in lists, without the kinds that were tried for the value."""
    keys = 0
    for part in loc:
        keys += isinstance(part, str)
        if keys <= 2:
            yield part


def _place(loc: tuple[int | str, ...]) -> tuple[type[BaseModel], int | str]:
    """The section in which a fault lies, and its key there."""
    section: type[BaseModel] = Settings
    keys = [part for part in loc if isinstance(part, str)]
    if keys and keys[0] in SECTIONS and len(keys) > 1:
        return SECTIONS[keys[0]], keys[1]
    return section, keys[0] if keys else ""


# ------------------------------------------------------------------------------------------------------------- example


def example() -> str:
    """The example settings file: every key with its help, its default or an example."""
    parts = [
        "# Settings of the secure-mail gateway: every key, its meaning and default, from gateway/config/sections.py.\n"
        "# Paths are relative to this file. Sizes: 50MB is 50,000,000 octets. Every key may also be given in the\n"
        "# environment as GATEWAY_SECTION__KEY, lists and tables as JSON: GATEWAY_SMTP__LISTEN=127.0.0.1:2525.\n"
    ]
    for name, section in SECTIONS.items():
        head = f"[[{name}]]" if name in TABLES else f"[{name}]"
        off = "# " if name in OPTIONAL_TABLES else ""
        parts.append(
            f"# {section.__doc__}\n{off}{head}\n"
            + "".join(_example_line(section, key, off) for key in section.model_fields)
        )
    return "\n".join(parts)


def _example_line(section: type[Section], key: str, off: str) -> str:
    field = section.model_fields[key]
    value = field.examples[0] if field.examples else field.default
    return f"{off}{key} = {toml(value)}  # {field.description}\n"


def toml(value: Any) -> str:
    """A value as TOML writes it; for strings, numbers and lists that is what JSON writes."""
    return json.dumps(value, ensure_ascii=False, default=str)
