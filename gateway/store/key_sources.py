"""Where the text of the key file comes from: a file, the environment, a credential of systemd's, or a command.

None of them ever repeats what it was given: an error names the place, never the text.
"""

import base64
import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gateway.errors import ConfigError
from gateway.store.key_file import KeyRing, parse, text_of

COMMAND_SECONDS = 20
MOST = 100_000
"""Octets of a key file: 26 keys take 2,000."""


class KeySource(Protocol):
    """Where the keys are kept. `is_quick`: an event loop may wait while they are read."""

    is_quick: bool

    @property
    def where(self) -> str:
        """How an administrator knows it."""
        ...

    @property
    def next_step(self) -> str:
        """What to do so that a new text of the key file is found here."""
        ...

    def ring(self) -> KeyRing:
        """Raises ConfigError."""
        ...


class FileSource:
    """A file of its own: the one source that the gateway can write."""

    is_quick = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = f"keys.file: {path}"
        self.next_step = f"put the new file in the place of {path}"

    def ring(self) -> KeyRing:
        try:
            text = self.path.read_text("utf-8")
        except OSError as error:
            raise ConfigError(
                f"keys.file: cannot read {self.path} ({error.strerror}); `gateway init` writes one"
            ) from error
        except UnicodeDecodeError as error:
            raise _not_keys(self.where) from error
        return _read(self.where, text)

    def write(self, ring: KeyRing) -> None:
        """Replace the file whole: at any instant it is the old one or the new one. Raises OSError.

        It stays with its owner and group, and its group may read it if it could before; others may not.
        """
        path = self.path.resolve()
        old = path.stat()
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fchmod(file.fileno(), 0o600 | old.st_mode & 0o060)
            file.write(text_of(ring))
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class EnvironmentSource:
    """A variable of the environment, which is what it was when the process began."""

    is_quick = True

    def __init__(self, name: str) -> None:
        self._name = name
        self.where = f"keys.environment: the variable {name}"
        self.next_step = f"give the variable {name} the new text, and restart the gateway"

    def ring(self) -> KeyRing:
        text = os.environ.get(self._name)
        if not text:
            raise ConfigError(f"{self.where} is not set here; give it the text of the key file")
        return _read(self.where, text)


class CredentialSource:
    """A credential that systemd has laid into a folder of the unit's own, which stays as it is while the unit runs."""

    is_quick = True

    def __init__(self, name: str) -> None:
        self._name = name
        self.where = f"keys.credential: {name}"
        self.next_step = f"encrypt the new text as the credential {name} (systemd-creds), and restart the gateway"

    def ring(self) -> KeyRing:
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise ConfigError(
                f"{self.where} is at hand only in a unit that systemd has started with LoadCredential= or "
                "LoadCredentialEncrypted=; docs/keys.md has the line for a command at a terminal (systemd-run)"
            )
        try:
            text = (Path(folder) / self._name).read_text("utf-8")
        except OSError as error:
            raise ConfigError(f"{self.where} cannot be read ({error.strerror}); the unit does not load it") from error
        except UnicodeDecodeError as error:
            raise _not_keys(self.where) from error
        return _read(self.where, text)


class CommandSource:
    """A command, such as one that asks a key management service, which prints the text of the key file.

    What it says on standard error is not shown, since nobody knows what stands in it.
    """

    is_quick = False

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        self._words = list(words)
        self._folder = folder
        self.where = f"keys.command: {self._words[0]}"
        self.next_step = f"store the new text where {self._words[0]} reads it"

    def ring(self) -> KeyRing:
        try:
            code, octets = _output_of(self._words, self._folder)
        except TimeoutError as error:
            raise ConfigError(f"{self.where} has not ended within {COMMAND_SECONDS} s; run it by hand") from error
        except OSError as error:
            raise ConfigError(f"{self.where} cannot be run ({error.strerror})") from error
        if code:
            raise ConfigError(f"{self.where} has failed (exit code {code}); run it by hand to see why")
        try:
            return _read(self.where, octets.decode())
        except UnicodeDecodeError as error:
            raise _not_keys(self.where) from error


def _read(where: str, text: str) -> KeyRing:
    """The keys of a text, or of one line that is the text in base64, as some places keep it. Raises ConfigError."""
    try:
        return parse(text if "\n" in text.strip() else _unwrapped(text.strip()))
    except ValueError as error:
        raise ConfigError(f"{where} is no key file ({error}); restore it from its copy, or from key sheets") from None


def _unwrapped(line: str) -> str:
    try:
        return base64.b64decode(line, validate=True).decode()
    except ValueError:
        return line


def _not_keys(where: str) -> ConfigError:
    return ConfigError(f"{where} is no key file (it is not UTF-8); restore it from its copy, or from key sheets")


def _output_of(words: Sequence[str], folder: Path) -> tuple[int, bytes]:
    """Run a command without a shell: its exit code, and what it printed, of which no more than `MOST` is read.

    Raises OSError, TimeoutError. Whatever it has started itself ends with it.
    """
    with subprocess.Popen(  # noqa: S603 - an administrator wrote it into the settings
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as program:
        try:
            return _follow(program)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)


def _follow(program: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    assert program.stdout  # noqa: S101 - it was asked for
    octets = b""
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ)
        for _ in range(COMMAND_SECONDS * 10):
            if not selector.select(0.1):
                continue
            read = os.read(program.stdout.fileno(), MOST)
            octets += read
            if len(octets) > MOST:
                return 0, octets  # whatever this is, it is no key file
            if not read:
                return _code(program), octets
    raise TimeoutError


def _code(program: "subprocess.Popen[bytes]") -> int:
    """Its exit code; one that has closed its output, and goes on, is no source of keys."""
    try:
        return program.wait(1)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
