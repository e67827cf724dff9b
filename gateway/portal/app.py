"""The portal as an ASGI application: the table of pages, and what is said when something goes wrong."""

import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.domain.site import Site
from gateway.errors import TryAgain, WrongKey
from gateway.flow.context import Desk
from gateway.portal import late, plain, trail
from gateway.portal.account import address, language, leaving, profile, reset, second_step, security, signing_in
from gateway.portal.cookies import Cookies
from gateway.portal.door import DeadLink, Page, Who, mended_link, serve
from gateway.portal.headers import SecurityHeaders
from gateway.portal.invite import asking, registering
from gateway.portal.late import Keeps
from gateway.portal.look import look_of
from gateway.portal.mail import inbox, looking, meeting, reading, writing
from gateway.portal.pages import Pages
from gateway.portal.passwords import Passwords
from gateway.portal.senders import page as sender_page
from gateway.portal.senders import staff
from gateway.portal.visit import Portal, go_to, language_of
from gateway.ports import ContentStore, Painter, Random, Scanner, SignIn

log = structlog.get_logger()

BOTH = ("GET", "POST")
_PRACTICE = ("practice_name", "practice_phone", "practice_address")
_PROOF = ("day", "month", "year", "organisation", *_PRACTICE)
_MEETING = Keeps(("subject", "body"), hidden=("answer", "writing"))
PAGES: tuple[Page, ...] = (
    Page("/", Who.ANYONE, signing_in.home),
    Page("/healthz", Who.ANYONE, plain.healthz),
    Page("/static/{name}", Who.ANYONE, plain.static),
    Page("/invite/{token}", Who.INVITEE, registering.invitation, BOTH),
    Page("/sender/{token}", Who.SENDER, sender_page.sender, BOTH),
    Page("/language", Who.ANYONE, language.choose, ("POST",)),
    Page("/sender/{token}/people.csv", Who.SENDER, sender_page.people_csv, ("POST",)),
    Page("/staff", Who.ANYONE, staff.doors),
    Page("/staff/{practice}", Who.ANYONE, staff.go),
    Page("/staff/{practice}/back", Who.ANYONE, staff.back),
    Page("/sign-in", Who.ANYONE, signing_in.sign_in, BOTH),
    Page("/sign-in/second", Who.ANYONE, second_step.second, ("POST",)),
    Page("/sign-in/options", Who.ANYONE, signing_in.passkey_options, ("POST",)),
    Page("/sign-in/passkey", Who.ANYONE, signing_in.passkey, ("POST",)),
    Page("/stay", Who.ACCOUNT, signing_in.stay, ("POST",)),
    Page("/late", Who.ACCOUNT, late.go_on, BOTH),
    Page("/sign-out", Who.ACCOUNT, signing_in.sign_out, ("POST",)),
    Page("/reset", Who.ANYONE, reset.ask, BOTH),
    Page("/reset/{token}", Who.ANYONE, reset.reset, BOTH),
    Page("/profile", Who.ACCOUNT, profile.profile),
    Page("/profile/name", Who.ACCOUNT, profile.name, BOTH, late=Keeps(("name",))),
    Page("/profile/practice", Who.ACCOUNT, profile.practice, BOTH, late=Keeps(_PRACTICE)),
    Page("/profile/delivery", Who.ACCOUNT, profile.delivery, BOTH, late=Keeps(("delivery",))),
    Page("/profile/password", Who.ACCOUNT, profile.password, BOTH),
    Page("/profile/address", Who.ACCOUNT, address.ask, BOTH, late=Keeps(("email",))),
    Page("/profile/address/{token}", Who.ACCOUNT, address.confirm, BOTH),
    Page("/address/{token}", Who.ANYONE, address.keep, BOTH),
    Page("/profile/sessions", Who.ACCOUNT, profile.sessions, BOTH),
    Page("/profile/security", Who.ACCOUNT, security.security),
    Page("/profile/codes", Who.ACCOUNT, security.codes, BOTH),
    Page("/profile/codes/off", Who.ACCOUNT, security.stop_codes, BOTH),
    Page("/profile/recovery", Who.ACCOUNT, security.recovery, BOTH),
    Page("/profile/passkeys/add", Who.ACCOUNT, security.add_passkey, BOTH),
    Page("/profile/passkeys/{passkey_id:int}/remove", Who.ACCOUNT, security.remove_passkey, BOTH),
    Page("/profile/download", Who.ACCOUNT, leaving.download, BOTH),
    Page("/profile/erase", Who.ACCOUNT, leaving.erase, BOTH),
    Page("/inbox", Who.ACCOUNT, inbox.inbox),
    Page("/messages/{copy_id:int}", Who.ACCOUNT, reading.message),
    Page("/messages/{copy_id:int}/original", Who.ACCOUNT, reading.original),
    Page("/messages/{copy_id:int}/attachments/{trail:trail}", Who.ACCOUNT, reading.attachment),
    Page("/messages/{copy_id:int}/attachments/{trail:trail}/open", Who.ACCOUNT, reading.enclosed),
    Page("/messages/{copy_id:int}/attachments/{trail:trail}/look", Who.ACCOUNT, looking.look),
    Page("/messages/{copy_id:int}/reply", Who.ACCOUNT, writing.reply, BOTH, uploads=True, late=writing.keep_unsent),
    Page("/messages/{copy_id:int}/meeting", Who.ACCOUNT, meeting.say_whether, ("POST",), late=_MEETING),
    Page("/sent/{message_id:int}", Who.ACCOUNT, reading.sent),
    Page("/drafts/{draft_id:int}/discard", Who.ACCOUNT, writing.discard, ("POST",)),
    Page("/compose", Who.ACCOUNT, writing.compose, BOTH, uploads=True, late=writing.keep_unsent),
    Page("/questions/{invitation_id:int}", Who.ACCOUNT, asking.question, BOTH, late=Keeps(_PROOF)),
)
"""Every page there is, and who may call it; door.py holds callers to it."""


