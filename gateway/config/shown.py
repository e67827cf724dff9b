"""The settings as they stand, for a person: each key, its value without secrets, and where that comes from."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.config.changes import shown_values
from gateway.config.settings import Settings


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """`source` is "environment", "file" or "default"."""

    key: str
    value: str
    source: str


def shown_settings(settings: Settings) -> Iterator[ShownSetting]:
    """Every key, in the order of the example file."""
    for key, value in shown_values(settings):
        section, _, rest = key.partition(".")
        yield ShownSetting(key, value, _source(settings, section, rest))


def _source(settings: Settings, section: str, rest: str) -> str:
    name = rest.rpartition(".")[2]
    given = {one.upper() for one in os.environ}
    if {f"GATEWAY_{section}".upper(), f"GATEWAY_{section}__{name}".upper()} & given:
        return "environment"
    table = getattr(settings, section)
    if isinstance(table, list):
        return "file"
    return "file" if name in table.model_fields_set else "default"
