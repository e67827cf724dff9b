"""A practice's own sign-in: OpenID Connect's code flow with PKCE and a nonce (OpenID Connect Core §3.1, RFC 7636).

authlib speaks the protocol. Ours are the two checks that it leaves to its user: that the provider found is the one that
was configured (OpenID Connect Discovery §4.3), and that its tokens are signed with a key of its own.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import StarletteOAuth2App
from joserfc.errors import JoseError

from gateway.ports import SignInAsked, SignInFailed

DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT = 10.0
"""Seconds for one request to a provider."""
FRESH = 3600.0
"""Seconds for which what a provider says of itself is believed."""
_SIGNED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With a key that only the provider has: neither unsigned, nor with a secret that we share (RFC 7518 §3.1)."""

_TRUE = (True, "true", "1")
"""Entra sends such claims as texts."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who vouches for a practice's people.

    `claim` holds their address, `verified_claim` says that it has been verified. `tls` None: the system's authorities.
    """

    issuer: str
    client_id: str
    client_secret: str = ""
    claim: str = "email"
    verified_claim: str = "email_verified"
    tls: SSLContext | None = None


class OpenId:
    """The port `SignIn`."""

    def __init__(self, provider: Provider, seconds: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._seconds = seconds
        self._known: Any = None
        self._known_at = 0.0

    async def begin(self, back: str) -> SignInAsked:
        try:
            asked = await (await self._client()).create_authorization_url(back)
        except (AuthlibBaseError, httpx2.HTTPError, RuntimeError) as error:
            raise self._failure(error) from error
        return SignInAsked(asked["url"], {name: asked[name] for name in ("state", "nonce", "code_verifier")})

    async def finish(self, remembered: Mapping[str, str], code: str, back: str) -> str:
        try:
            client = await self._client()
            token = await client.fetch_access_token(back, code=code, code_verifier=remembered["code_verifier"])
            claims = await client.parse_id_token(token, remembered["nonce"])
        except (AuthlibBaseError, JoseError, httpx2.HTTPError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self._failure(error) from error
        address = (claims or {}).get(self._provider.claim)
        if not isinstance(address, str) or not address:
            raise SignInFailed(f"{self._provider.issuer} names no {self._provider.claim}")
        vouching = self._provider.verified_claim
        if claims.get(vouching) not in _TRUE:  # OpenID Connect Core §5.1; one that is missing vouches for nothing
            raise SignInFailed(f"{self._provider.issuer} does not say by {vouching} that it has verified the address")
        return address

    async def check(self) -> None:
        """Raises SignInFailed unless the provider can be asked."""
        await self._client()

    async def _client(self) -> Any:
        """What asks the provider, with what it says of itself. Raises SignInFailed."""
        if self._known is None or self._seconds() - self._known_at > FRESH:
            one = self._provider
            options = {"scope": "openid email profile", "code_challenge_method": "S256", "timeout": TIMEOUT}
            client = StarletteOAuth2App(
                None,
                client_id=one.client_id,
                client_secret=one.client_secret or None,
                server_metadata_url=one.issuer.rstrip("/") + DISCOVERY,
                client_kwargs=options | {"verify": one.tls or True},
            )
            try:
                said = await client.load_server_metadata()
            except (AuthlibBaseError, httpx2.HTTPError, TypeError, ValueError) as error:
                raise self._failure(error) from error
            if said.get("issuer") != one.issuer:  # OpenID Connect Discovery §4.3
                raise SignInFailed(f"{one.issuer} says that it is {str(said.get('issuer'))[:200]}")
            offered = said.get("id_token_signing_alg_values_supported") or ["RS256"]
            said["id_token_signing_alg_values_supported"] = [kind for kind in offered if kind in _SIGNED]
            self._known, self._known_at = client, self._seconds()
        return self._known

    def _failure(self, error: Exception) -> SignInFailed:
        return SignInFailed(f"{self._provider.issuer}: {type(error).__name__} {str(error)[:200]}".rstrip())
