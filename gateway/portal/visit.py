"""One request, with all that a view needs to answer it."""

import asyncio
import base64
import hmac
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.domain.words import LANGUAGES, spoken
from gateway.flow.accounts.sessions import IDLE, SignedIn
from gateway.flow.context import Desk
from gateway.portal.cookies import LANGUAGE, VISITOR, Cookies
from gateway.portal.look import look_of
from gateway.portal.pages import Pages
from gateway.portal.passwords import Passwords
from gateway.portal.posted import Arriving
from gateway.portal.throttle import network
from gateway.portal.turns import Asker, Places, Turns
from gateway.ports import ContentStore, Painter, Random, Scanner, SignIn

log = structlog.get_logger()

LARGE = 1_000_000
"""Octets from which a message counts as large."""
LARGE_AT_ONCE = 2
UPLOADS = Places(at_once=16, at_once_of_a_client=2)
"""Each form with files takes up to 2 MB of memory, however large they are."""
LATE_UPLOADS = Places(at_once=4, at_once_of_a_client=1)
"""Of forms whose session has ended: until such a form is read, anybody could have sent it."""
LOOKS = Places(at_once=2, at_once_of_a_client=1)
"""Each picture of a page takes a process of its own, and most of a processor."""
_GRACE = 5
"""Seconds by which a page waits longer than the session does, before it looks whether that has ended."""


@dataclass(frozen=True, slots=True)
class Portal:
    """What the portal is made of; the same for every request. Sizes are in octets."""

    desk: Desk
    content: ContentStore
    random: Random
    pages: Pages
    cookies: Cookies
    passwords: Passwords
    max_upload: int
    scanner: Scanner | None = None
    sign_ins: Mapping[str, SignIn] = field(default_factory=dict)
    """Practices' own sign-ins, by the practice's id."""
    count_unopened: Callable[[int], None] = lambda _: None
    uploads: Turns = field(default_factory=lambda: Turns(UPLOADS))
    """Turns at sending files: memory for all of them is bounded together."""
    late_uploads: Turns = field(default_factory=lambda: Turns(LATE_UPLOADS))
    painter: Painter | None = None
    looks: Turns = field(default_factory=lambda: Turns(LOOKS))
    """Turns at having pictures made of pages."""
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_ONCE))

    def room_for(self, size: int) -> AbstractAsyncContextManager[Any]:
        """Room to take apart a message of `size` octets, which needs some times as many: few large ones at a time."""
        return self._large if size > LARGE else nullcontext()

    def tell_unopened(self, page: str, rows: Collection[int]) -> None:
        """Rows that a page was to show were altered: an administrator has to know."""
        if rows:
            log.error("rows cannot be opened", page=page, rows=sorted(rows))
            self.count_unopened(len(rows))


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that the door let in."""

    portal: Portal
    request: Request
    visitor: str
    """The visitor cookie: the browser's own, or one to be given with the next page."""
    signed_in: SignedIn | None
    form: FormData = field(default_factory=FormData)
    files: tuple[Arriving, ...] = ()
    """The files that came with the form."""
    is_too_large: bool = False
    """Whether files came with the form that are too large together: they were dropped."""

    @property
    def desk(self) -> Desk:
        """The desk, for what this client asks of it."""
        return self.portal.desk.at(self.request.client.host if self.request.client else "")

    @property
    def today(self) -> date:
        """The local date at the site."""
        return self.desk.today

    @property
    def client(self) -> str:
        """What counts as one client where tries are counted."""
        return network(self.request.client.host if self.request.client else "")

    def asker(self, link: str = "") -> Asker:
        """Who waits for a turn: an account where somebody is signed in, however many share their address."""
        return Asker(f"account {self.signed_in.account.id}" if self.signed_in else self.client, link)

    @property
    def posted(self) -> bool:
        return self.request.method == "POST"

    def typed(self, name: str) -> str:
        """What the form says in this field; "" for a missing one."""
        return str(self.form.get(name, ""))

    @property
    def page(self) -> int:
        """Which page of a long list is asked for, from 1."""
        asked = self.request.query_params.get("page", "1")
        return max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1

    @property
    def csrf_token(self) -> str:
        """What a form must bring along: only pages shown to this very browser, and this very person, hold it."""
        return self._token(self.signed_in.account.id if self.signed_in else 0)

    def _token(self, account_id: int) -> str:
        digest = self.desk.keys.digest("csrf", f"{account_id}|{self.visitor}".encode())
        return f"{account_id}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def is_own_form(self) -> bool:
        """Whether the form was shown to this browser by us (double submit, bound by a keyed digest)."""
        token = self.typed("csrf_token").encode("utf-8", "replace")
        return hmac.compare_digest(token, self._token(self.shown_to).encode())

    @property
    def shown_to(self) -> int:
        """The account to which the page with this form was shown, as an own form says; 0 for nobody's."""
        number = self.typed("csrf_token").partition(".")[0]
        return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0

    def language(self, practice_id: str = "") -> str:
        """The reader's language: their account's, the one they chose here, their browser's, the practice's."""
        if self.signed_in:
            return self.signed_in.account.language
        return language_of(self.request, self.portal.cookies) or self.desk.site.language(practice_id)

    def show(
        self, name: str, facts: Mapping[str, Any] | None = None, *, status: int = 200, practice_id: str = ""
    ) -> Response:
        """Answer with a page, in the look of a practice where it is one's own."""
        common = {
            "csrf_token": self.csrf_token,
            "account": self.signed_in.account if self.signed_in else None,
            "look": look_of(self.desk.site, practice_id),
            "path": self.request.url.path,
            "query_string": self.request.url.query,
            "idle_seconds": int(IDLE.total_seconds()) + _GRACE,
        }
        page = self.portal.pages.page(name, self.language(practice_id), common | dict(facts or {}))
        response = HTMLResponse(page, status)
        if not self.portal.cookies.read(self.request, VISITOR):
            self.portal.cookies.give(response, VISITOR, self.visitor)
        return response


def language_of(request: Request, cookies: Cookies) -> str:
    """The language that somebody chose here, or else their browser's; "" for none of ours."""
    chosen = cookies.read(request, LANGUAGE)
    return chosen if chosen in LANGUAGES else spoken(request.headers.get("accept-language", ""))


def go_to(path: str) -> Response:
    """Send the browser on, with a GET."""
    return RedirectResponse(path, 303)
