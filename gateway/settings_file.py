"""The settings file: read with a clear line for each fault, and its example written from the settings themselves."""

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from gateway.config import Settings
from gateway.config_sections import SECTIONS, Section
from gateway.errors import ConfigError


def load(file: Path) -> Settings:
    """Read a settings file under the environment. Raises ConfigError: a line for each fault, with what to write."""
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}); `gateway init` writes one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from error
    return build(data, file.resolve().parent)


def build(data: dict[str, Any], folder: Path) -> Settings:
    """Settings from a table and the environment. Raises ConfigError."""
    try:
        return Settings(**data | {"folder": folder})
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(fault) for fault in error.errors())) from error
    except SettingsError as error:
        raise ConfigError(f"environment: {error}; lists and tables are written as JSON") from error


def _explain(fault: ErrorDetails) -> str:
    """One fault in one line: which key, what is wrong, what to write."""
    section, key = _place(fault["loc"])
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = list(section.model_fields)
        near = difflib.get_close_matches(str(key), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(k for k in known if k != 'folder')}"
        return f"{name}: no such key; {hint}"
    field = section.model_fields.get(str(key))
    example = f"; write for example {_toml(field.examples[0])}" if field and field.examples else ""
    if fault["type"] == "missing":
        return f"{name}: is missing{example}"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {message}{'' if 'write' in message else example}" if name else message


def _place(loc: tuple[int | str, ...]) -> tuple[type[BaseModel], int | str]:
    """The section in which a fault lies, and its key there."""
    section: type[BaseModel] = Settings
    keys = [part for part in loc if isinstance(part, str)]
    if keys and keys[0] in SECTIONS and len(keys) > 1:
        return SECTIONS[keys[0]], keys[1]
    return section, keys[0] if keys else ""


# ------------------------------------------------------------------------------------------------------------- example

_TABLES = ("practices", "relays", "openid")
_OPTIONAL = ("relays", "openid")


def example() -> str:
    """The example settings file: every key with its help, its default or an example."""
    parts = [
        "# Settings of the secure-mail gateway: every key, its meaning and default, from gateway/config_sections.py.\n"
        "# Paths are relative to this file. Sizes: 50MB is 50,000,000 octets. Every key may also be given in the\n"
        "# environment as GATEWAY_SECTION__KEY, lists and tables as JSON: GATEWAY_SMTP__LISTEN=127.0.0.1:2525.\n"
    ]
    for name, section in SECTIONS.items():
        head = f"[[{name}]]" if name in _TABLES else f"[{name}]"
        off = "# " if name in _OPTIONAL else ""
        parts.append(
            f"# {section.__doc__}\n{off}{head}\n"
            + "".join(_example_line(section, key, off) for key in section.model_fields)
        )
    return "\n".join(parts)


def _example_line(section: type[Section], key: str, off: str) -> str:
    field = section.model_fields[key]
    value = field.examples[0] if field.examples else field.default
    return f"{off}{key} = {_toml(value)}  # {field.description}\n"


def _toml(value: Any) -> str:
    """A value as TOML writes it; for strings, numbers and lists that is what JSON writes."""
    return json.dumps(value, ensure_ascii=False, default=str)
