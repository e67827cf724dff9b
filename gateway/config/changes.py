"""What differs between two settings, key by key, and which of it waits for a restart."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gateway.config.secret import is_secret, veiled
from gateway.config.section_objects import ObjectsSection
from gateway.config.settings import Settings

NEEDS_RESTART = (
    "smtp.listen",
    "portal.listen",
    "metrics.listen",
    "admin.listen",
    "database.url",
    "database.password_file",
    "database.node",
    "database.connections",
    *(f"objects.{key}" for key in ObjectsSection.model_fields),
    "keys.file",
    "keys.environment",
    "keys.credential",
    "keys.command",
    "ledger.file",
    "ledger.copies",
    "telemetry.endpoint",
)
"""What a process that serves has opened once: sockets, database, spool and object store, keys, ledger, traces."""
FILES = re.compile(r"(?:_file|\.tls_cert|\.tls_key|\.logo)$")
"""Keys that name a file whose content counts as part of the settings."""
_NAMES = ("id", "domain", "practice", "selector")
"""Which field of a table in a list tells it from the others."""
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
_PASSWORD_OF_QUERY = re.compile(r"(?<=[?&]password=)[^&\s]+")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One key whose value differs; "" stands for one that is not there."""

    key: str
    old: str
    new: str

    @property
    def needs_restart(self) -> bool:
        """Whether it is not followed by a process that serves."""
        return self.key in NEEDS_RESTART


Files = Mapping[str, str]
"""A digest of each file that settings name, by key."""


def named_files(settings: Settings) -> dict[str, Path]:
    """The files that these settings name and that count as part of them, by key."""
    named = {key: value for key, value in _flat(settings) if FILES.search(key) and isinstance(value, str) and value}
    return {key: settings.path(value) for key, value in named.items()}


def files_of(settings: Settings) -> Files:
    """What the files hold that these settings name, as digests; one that cannot be read has none."""
    return {key: _digest(file) for key, file in named_files(settings).items()}


def changes(before: Settings, after: Settings, files_before: Files, files_after: Files) -> list[Change]:
    """Every key that differs, in order; a file's new content as a change of its key."""
    old, new = dict(_flat(before)), dict(_flat(after))
    found = [
        _change(key, old.get(key, ""), new.get(key, ""))
        for key in dict.fromkeys([*old, *new])
        if (old.get(key) or "") != (new.get(key) or "")
    ]
    renewed = [key for key in files_after if old.get(key) == new[key] and files_before.get(key) != files_after[key]]
    return [*found, *(Change(key, str(old[key]), f"{new[key]} (its content is new)") for key in renewed)]


def without_restart(before: Settings, after: Settings) -> Settings:
    """`after`, but for what only a restart changes: that stays as it was."""
    kept: dict[str, BaseModel] = {}
    for section, _, key in (name.partition(".") for name in NEEDS_RESTART):
        table = kept.get(section, getattr(after, section))
        kept[section] = table.model_copy(update={key: getattr(getattr(before, section), key)})
    return after.model_copy(update=kept)


def _flat(settings: Settings) -> Iterator[tuple[str, Any]]:
    for section, value in settings.model_dump(mode="json").items():
        tables = _by_name(value) if isinstance(value, list) else {"": value}
        for name, table in tables.items():
            place = f"{section}.{name}" if name else section
            yield from ((f"{place}.{key}", one) for key, one in table.items())


def shown_values(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each key and its value as a person may see it."""
    return ((key, veiled(key, _text("" if value is None else value))) for key, value in _flat(settings))


def _by_name(tables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The tables of a list, each by what it is called; two of one name by their numbers."""
    names = [next((str(one[key]) for key in _NAMES if one.get(key)), str(one.get("name", ""))) for one in tables]
    return {
        name if names.count(name) == 1 else f"{name}({number})": one
        for number, (name, one) in enumerate(zip(names, tables, strict=True), 1)
    }


def _change(key: str, old: Any, new: Any) -> Change:
    """A change as a person may see it, also of a secret that is now another one."""
    before, after = (veiled(key, text) for text in _shown(old, new))
    return Change(key, before, f"{after} (another one)" if before == after and is_secret(key) else after)


def _shown(old: Any, new: Any) -> tuple[str, str]:
    """Both as a line of the log may have them; of long lists what was taken out and what was put in."""
    if isinstance(old, list) and isinstance(new, list) and max(len(old), len(new)) > 5:
        old, new = [one for one in old if one not in new], [one for one in new if one not in old]
    return _text(old), _text(new)


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(map(_text, value))
    text = _PASSWORD_OF_QUERY.sub("***", _PASSWORD.sub("***@", str(value)))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
