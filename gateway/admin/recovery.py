"""The recovery key: an age identity (https://age-encryption.org/v1) that opens backups, and is kept off the machine."""

import hashlib
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyrage

from gateway.errors import ConfigError, WrongKey

SUFFIX = ".age"
BLOCK = 1 << 20


class Writes(Protocol):
    """Something that octets can be written to."""

    def write(self, octets: bytes, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it lies in a backup: its digest (SHA-256) and how many octets it has."""

    sha256: str
    size: int


def new_recovery_key() -> tuple[str, str]:
    """A fresh recovery key as the text of its file, and its public half."""
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    text = (
        "# The recovery key of a secure-mail gateway: whoever has this file and a backup can read all held mail.\n"
        "# Move it off this machine, and print it: without it, nobody can restore an encrypted backup.\n"
        f"# public key: {public}\n{identity}\n"
    )
    return text, public


def about_recovery_key(file: Path | None) -> str:
    """What `init` says of it."""
    if file is None:
        return "no recovery key was made: backups will hold neither keys nor passwords; keep those by yourself"
    return (
        f"wrote {file}: move it off this machine, and print it; whoever has it and a backup can read all held mail, "
        "and without it encrypted backups are lost"
    )


def read_recovery_key(file: Path) -> Any:
    """The identity in a recovery key's file. Raises ConfigError."""
    try:
        lines = file.read_text("utf-8").split("\n")
        return pyrage.x25519.Identity.from_str(next(line.strip() for line in lines if line.startswith("AGE-SECRET")))
    except OSError as error:
        raise ConfigError(f"--recovery-key: {file} cannot be read ({error.strerror})") from error
    except (StopIteration, UnicodeDecodeError, pyrage.IdentityError) as error:
        raise ConfigError(f"--recovery-key: {file} is no recovery key") from error


def recipient_of(public: str) -> Any:
    """Raises ConfigError."""
    try:
        return pyrage.x25519.Recipient.from_str(public) if public else None
    except pyrage.RecipientError as error:
        raise ConfigError(f"backup.recovery_key: {error}") from error


class Counting:
    """Hands octets on, and knows their digest and number."""

    def __init__(self, target: Writes) -> None:
        self._target = target
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, octets: bytes) -> int:
        self._digest.update(octets)
        self._size += len(octets)
        self._target.write(octets)
        return len(octets)

    def flush(self) -> None: ...

    @property
    def stored(self) -> Stored:
        return Stored(self._digest.hexdigest(), self._size)


def encrypt(source: BinaryIO, target: BinaryIO, recipient: Any) -> Stored:
    """Write what `source` holds for the holder of the recovery key; in clear where `recipient` is None."""
    counting = Counting(target)
    if recipient is None:
        shutil.copyfileobj(source, counting, BLOCK)
    else:
        pyrage.encrypt_io(source, counting, [recipient])
    target.flush()
    os.fsync(target.fileno())
    return counting.stored


def decrypt(source: BinaryIO, target: Writes, identity: Any, name: str) -> None:
    """Raises WrongKey where this recovery key does not open it, or it was altered."""
    if not name.endswith(SUFFIX):
        shutil.copyfileobj(source, target, BLOCK)
        return
    if identity is None:
        raise WrongKey("the backup is encrypted; name the recovery key's file with --recovery-key")
    try:
        pyrage.decrypt_io(source, _Flushing(target), [identity])
    except (pyrage.DecryptError, OSError) as error:
        raise WrongKey(f"{name}: this recovery key does not open it, or it was altered ({error})") from error


class _Flushing:
    """What pyrage writes to."""

    def __init__(self, target: Writes) -> None:
        self.write = target.write

    def flush(self) -> None: ...


def opened(file: Path, identity: Any) -> bytes:
    """The octets of a small file of a backup. Raises WrongKey, OSError."""
    octets = io.BytesIO()
    with file.open("rb") as source:
        decrypt(source, octets, identity, file.name)
    return octets.getvalue()


def digest_of(file: Path) -> Stored:
    """Raises OSError."""

    class Nowhere:
        def write(self, octets: bytes) -> int:
            return len(octets)

    counting = Counting(Nowhere())
    with file.open("rb") as source:
        shutil.copyfileobj(source, counting, BLOCK)
    return counting.stored
