"""What the log says in the place of a mail address: its domain, or a digest, as the site wants it; never the address.

Lines that speak of a person ask for it here. Whatever else may bring an address along, such as an answer of another
mail server, loses it on its way out.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from gateway.flow.pseudonyms import pseudonym
from gateway.ports import Keys

_ADDRESS = re.compile(r"[^\s<>\"'(),:;=\[\]]{1,64}@((?:[\w-]{1,63}\.){0,8}[\w-]{1,63})")
_keys: list[Keys] = []
"""The site's keys, if digests are wanted; one process logs for one site."""


def hash_addresses(keys: Keys | None) -> None:
    """From now on name people by digests, or with None by their domains."""
    _keys[:] = [keys] if keys else []


def name_of(typed: str) -> str:
    """What stands for this address in a line."""
    if _keys:
        return pseudonym(_keys[0], typed)
    return typed.rpartition("@")[2]


def named_reader(typed: str) -> Mapping[str, str]:
    """A field that says to whom, where people have digests; nothing otherwise."""
    return {"to": name_of(typed)} if _keys else {}


def without_addresses(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A step of structlog's: no value keeps an address."""
    for name, value in event.items():
        event[name] = _without(value)
    return event


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub(lambda found: name_of(found[0]), value) if "@" in value else value
    if isinstance(value, list | tuple):
        return [_without(one) for one in value]
    return value
