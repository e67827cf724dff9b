"""The cookies: `session` says who is signed in, `visitor` ties a form to the browser that it was shown in, `language`
is what a person chose to read in, `given-…` what a person has typed so far to answer that invitation, sealed, `asked`
what must come back from a practice's own sign-in, `known` that a person has signed in with this browser, `late` what
somebody had typed into a small form when their session ended, sealed, and `said` what the next page has to say, sealed.
"""

import base64
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from gateway.ports import Random

SESSION = "session"
VISITOR = "visitor"
LANGUAGE = "language"
GIVEN = "given"
ASKED = "asked"
KNOWN = "known"
LATE = "late"
SAID = "said"
_LONGEST = 3800
"""Browsers keep 4096 octets of a cookie, name and all (RFC 6265 §6.1)."""


@dataclass(frozen=True, slots=True)
class Cookies:
    """How cookies are set: over https they are bound to this very host and never leave in clear.

    SameSite is Lax, not Strict: whoever follows a link from a mail would otherwise arrive signed out. A cookie thus
    never comes with a form of another site's, and only with its links, which change nothing.
    """

    secure: bool

    def read(self, request: Request, name: str) -> str:
        """The cookie's value; "" for none, or for one that we never set."""
        value = request.cookies.get(self._full_name(name), "")
        return value if len(value) <= _LONGEST else ""

    def give(self, response: Response, name: str, value: str, lasts: timedelta | None = None) -> bool:
        """Set the cookie, until the browser is closed if nothing else is said; False for one that is too long."""
        if len(value) > _LONGEST:
            return False
        response.set_cookie(
            self._full_name(name),
            value,
            max_age=int(lasts.total_seconds()) if lasts else None,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )
        return True

    def take_back(self, response: Response, name: str) -> None:
        """Make the browser forget the cookie."""
        response.delete_cookie(self._full_name(name), path="/", secure=self.secure, httponly=True, samesite="lax")

    def _full_name(self, name: str) -> str:
        # RFC 6265bis §4.1.3.2: browsers take a __Host- cookie only from this host, with Secure, for every path.
        return f"__Host-{name}" if self.secure else name


def unguessable(random: Random) -> str:
    """A fresh value for a cookie: 256 bits."""
    return base64.urlsafe_b64encode(random.octets(32)).decode().rstrip("=")
