"""DKIM signatures of the mail that we write (RFC 6376, RFC 8463): relaxed/relaxed, over the whole body.

dkimpy brings the canonical forms and the hash of the header; it takes a whole message as one string, so that the hash
of the body is put together here, chunk by chunk. The keys are cryptography's: dkimpy's own RSA is plain arithmetic,
whose time tells of the key, and its Ed25519 asks for one more library.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from dkim.canonicalization import CanonicalizationPolicy, compress_whitespace, strip_trailing_whitespace

from gateway.errors import ConfigError

SHORTEST_RSA = 2048  # RFC 8301 §3.2 advises it, and receivers refuse half of it
LONGEST_RSA = 4096  # whose record still fits into an answer that travels by UDP
SEALED_TWICE = (
    *(b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding", b"auto-submitted"),
)
"""Fields that nobody may add on the way: they are signed once more often than they stand there (RFC 6376 §8.15)."""
_RELAXED = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key and the selector that its public half is published under."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def record(self) -> str:
        """The TXT record that publishes the key (RFC 6376 §3.6.1, RFC 8463 §4)."""
        return f"v=DKIM1; k={self.kind}; p={self.public}"

    @property
    def kind(self) -> str:
        """What it is made for, as records call it."""
        return "rsa" if self._is_rsa else "ed25519"

    @property
    def public(self) -> str:
        """The public key as its record has it: base64."""
        public = self.private.public_key()
        if self._is_rsa:
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(octets).decode()

    @property
    def algorithm(self) -> bytes:
        return f"{self.kind}-sha256".encode()

    @property
    def _is_rsa(self) -> bool:
        return isinstance(self.private, RSAPrivateKey)

    def sign(self, digest: bytes) -> bytes:
        """A signature over a SHA-256 digest."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        return self.private.sign(digest)  # RFC 8463 §3: the digest itself is what is signed


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """The Signer of the writer: a signature by each key of a domain."""

    domain: str
    keys: Sequence[DkimKey]

    def __call__(self, chunks: Iterable[bytes], at: datetime) -> bytes:
        first, rest = _split(chunks)
        headers, _ = dkim.rfc822_parse(first)
        names = [name.lower() for name, _ in headers]
        signed = [*names, *SEALED_TWICE]
        headers = _RELAXED.canonicalize_headers(headers)
        body_hash = base64.b64encode(body_digest(rest))
        return b"".join(self._field(key, headers, signed, body_hash, at) for key in self.keys)

    def _field(
        self, key: DkimKey, headers: list[tuple[bytes, bytes]], signed: list[bytes], body_hash: bytes, at: datetime
    ) -> bytes:
        tags = (
            (b"v", b"1"),
            (b"a", key.algorithm),
            (b"c", _RELAXED.to_c_value()),
            (b"d", self.domain.encode()),
            (b"s", key.selector.encode()),
            (b"t", b"%d" % at.timestamp()),
            (b"h", b" : ".join(signed)),
            (b"bh", body_hash),
            (b"b", b""),
        )
        name = b"DKIM-Signature"
        value = dkim.fold(b" " + b"; ".join(b"=".join(tag) for tag in tags), len(name) + 1)
        hasher = hashlib.sha256()
        dkim.hash_headers(hasher, _RELAXED, headers, signed, (name, value), {})
        written = base64.b64encode(key.sign(hasher.digest()))
        return b"%b:%b\r\n" % (name, dkim.fold(value + written, len(name) + 1))


def body_digest(chunks: Iterable[bytes]) -> bytes:
    """SHA-256 of a body in its relaxed form, in which empty lines at its end do not count (RFC 6376 §3.4.4)."""
    hasher = hashlib.sha256()
    empty = 0
    for lines in _whole_lines(chunks):
        text = compress_whitespace(strip_trailing_whitespace(lines))
        kept = len(text)
        while text.endswith(b"\r\n", 0, kept) and (kept == 2 or text.endswith(b"\r\n\r\n", 0, kept)):
            kept -= 2
        if kept:
            hasher.update(b"\r\n" * empty + text[:kept])
            empty = 0
        empty += (len(text) - kept) // 2
    return hasher.digest()


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets, divided where lines end; a last line without an end is given one."""
    begun: list[bytes] = []
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1  # whatever ends a line here ends with LF; CR LF is never divided
        if end:
            yield b"".join([*begun, chunk[:end]])
            begun = []
        begun.append(chunk[end:])
    if last := b"".join(begun):
        yield last + b"\r\n"


def _split(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The header with its empty line, and the body."""
    parts = iter(chunks)
    head, end, body = next(parts).partition(b"\r\n\r\n")

    def rest() -> Iterator[bytes]:
        yield body
        yield from parts

    return head + end, rest()


def new_key(kind: str) -> bytes:
    """A fresh private key, "rsa" or "ed25519", as PEM."""
    private = generate_private_key(65537, SHORTEST_RSA) if kind == "rsa" else Ed25519PrivateKey.generate()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(selector: str, file: Path) -> DkimKey:
    """Raises ConfigError."""
    try:
        private = load_pem_private_key(file.read_bytes(), None)
    except OSError as error:
        raise ConfigError(
            f"dkim.key_file: {file} cannot be read ({error.strerror}); `gateway dkim new {selector}` makes one"
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            f"dkim.key_file: {file} is no private key (PEM) without a password; `gateway dkim new {selector}` makes one"
        ) from error
    if isinstance(private, Ed25519PrivateKey):
        return DkimKey(selector, private)
    if not isinstance(private, RSAPrivateKey):
        raise ConfigError(f"dkim.key_file: {file} is neither RSA nor Ed25519; `gateway dkim new {selector}` makes one")
    if not SHORTEST_RSA <= private.key_size <= LONGEST_RSA:
        raise ConfigError(
            f"dkim.key_file: {file} has {private.key_size} bits; receivers want {SHORTEST_RSA} to {LONGEST_RSA}: "
            f"`gateway dkim new {selector}` makes one"
        )
    return DkimKey(selector, private)
