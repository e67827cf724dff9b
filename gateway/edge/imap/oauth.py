"""Access tokens for a mailbox (RFC 6749): asked for when they are needed, and anew a minute before they end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

TIMEOUT = 20.0
EARLY = 60.0
"""Seconds before its end at which a token is not used any more."""
USUAL = 3600.0
"""How long a token lives whose answer does not say."""


class TokenError(Exception):
    """There is no token to be had; the text says why, in a line for an administrator."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What is shown at the token endpoint. Without a refresh token, the client speaks for itself (RFC 6749 §4.4)."""

    token_url: str
    client_id: str
    client_secret: str = ""
    refresh_token: str = ""
    scope: str = ""

    def form(self) -> dict[str, str]:
        """The fields of the request (RFC 6749 §4.4.2, §6)."""
        kind = {"grant_type": "refresh_token"} if self.refresh_token else {"grant_type": "client_credentials"}
        given = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
        }
        return kind | {name: value for name, value in given.items() if value}


class Tokens:
    """The current token of one grant."""

    def __init__(self, grant: Grant, seconds: Callable[[], float] = time.monotonic) -> None:
        self._grant = grant
        self._seconds = seconds
        self._token = ""
        self._ends = 0.0

    async def token(self, *, fresh: bool = False) -> str:
        """A token that is good for a while; `fresh` if the last one was refused. Raises TokenError."""
        if fresh or not self._token or self._seconds() > self._ends - EARLY:
            await self._ask()
        return self._token

    async def _ask(self) -> None:
        where = self._grant.token_url
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
                answer = await client.post(where, data=self._grant.form())
            said = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise TokenError(f"{where} gives no token: {type(error).__name__} {error}".rstrip()) from error
        token = said.get("access_token") if isinstance(said, dict) and answer.is_success else None
        if not isinstance(token, str) or not token:
            why = said.get("error") if isinstance(said, dict) else ""  # RFC 6749 §5.2
            raise TokenError(f"{where} gives no token: {answer.status_code} {why or ''}".rstrip())
        lives = said.get("expires_in", USUAL)
        self._token = token
        self._ends = self._seconds() + (float(lives) if isinstance(lives, int | float | str) else USUAL)
