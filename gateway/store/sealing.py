"""Keys and ciphers: the site's secrets from `gateway.keys`, and everything that is derived from them."""

import base64
import binascii
import contextlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.domain.vocabulary import Purpose
from gateway.errors import ConfigError, WrongKey
from gateway.store.key_file import OCTETS, KeyRing, new_ring, text_of
from gateway.store.key_sources import FileSource, KeySource

NONCE = 12
TAG = 16
_MAC_CHARS = 26  # 128 bits in base32

# ------------------------------------------------------------------------------------------------------ the key file


def new_key_file() -> str:
    """The text of a fresh `gateway.keys`."""
    return text_of(new_ring())


def load_keys(path: Path) -> "SiteKeys":
    """The keys of a key file. Raises ConfigError, saying what to do."""
    return SiteKeys.of(FileSource(path))


# --------------------------------------------------------------------------------------------------------- the keys


def _base32(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=").lower()


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


class _Derived:
    """A ring of keys with the subkeys that were made from it so far: one for each use (RFC 5869)."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.letters = ring.letters  # asked for at each seal that is opened
        self._subkeys: dict[tuple[str, str], bytes] = {}

    def subkey(self, letter: str, use: str) -> bytes:
        if (letter, use) not in self._subkeys:
            derive = HKDF(algorithm=hashes.SHA256(), length=OCTETS, salt=None, info=use.encode())
            self._subkeys[letter, use] = derive.derive(self.ring.secrets[letter])
        return self._subkeys[letter, use]


class SiteKeys:
    """The port `Keys` over a ring of secrets. All who use it share it, so that new keys reach them all at once.

    `read_again` is asked, once for each, about letters that the ring does not know: somebody else may have rotated.
    With `by_hand` it is asked only when somebody calls `look_again`.
    """

    def __init__(
        self, ring: KeyRing, read_again: Callable[[], KeyRing] | None = None, *, by_hand: bool = False
    ) -> None:
        self._derived = _Derived(ring)
        self._read_again = read_again
        self._by_hand = by_hand
        self._missed: set[str] = set()

    @classmethod
    def of(cls, source: KeySource, *, by_hand: bool = False) -> "SiteKeys":
        """The keys of a source. Raises ConfigError."""
        return cls(source.ring(), source.ring, by_hand=by_hand)

    @property
    def ring(self) -> KeyRing:
        return self._derived.ring

    @property
    def current(self) -> str:
        return self.ring.current

    @property
    def letters(self) -> frozenset[str]:
        return self._derived.letters

    def mark(self, letter: str) -> str:
        return hmac.digest(self._derived.subkey(letter, "mark"), b"", "sha256").hex()[:32]

    def look_again(self) -> None:
        if self._read_again is None:
            return
        self._missed.clear()
        ring = self._read_again()
        both = ring.secrets.keys() & self.ring.secrets.keys()
        if ring.digests != self.ring.digests or any(ring.secrets[one] != self.ring.secrets[one] for one in both):
            raise ConfigError("keys: what is there now are other keys than those that are in use; nothing was changed")
        if ring != self.ring:
            self._derived = _Derived(ring)

    def token(self, purpose: Purpose, row: int, generation: int = 1) -> str:
        return self._token(self.current, purpose, row, generation)

    def row_of(self, token: str, purpose: Purpose) -> int | None:
        if token[:1] != purpose or token[1:2] not in self.letters or len(token) <= 2 + _MAC_CHARS:
            return None
        try:
            octets = _unbase32(token[2:-_MAC_CHARS])
        except (binascii.Error, ValueError):
            return None
        row = int.from_bytes(octets, "big")
        return row if 0 < row < 2**63 else None  # what a database can count to

    def holds(self, token: str, purpose: Purpose, row: int, generation: int = 1) -> bool:
        key_id = token[1:2]
        if key_id not in self.letters:
            return False
        right = self._token(key_id, purpose, row, generation)
        return hmac.compare_digest(right.encode(), token.encode("utf-8", "replace"))

    def is_outlived(self, token: str, purpose: Purpose) -> bool:
        letter = token[1:2]
        looks_so = token[:1] == purpose and len(token) > 2 + _MAC_CHARS and letter.isalpha() and letter.isascii()
        return looks_so and letter not in self.letters

    def wrap(self, data_key: bytes, bound_to: str) -> bytes:
        return self._seal("wrap", data_key, bound_to)

    def unwrap(self, wrapped: bytes, bound_to: str) -> bytes:
        return self._open("wrap", wrapped, bound_to)

    def seal(self, octets: bytes, bound_to: str) -> bytes:
        return self._seal("small", octets, bound_to)

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        return self._open("small", sealed, bound_to)

    def seal_under(self, data_key: bytes, octets: bytes) -> bytes:
        # Chunks count their nonces up from zero; a set first bit keeps these apart from them.
        nonce = bytes([0x80 | secrets.randbits(7)]) + secrets.token_bytes(NONCE - 1)
        return nonce + AESGCM(data_key).encrypt(nonce, octets, b"beside")

    def open_under(self, data_key: bytes, sealed: bytes) -> bytes:
        return decrypt(data_key, sealed[:NONCE], sealed[NONCE:], b"beside")

    def digest(self, purpose: str, octets: bytes) -> bytes:
        # Digests must stay comparable when keys are rotated, so they have a key of their own, which stays.
        derived = self._derived
        return hmac.digest(derived.subkey(derived.ring.digests, f"digest {purpose}"), octets, "sha256")

    def _token(self, letter: str, purpose: Purpose, row: int, generation: int) -> str:
        said = f"{purpose}|{row}|{generation}".encode()
        mac = hmac.digest(self._derived.subkey(letter, "token"), said, "sha256")[:16]
        row_octets = row.to_bytes(max(1, (row.bit_length() + 7) // 8), "big")
        return f"{purpose}{letter}{_base32(row_octets)}{_base32(mac)}"

    def _seal(self, use: str, octets: bytes, bound_to: str) -> bytes:
        derived = self._derived  # another thread may put a newer ring in its place meanwhile
        letter, nonce = derived.ring.current, secrets.token_bytes(NONCE)
        return letter.encode() + nonce + AESGCM(derived.subkey(letter, use)).encrypt(nonce, octets, bound_to.encode())

    def _open(self, use: str, sealed: bytes, bound_to: str) -> bytes:
        letter = sealed[:1].decode("ascii", "replace")
        if letter not in self.letters:
            self._look_for(letter)
        derived = self._derived
        if letter not in derived.letters:
            raise WrongKey(f"sealed with key {letter!r}, which the keys at hand do not have")
        return decrypt(derived.subkey(letter, use), sealed[1 : 1 + NONCE], sealed[1 + NONCE :], bound_to.encode())

    def _look_for(self, letter: str) -> None:
        """Read the keys again for a letter that is not known: once, since anybody may write one into a cookie."""
        if self._by_hand or not letter or letter in self._missed or letter not in ascii_lowercase:
            return
        missed = self._missed | {letter}
        with contextlib.suppress(ConfigError):
            self.look_again()
        self._missed = missed - self.letters


def decrypt(key: bytes, nonce: bytes, octets: bytes, bound_to: bytes) -> bytes:
    """Open octets that AES-GCM sealed. Raises WrongKey."""
    try:
        return AESGCM(key).decrypt(nonce, octets, bound_to)
    except (InvalidTag, ValueError) as error:
        raise WrongKey("sealed octets do not belong to this key, or were altered") from error
