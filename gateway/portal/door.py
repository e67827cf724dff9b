"""Who is let in: every page says who may call it, and this is the one place that holds them to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.flow.accounts import account as accounts
from gateway.flow.accounts import registration, sessions
from gateway.flow.accounts.sessions import SignedIn
from gateway.flow.commands.sender_page import sender_page
from gateway.portal import late
from gateway.portal.cookies import SESSION, VISITOR, unguessable
from gateway.portal.invite.again import ASKS
from gateway.portal.mended import mended
from gateway.portal.posted import Posted, Unwanted, read_form
from gateway.portal.senders.sought import sought
from gateway.portal.visit import Portal, Visit, go_to

SMALL = 64 * 1024
"""The largest form without files, in octets."""
_LAST_ROW = 2**63 - 1
"""No database numbers its rows further."""

View = Callable[..., Awaitable[Response]]


class Who(StrEnum):
    """Who may call a page, and what its view is given besides the visit."""

    ANYONE = "anyone"
    ACCOUNT = "a registered person who is signed in: the view is given the Account"
    INVITEE = "whoever holds an invitation's link: the view is given the Welcome, or Used; None to ask for a new link"
    SENDER = "whoever holds a sender's link: the view is given the SenderPage, or Outworn for a link that is too old"


@dataclass(frozen=True, slots=True)
class Page:
    """One line of the table of pages: where it is, who may call it, how, and what answers."""

    path: str
    who: Who
    view: View
    methods: tuple[str, ...] = ("GET",)
    uploads: bool = False
    """Whether its form may bring files."""
    late: View | None = None
    """What answers its form when that comes after the session has ended, so that nothing typed is lost: it is given the
    Account to which the form was shown."""


class DeadLink(Exception):
    """The link opens nothing: used, replaced, ended or made up, which a stranger cannot tell apart."""


class Turned(Exception):
    """The caller is sent elsewhere."""

    def __init__(self, response: Response) -> None:
        self.response = response


async def serve(portal: Portal, page: Page, request: Request) -> Response:
    """Let the caller in or turn them away, then have the page's view answer."""
    if right := mended_link(request):
        return right
    if any(number > _LAST_ROW for number in request.path_params.values() if isinstance(number, int)):
        raise HTTPException(404)
    visitor = portal.cookies.read(request, VISITOR) or unguessable(portal.random)
    visit = Visit(portal, request, visitor, await _signed_in(portal, request))
    if visit.posted and is_foreign(request.headers, portal.desk.site.portal_url):
        return visit.show("error", {"code": "forged"}, status=403)
    try:
        given = await _ADMIT[page.who](visit)
    except Turned as turned:
        if not (visit.posted and page.late):
            return turned.response
        given = ()  # whose it is, the form says
    return await (_read_and_answer(page, visit, given) if visit.posted else page.view(visit, *given))


async def _read_and_answer(page: Page, visit: Visit, given: tuple[Any, ...]) -> Response:
    """Read the form, one with files in turn."""
    portal, request = visit.portal, visit.request
    if not page.uploads:
        return await _answer(page, visit, given, await read_form(request, SMALL, None))
    async with (portal.uploads if visit.signed_in else portal.late_uploads).turn(visit.asker()):
        try:
            posted = await read_form(request, portal.max_upload, portal.content, lambda form: _is_awaited(visit, form))
        except Unwanted:
            return _refuse(page, visit)
        return await _answer(page, visit, given, posted)


def mended_link(request: Request) -> Response | None:
    """Where a link that was broken on its way leads; None for any other request."""
    path = mended(request.scope["path"]) if request.method in ("GET", "HEAD") else None
    if path is None:
        return None
    return go_to(f"{path}?{request.url.query}" if request.url.query else path)


async def _answer(page: Page, visit: Visit, given: tuple[Any, ...], posted: Posted) -> Response:
    """Have the view answer a form, if it is one of ours; then its files are removed."""
    visit = replace(visit, form=posted.fields, files=posted.files, is_too_large=posted.is_too_large)
    try:
        if not visit.is_own_form():
            return _refuse(page, visit)
        if page.who is Who.ACCOUNT and not _is_of_the_session(visit):
            return await _answer_late(page, visit)
        response = await page.view(visit, *given)
        if page.late:
            late.forget(visit, response)
        return response
    finally:
        posted.remove()


def _is_awaited(visit: Visit, fields: FormData) -> bool:
    """Whether a form that begins so may bring files: its page was shown in this browser to somebody signed in."""
    begun = replace(visit, form=fields)
    return begun.is_own_form() and begun.shown_to > 0


def _refuse(page: Page, visit: Visit) -> Response:
    if page.who is Who.ACCOUNT and visit.signed_in is None:
        return go_to("/sign-in?next=/inbox")
    return visit.show("error", {"code": "forged"}, status=403)


def _is_of_the_session(visit: Visit) -> bool:
    return visit.signed_in is not None and visit.signed_in.account.id == visit.shown_to


async def _answer_late(page: Page, visit: Visit) -> Response:
    """The session has ended since the page was shown, or is another person's: nothing is done behind anybody's back."""
    author = await visit.desk.ask(accounts.of_id, visit.shown_to)
    if page.late and author:
        return await page.late(visit, author)
    return late.come_back(visit, "/inbox", is_kept=False)


# ----------------------------------------------------------------------------------------------------------- callers


async def _signed_in(portal: Portal, request: Request) -> SignedIn | None:
    cookie = portal.cookies.read(request, SESSION)
    if not cookie:
        return None
    found = await portal.desk.ask(sessions.find, cookie)
    if found and found.is_stale(portal.desk.clock.now()):
        await portal.desk.do(sessions.keep, cookie)
    return found


async def _anyone(_: Visit) -> tuple[Any, ...]:
    return ()


async def _account(visit: Visit) -> tuple[Any, ...]:
    if visit.signed_in:
        return (visit.signed_in.account,)
    # Only a page can be returned to: what a form was about to do is not done behind the person's back.
    wanted = visit.request.url.path if visit.request.method == "GET" else "/inbox"
    raise Turned(go_to(f"/sign-in?next={quote(wanted)}"))


async def _invitee(visit: Visit) -> tuple[Any, ...]:
    token = visit.request.path_params["token"]
    welcome = await visit.desk.ask(registration.look, token)
    if welcome or ASKS in visit.request.query_params:
        return (welcome,)
    used = await visit.desk.ask(registration.used, token)
    if used is None:
        raise DeadLink
    return (used,)


async def _sender(visit: Visit) -> tuple[Any, ...]:
    page = await visit.desk.ask(sender_page, visit.request.path_params["token"], sought(visit))
    if page is None:
        raise DeadLink
    return (page,)


_ADMIT: dict[Who, Callable[[Visit], Awaitable[tuple[Any, ...]]]] = {
    Who.ANYONE: _anyone,
    Who.ACCOUNT: _account,
    Who.INVITEE: _invitee,
    Who.SENDER: _sender,
}


# ------------------------------------------------------------------------------------------------------------- forms


def is_foreign(headers: Headers, portal_url: str) -> bool:
    """Whether a form was sent from a page of another site's, as far as the browser says (RFC 6454 §7).

    Our own pages ask browsers to name them to nobody, so that forms of theirs say "null" (Fetch §3.2), as do many of
    others': then Sec-Fetch-Site tells them apart, and where an old browser sends neither, the token in the form.
    """
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return True
    origins = [origin.strip() for origin in headers.getlist("origin")]
    return any(origin != "null" and _origin(origin) != _origin(portal_url) for origin in origins)


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port (RFC 6454 §4); None for what is no URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
