"""The text of a key file: the site's secrets, each named by one letter, and what each of them is for."""

import base64
import binascii
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from string import ascii_lowercase
from typing import Any

OCTETS = 32
"""Of a secret: an AES-256 key's, and as many as the hash of HKDF has (RFC 5869)."""

_HEAD = """\
# The secrets of this gateway. Whoever has this file, and the database, can read all held mail; without it nobody can.
# LOSING THIS FILE IS LOSING THE MAIL. Keep a copy apart from the database and its backups: `gateway keys split` prints
# it as sheets of paper. `gateway keys rotate` and `gateway keys retire` write this file; docs/keys.md explains it.
"""
_CURRENT = "  # everything that is new is sealed under this key"
_DIGESTS = "  # birthdates and the audit are compared by this key, for as long as there are any"
_RETIRED = "  # nothing opens under these any more; they are kept for digests"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The secrets of a key file. `current` seals; `digests` makes what has to stay comparable when keys are rotated.

    A `retired` key opens nothing, and its tokens are dead: what is left of it are its digests.
    Raises ValueError for what cannot be a key file.
    """

    secrets: Mapping[str, bytes] = field(repr=False)
    current: str
    digests: str
    retired: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.secrets or any(not re.fullmatch("[a-z]", letter) for letter in self.secrets):
            raise ValueError("a key is named by one small letter")  # links are read in any case
        if any(len(secret) != OCTETS for secret in self.secrets.values()):
            raise ValueError(f"a key is {OCTETS} octets in base64")
        if self.current not in self.letters:
            raise ValueError("`current` names no key that opens anything")
        if self.digests not in self.secrets:
            raise ValueError("`digests` names no key")
        if not self.retired <= set(self.secrets):
            raise ValueError("`retired` names a key that is not there")

    @property
    def letters(self) -> frozenset[str]:
        """The keys that open what was sealed, and whose tokens are good."""
        return frozenset(self.secrets) - self.retired

    def rotated(self) -> "KeyRing":
        """With a new key as the current one. Raises ValueError where every letter is taken."""
        after = ascii_lowercase.index(self.current) + 1
        order = ascii_lowercase[after:] + ascii_lowercase[:after]
        free = next((letter for letter in order if letter not in self.secrets), None)
        if free is None:
            raise ValueError("every letter names a key; retire some")
        return replace(self, secrets={**self.secrets, free: secrets.token_bytes(OCTETS)}, current=free)

    def without(self, letter: str) -> "KeyRing":
        """With this key retired: gone, unless digests are made with it."""
        if letter == self.digests:
            return replace(self, retired=self.retired | {letter})
        left = {name: secret for name, secret in self.secrets.items() if name != letter}
        return replace(self, secrets=left, retired=self.retired - {letter})


def new_ring() -> KeyRing:
    return KeyRing({"a": secrets.token_bytes(OCTETS)}, current="a", digests="a")


def text_of(ring: KeyRing, *, bare: bool = False) -> str:
    """The text of the file; `bare` without what is said to people."""
    current, digests, retired = ("", "", "") if bare else (_CURRENT, _DIGESTS, _RETIRED)
    lines = [f'current = "{ring.current}"{current}', f'digests = "{ring.digests}"{digests}']
    if ring.retired:
        names = ", ".join(f'"{letter}"' for letter in sorted(ring.retired))
        lines.append(f"retired = [{names}]{retired}")
    keys = [f'{letter} = "{base64.b64encode(secret).decode()}"' for letter, secret in sorted(ring.secrets.items())]
    return "\n".join(["" if bare else _HEAD, *lines, "", "[keys]", *keys]).lstrip("\n") + "\n"


def parse(text: str) -> KeyRing:
    """Read the text of a key file. Raises ValueError, which says what is wrong and nothing of what stands there."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError("it is no TOML") from error
    try:
        found = {letter: base64.b64decode(secret, validate=True) for letter, secret in data["keys"].items()}
        current = data["current"]
        return KeyRing(found, current, data.get("digests", min(found, default="")), frozenset(data.get("retired", ())))
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from error
    except (AttributeError, TypeError, binascii.Error) as error:
        raise ValueError("a key is one letter and its secret in base64") from error
