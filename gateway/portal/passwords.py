"""Passwords: hashed with argon2id (RFC 9106), at most two at once and never on the event loop; clients take turns."""

import asyncio
import os
import sys
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.portal.turns import Asker, Places, Turns

R = TypeVar("R")

SHORTEST = 8
LONGEST = 256
_JUDGED = 72
"""How many characters are looked at for being guessable: the judge is slow on long ones, which are strong anyway."""
_WEAKEST = 2
PLACES = Places()
"""Each hash takes 64 MiB and several cores for a tenth of a second: the last of those who wait does so for seconds."""


class Passwords:
    """Hashes and compares passwords in threads. Everything raises TryAgain when too many wait already."""

    def __init__(self, places: Places = PLACES) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(places.at_once, "passwords", _give_way)
        self._turns = Turns(places)

    async def hash(self, password: str, asker: Asker) -> str:
        """The hash to store, with its own salt and parameters."""
        return await self._in_turn(asker, lambda: self._hasher.hash(_normal(password)))

    async def matches(self, password: str, stored: str | None, asker: Asker) -> bool:
        """Whether the password is the stored one. With nothing stored it takes as long, and the answer is no."""
        right = await self._in_turn(asker, lambda: self._verify(stored or _nobodys(self._hasher), _normal(password)))
        return right and bool(stored)

    async def is_guessable(self, password: str, about: Sequence[str], asker: Asker) -> bool:
        """Whether it is among the first that a guesser tries, given what is known about the person."""
        return await self._in_turn(asker, lambda: _score(password, about) < _WEAKEST)

    async def _in_turn(self, asker: Asker, work: Callable[[], R]) -> R:
        async with self._turns.turn(asker):
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _give_way() -> None:
    """Let this thread, and those that argon2 starts from it, have the processor when nothing else wants it."""
    if sys.platform == "linux":  # elsewhere it would be the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody's")


def _normal(password: str) -> str:
    """The same characters however the keyboard composed them (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _score(password: str, about: Sequence[str]) -> int:
    """From 0, guessed at once, to 4."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its word lists take 12 MB, and are wanted when somebody registers

    return int(zxcvbn(password[:_JUDGED], user_inputs=list(about))["score"])
