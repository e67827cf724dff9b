"""SMTP AUTH (RFC 4954): who signs in at the listener, with which password, and how often one may be wrong.

Passwords are hashed with argon2id and compared in threads, never on the event loop. The file of users is read at each
sign-in, so that a change needs no restart. Wrong ones are counted in the store, by all who serve from it together
(flow/throttle.py).
"""

import asyncio
import unicodedata
from base64 import b64decode
from binascii import Error as NotBase64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain.address import address, domain_key
from gateway.errors import BadAddress, ConfigError
from gateway.flow import throttle
from gateway.flow.context import Desk
from gateway.flow.throttle import Count
from gateway.owner import give, open_owned

log = structlog.get_logger()

MECHANISMS = ("LOGIN", "PLAIN")
AT_ONCE = 2
"""Each comparison takes 64 MiB and several cores for a tenth of a second."""
MOST_WAITING = 32
"""Whoever comes when so many wait already is asked to come back."""
SHORTEST = 8
LONGEST = 256
TRIES_AN_ADDRESS = 10
"""Wrong passwords of one client address within `throttle.PERIOD`, before it is not listened to any more."""
TRIES_A_LOGIN = 30
"""Wrong passwords for one login within it, before only clients that it has signed in from may try."""

OK = "235 2.7.0 Authentication successful"
WRONG = "535 5.7.8 Authentication credentials invalid"
BUSY = "454 4.7.0 Temporary authentication failure, please try again"
TOO_MANY = "454 4.7.0 Too many wrong passwords, please come back later"


def login_key(typed: str) -> str:
    """How a login is compared: an address, or `*@domain` for a whole mail server. Raises BadAddress."""
    local, _, domain = typed.strip().rpartition("@")
    return f"*@{domain_key(domain)}" if local == "*" else address(typed).key


def line_for(typed: str, password: str) -> str:
    """The line of the users' file for a login. Raises BadAddress, ConfigError."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigError(f"the password: write one of {SHORTEST} to {LONGEST} characters")
    return f"{login_key(typed)}:{PasswordHasher().hash(_normal(password))}"


def users(file: Path) -> dict[str, str]:
    """The hash of each login; blank lines and those that begin with # say nothing. Raises ConfigError."""
    found: dict[str, str] = {}
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"smtp.users_file: {file} cannot be read; `gateway users add` writes it") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        login, _, hashed = line.strip().rpartition(":")
        try:
            found[login_key(login)] = hashed
        except BadAddress as error:
            raise ConfigError(
                f"smtp.users_file: line {number}: write address:hash, as `gateway users add` does"
            ) from error
        if not hashed.startswith("$argon2"):
            raise ConfigError(f"smtp.users_file: line {number}: not an argon2 hash; `gateway users add` makes one")
    return found


def add_user(file: Path, typed: str, password: str) -> str:
    """Put a login into the file, in the place of an earlier line; the login. Raises BadAddress, ConfigError."""
    key, line = login_key(typed), line_for(typed, password)
    kept = [f"{login}:{hashed}" for login, hashed in (users(file) if file.exists() else {}).items() if login != key]
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(fresh, "x", encoding="utf-8", opener=open_owned) as written:
        give(written.fileno(), file if file.exists() else file.parent)
        written.write("\n".join([*kept, line, ""]))
    fresh.replace(file)
    return key


class Logins:
    """Who may sign in."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._hasher = PasswordHasher()
        self._nobodys = self._hasher.hash("nobody's")
        self._threads = ThreadPoolExecutor(AT_ONCE, "sign-in")
        self._waiting = 0
        self._known: set[tuple[str, str]] = set()
        """Logins, and the client addresses that they have signed in from."""

    def reads(self, file: Path) -> bool:
        """Whether this is the file that it reads: then it may go on."""
        return file == self._file

    async def sign_in(self, desk: Desk, typed: str, password: str, client: str) -> tuple[str, str]:
        """The login's key and the reply; "" for who is not let in. Raises StoreBusy, StoreFull."""
        try:
            login = login_key(typed)
        except BadAddress:
            login = ""
        if self._waiting >= AT_ONCE + MOST_WAITING:
            return "", BUSY
        counts = self._counts(login, client)
        self._waiting += 1
        try:
            if not await desk.do(throttle.take, *counts):
                return "", TOO_MANY
            right = await asyncio.get_running_loop().run_in_executor(self._threads, self._matches, login, password)
        except ConfigError as error:
            log.error("nobody can sign in", error=str(error))
            await desk.do(throttle.give_back, *counts)
            return "", BUSY
        finally:
            self._waiting -= 1
        if right:
            await desk.do(throttle.give_back, *counts)
            self._known.add((login, client))
            return login, OK
        log.warning("a sign-in failed", client=client)
        return "", WRONG

    def known(self, typed: str) -> str:
        """The key of a login that there is; "" for any other word."""
        try:
            key = login_key(typed)
            return key if key in users(self._file) else ""
        except (BadAddress, ConfigError):
            return ""

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _counts(self, login: str, client: str) -> list[Count]:
        counts = [Count(f"smtp client|{client}", TRIES_AN_ADDRESS)]
        if login and (login, client) not in self._known:
            counts.append(Count(f"smtp login|{login}", TRIES_A_LOGIN))
        return counts

    def _matches(self, login: str, password: str) -> bool:
        """Whether it is the login's password; for a login that is none it takes as long, and the answer is no."""
        stored = users(self._file).get(login)
        try:
            right = self._hasher.verify(stored or self._nobodys, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None


class Dialogue(Protocol):
    """The session in which a client signs in."""

    async def push(self, status: str | bytes) -> None: ...

    async def challenge_auth(self, challenge: str) -> Any: ...


async def dialogue(server: Dialogue, words: list[str]) -> tuple[str, str] | None:
    """Login and password as the client says them; None if it has heard already why not (RFC 4954 §4)."""
    mechanism, *initial = words
    first = await _given(server, initial[0]) if initial else await _asked(server, _QUESTIONS[mechanism])
    if first is None:
        return None
    if mechanism == "LOGIN":
        password = await _asked(server, "Password:")
        return None if password is None else (first, password)
    parts = first.split("\0")  # RFC 4616 §2: on whose behalf, who, password
    if len(parts) != 3 or parts[0] not in ("", parts[1]):
        await server.push("501 5.5.2 Cannot read these credentials")
        return None
    return parts[1], parts[2]


_QUESTIONS = {"LOGIN": "Username:", "PLAIN": ""}


async def _asked(server: Dialogue, question: str) -> str | None:
    answer = await server.challenge_auth(question)
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else None


async def _given(server: Dialogue, word: str) -> str | None:
    """An initial response: "=" is an empty one."""
    try:
        return b64decode("" if word == "=" else word, validate=True).decode("utf-8", "replace")
    except (NotBase64, ValueError):
        await server.push("501 5.5.2 Cannot decode this")
        return None


def _normal(password: str) -> str:
    """The same characters however the keyboard composed them (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password[:LONGEST])
