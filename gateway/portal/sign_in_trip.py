"""To a sign-in elsewhere and back (OpenID Connect): what a practice's people and administrators share."""

import hmac
import json
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import WrongKey
from gateway.portal.cookies import Cookies
from gateway.portal.sealed_text import seal, unseal
from gateway.portal.visit import go_to
from gateway.ports import Keys, SignIn, SignInFailed

LASTS = timedelta(minutes=15)
"""How long somebody may take to sign in there."""


class NotAsked(Exception):
    """This browser has not asked for such an answer, or too long ago."""


@dataclass(frozen=True, slots=True)
class SignInTrip:
    """A browser's way there, and `back` to us. What it was asked with is kept in its own `cookie`, sealed for `purpose`
    alone: an answer for one practice is none for another (RFC 9700 §4.4), though both may have the same provider.
    """

    sign_in: SignIn
    back: str
    cookies: Cookies
    cookie: str
    keys: Keys
    purpose: str

    async def begin(self) -> Response:
        """On to the sign-in. Raises SignInFailed."""
        asked = await self.sign_in.begin(self.back)
        response = go_to(asked.url)
        sealed = seal(self.keys, json.dumps(dict(asked.remembered)).encode(), self.purpose)
        self.cookies.give(response, self.cookie, sealed, LASTS)
        return response

    async def finish(self, request: Request) -> str:
        """The address of who has come back from there. Raises NotAsked, SignInFailed."""
        query, remembered = request.query_params, self._remembered(request)
        state, code = query.get("state", ""), query.get("code", "")
        # RFC 6749 §10.12: an answer that this browser has not asked for would sign it in as somebody else.
        if not remembered or not hmac.compare_digest(state.encode(), remembered["state"].encode()):
            raise NotAsked
        if not code:
            raise SignInFailed(f"the provider says: {query.get('error', 'nothing')[:100]}")
        return await self.sign_in.finish(remembered, code, self.back)

    def over(self, response: Response) -> Response:
        """A code is good once, and so is what was remembered for it."""
        self.cookies.take_back(response, self.cookie)
        return response

    def _remembered(self, request: Request) -> dict[str, str]:
        """What this browser asked with; empty for nothing, and for what we have not sealed for this purpose."""
        try:
            said: dict[str, str] = json.loads(unseal(self.keys, self.cookies.read(request, self.cookie), self.purpose))
        except WrongKey:
            return {}
        return said