def open_portal(
    desk: Desk,
    content: ContentStore,
    random: Random,
    pages: Pages,
    portal_url: str,
    max_upload: int = 50_000_000,
    scanner: Scanner | None = None,
    sign_ins: Mapping[str, SignIn] | None = None,
    count_unopened: Callable[[int], None] = lambda _: None,
    painter: Painter | None = None,
) -> Portal:
    """What the portal at `portal_url` is made of; a form with files may have `max_upload` octets."""
    return Portal(
        desk=desk,
        content=content,
        random=random,
        pages=pages,
        cookies=Cookies(secure=_is_https(portal_url)),
        passwords=Passwords(),
        max_upload=max_upload,
        scanner=scanner,
        sign_ins=sign_ins or {},
        count_unopened=count_unopened,
        painter=painter,
    )


def follow(
    portal: Portal,
    pages: Pages,
    portal_url: str,
    max_upload: int,
    scanner: Scanner | None,
    sign_ins: Mapping[str, SignIn],
) -> Portal:
    """The same by other settings: turns that were taken go on."""
    return replace(
        portal,
        pages=pages,
        cookies=Cookies(secure=_is_https(portal_url)),
        max_upload=max_upload,
        scanner=scanner,
        sign_ins=sign_ins,
    )


def create_app(portal: Portal, portal_url: str) -> Starlette:
    """The portal at `portal_url`."""
    https, pages, desk = _is_https(portal_url), portal.pages, portal.desk
    trail.register()
    app = Starlette(
        routes=[Route(page.path, _endpoint(portal, page), methods=list(page.methods)) for page in PAGES],
        middleware=[Middleware(SecurityHeaders, https=https)],
        exception_handlers=_Apologies(pages, desk.site, portal.cookies).handlers(),
    )
    app.router.redirect_slashes = False  # the redirect would name whatever host the client did
    return app


def _is_https(portal_url: str) -> bool:
    return portal_url.startswith("https:")


def _endpoint(portal: Portal, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await serve(portal, page, request)
        except (HTTPException, DeadLink, TryAgain):
            raise
        except WrongKey:
            portal.tell_unopened(page.path, [value for value in request.path_params.values() if isinstance(value, int)])
            raise
        except Exception as error:
            # Neither the true path, which may hold a token, nor values, which may be anything that a person wrote.
            log.error("page failed", page=page.path, error=type(error).__name__, at=_where(error))
            raise HTTPException(500) from None

    return endpoint


def _where(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


class _Apologies:
    """The pages that say what went wrong. They are the same for everybody, and say nothing of the inside."""

    def __init__(self, pages: Pages, site: Site, cookies: Cookies) -> None:
        self._pages, self._site, self._cookies = pages, site, cookies

    def handlers(self) -> dict[int | type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
        return {
            DeadLink: self._dead_link,
            HTTPException: self._refused,
            TryAgain: self._busy,
            WrongKey: self._unopened,
        }

    async def _dead_link(self, request: Request, _: Exception) -> Response:
        return self._page(request, "invite/dead_link", 404)

    async def _refused(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 404 and (right := mended_link(request)):  # /INVITE/… is no page of ours
            return right
        if status == 405 and request.method == "GET":  # a form's answer, come back to after it was shown
            return go_to("/")
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        return self._page(request, "error", status, headers)

    async def _busy(self, request: Request, _: Exception) -> Response:
        return self._page(request, "error", 503, {"retry-after": "30"})

    async def _unopened(self, request: Request, _: Exception) -> Response:
        return self._page(request, "error", 410)  # RFC 9110 §15.5.11: it will not come back by itself

    def _page(self, request: Request, name: str, status: int, headers: dict[str, str] | None = None) -> Response:
        facts = {"account": None, "csrf_token": "", "look": look_of(self._site), "path": "", "code": str(status)}
        language = language_of(request, self._cookies) or self._site.language()
        return HTMLResponse(self._pages.page(name, language, facts), status, headers)
