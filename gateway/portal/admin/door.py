"""Who is let in to the administrator's pages, and what a view of theirs is given.

They share the portal's tools and nothing of its people: a patient's session is worth nothing here, nor the other way
round. All but the ways in are for who is signed in, and there is no page that shows what a mail says.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.domain.model_records import AdminSession
from gateway.flow.administration import admin_session
from gateway.flow.context import Desk
from gateway.portal.admin.sheet import SHEET_PATH
from gateway.portal.cookies import VISITOR, Cookies, unguessable
from gateway.portal.door import SMALL, is_foreign
from gateway.portal.pages import Pages
from gateway.portal.posted import read_form
from gateway.portal.throttle import network
from gateway.portal.visit import go_to
from gateway.ports import Random, SignIn

SESSION = "admin-session"
HOME = "/admin"
SIGN_IN = "/admin/sign-in"
_LAST_ROW = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One key of the settings as it stands, and where that comes from: the file, the environment, a default."""

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What the pages are made of. `url` is where administrators reach them, `addresses` who may come by `sign_in`."""

    desk: Desk
    random: Random
    pages: Pages
    cookies: Cookies
    url: str
    settings: Callable[[], Sequence[SettingLine]]
    certificates: Callable[[], Mapping[str, Any]] = dict
    addresses: frozenset[str] = frozenset()
    sign_in: SignIn | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the door let in; `session` is None on the ways in alone."""

    panel: Panel
    request: Request
    visitor: str
    session: AdminSession | None = None
    form: FormData = field(default_factory=FormData)

    @property
    def desk(self) -> Desk:
        """The desk, for what this administrator asks of it: the audit says who, and from where."""
        client = self.request.client.host if self.request.client else ""
        who = f", {self.session.name}" if self.session else ""
        return self.panel.desk.at(f"administrator's page{who}, {client}")

    @property
    def client(self) -> str:
        return network(self.request.client.host if self.request.client else "")

    @property
    def posted(self) -> bool:
        return self.request.method == "POST"

    def typed(self, name: str) -> str:
        return str(self.form.get(name, ""))

    @property
    def csrf_token(self) -> str:
        """What a form must bring along: bound to this browser, and to this session."""
        bound_to = f"admin|{self.session.id if self.session else 0}|{self.visitor}"
        return base64.urlsafe_b64encode(self.panel.desk.keys.digest("csrf", bound_to.encode())).decode().rstrip("=")

    def is_own_form(self) -> bool:
        return hmac.compare_digest(self.typed("csrf_token").encode("utf-8", "replace"), self.csrf_token.encode())

    def show(self, name: str, facts: Mapping[str, Any] | None = None, *, status: int = 200) -> Response:
        """Answer with a page; they are in English, as is all that administrators read."""
        common = {
            "csrf_token": self.csrf_token,
            "session": self.session,
            "path": self.request.url.path,
            "sheet": SHEET_PATH,
            "observes": self.panel.desk.site.observes,
            "now": self.panel.desk.clock.now(),
        }
        response = HTMLResponse(self.panel.pages.page(name, "en", common | dict(facts or {})), status)
        if not self.panel.cookies.read(self.request, VISITOR):
            self.panel.cookies.give(response, VISITOR, self.visitor)
        return response


View = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class AdminPage:
    """One line of the table of pages; `is_way_in`: it answers who is not signed in."""

    path: str
    view: View
    methods: tuple[str, ...] = ("GET",)
    is_way_in: bool = False


async def serve(panel: Panel, page: AdminPage, request: Request) -> Response:
    """Let the caller in or turn them away, then have the page's view answer."""
    if any(number > _LAST_ROW for number in request.path_params.values() if isinstance(number, int)):
        raise HTTPException(404)
    visitor = panel.cookies.read(request, VISITOR) or unguessable(panel.random)
    call = Call(panel, request, visitor, await _session(panel, request))
    if call.posted and is_foreign(request.headers, panel.url):
        raise HTTPException(403)
    if call.session is None and not page.is_way_in:
        return go_to(SIGN_IN)
    if call.posted:
        call = replace(call, form=(await read_form(request, SMALL, None)).fields)
        if not call.is_own_form():
            raise HTTPException(403)
    return await page.view(call)


def signed_in(call: Call, cookie: str, session: AdminSession) -> Response:
    """On to the first page, with the session's cookie."""
    response = go_to(HOME)
    call.panel.cookies.give(response, SESSION, cookie, session.expires_at - session.created_at)
    return response


async def _session(panel: Panel, request: Request) -> AdminSession | None:
    cookie = panel.cookies.read(request, SESSION)
    found = await panel.desk.ask(admin_session.find, cookie) if cookie else None
    if found and admin_session.is_stale(found, panel.desk.clock.now()):
        await panel.desk.do(admin_session.keep, cookie)
    return found
