"""Keys and ciphers: the site's secrets from `gateway.keys`, and everything that is derived from them."""

import base64
import binascii
import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.domain.vocabulary import Purpose
from gateway.errors import ConfigError, WrongKey

NONCE = 12
TAG = 16
_MAC_CHARS = 26  # 128 bits in base32

# ------------------------------------------------------------------------------------------------------ the key file


def new_key_file() -> str:
    """The text of a fresh `gateway.keys`."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    return (
        "# The secrets of this gateway: whoever has this file can read all held mail, and without it nobody can.\n"
        "# Keep a copy apart from the database's backups. Older keys stay listed for as long as they sealed anything.\n"
        f'current = "a"\n\n[keys]\na = "{secret}"\n'
    )


def load_keys(path: Path) -> "SiteKeys":
    """Read a key file. Raises ConfigError, saying what to do."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        secrets_by_id = {name: base64.b64decode(text, validate=True) for name, text in data["keys"].items()}
        return SiteKeys(secrets_by_id, data["current"])
    except OSError as error:
        raise ConfigError(f"keys.file: cannot read {path} ({error.strerror}); `gateway init` writes one") from error
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError, binascii.Error, ValueError) as error:
        raise ConfigError(f"keys.file: {path} is no key file ({error}); restore it from its copy") from error


# --------------------------------------------------------------------------------------------------------- the keys


def _base32(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=").lower()


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


class SiteKeys:
    """The port `Keys` over one or more 32-octet secrets, each named by one letter; a subkey for each use (RFC 5869)."""

    def __init__(self, secrets_by_id: Mapping[str, bytes], current: str) -> None:
        if current not in secrets_by_id:
            raise ValueError("`current` names no key")
        if any(not re.fullmatch("[a-z]", name) or len(secret) != 32 for name, secret in secrets_by_id.items()):
            raise ValueError("a key is one small letter and 32 octets in base64")  # links are read in any case
        self._secrets = dict(secrets_by_id)
        self._current = current
        self._subkeys: dict[tuple[str, str], bytes] = {}

    def token(self, purpose: Purpose, row: int, generation: int = 1) -> str:
        return self._token(self._current, purpose, row, generation)

    def row_of(self, token: str, purpose: Purpose) -> int | None:
        if token[:1] != purpose or token[1:2] not in self._secrets or len(token) <= 2 + _MAC_CHARS:
            return None
        try:
            octets = _unbase32(token[2:-_MAC_CHARS])
        except (binascii.Error, ValueError):
            return None
        row = int.from_bytes(octets, "big")
        return row if 0 < row < 2**63 else None  # what a database can count to

    def holds(self, token: str, purpose: Purpose, row: int, generation: int = 1) -> bool:
        key_id = token[1:2]
        if key_id not in self._secrets:
            return False
        right = self._token(key_id, purpose, row, generation)
        return hmac.compare_digest(right.encode(), token.encode("utf-8", "replace"))

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
        # Digests must stay comparable when keys are rotated, so they always use the oldest key.
        return hmac.digest(self._subkey(min(self._secrets), f"digest {purpose}"), octets, "sha256")

    def _token(self, key_id: str, purpose: Purpose, row: int, generation: int) -> str:
        mac = hmac.digest(self._subkey(key_id, "token"), f"{purpose}|{row}|{generation}".encode(), "sha256")[:16]
        row_octets = row.to_bytes(max(1, (row.bit_length() + 7) // 8), "big")
        return f"{purpose}{key_id}{_base32(row_octets)}{_base32(mac)}"

    def _subkey(self, key_id: str, use: str) -> bytes:
        if (key_id, use) not in self._subkeys:
            derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=use.encode())
            self._subkeys[key_id, use] = derive.derive(self._secrets[key_id])
        return self._subkeys[key_id, use]

    def _seal(self, use: str, octets: bytes, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        key = self._subkey(self._current, use)
        return self._current.encode() + nonce + AESGCM(key).encrypt(nonce, octets, bound_to.encode())

    def _open(self, use: str, sealed: bytes, bound_to: str) -> bytes:
        key_id = sealed[:1].decode("ascii", "replace")
        if key_id not in self._secrets:
            raise WrongKey(f"sealed with key {key_id!r}, which the key file does not list")
        return decrypt(self._subkey(key_id, use), sealed[1 : 1 + NONCE], sealed[1 + NONCE :], bound_to.encode())


def decrypt(key: bytes, nonce: bytes, octets: bytes, bound_to: bytes) -> bytes:
    """Open octets that AES-GCM sealed. Raises WrongKey."""
    try:
        return AESGCM(key).decrypt(nonce, octets, bound_to)
    except (InvalidTag, ValueError) as error:
        raise WrongKey("sealed octets do not belong to this key, or were altered") from error
