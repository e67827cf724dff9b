"""The administrator's pages as an ASGI application of their own: the table of pages."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.errors import TryAgain, WrongKey
from gateway.portal.admin import views, ways_in
from gateway.portal.admin.door import HOME, AdminPage, Panel, serve
from gateway.portal.admin.sheet import SHEET_PATH
from gateway.portal.headers import SecurityHeaders
from gateway.portal.visit import go_to

log = structlog.get_logger()

BOTH = ("GET", "POST")
PAGES: tuple[AdminPage, ...] = (
    AdminPage("/admin/sign-in", ways_in.sign_in, is_way_in=True),
    AdminPage("/admin/enter/{token}", ways_in.enter, BOTH, is_way_in=True),
    AdminPage("/admin/go", ways_in.go, is_way_in=True),
    AdminPage("/admin/back", ways_in.back, is_way_in=True),
    AdminPage("/admin/static/{name}", views.static, is_way_in=True),
    AdminPage("/admin/sign-out", ways_in.sign_out, ("POST",)),
    AdminPage("/admin", views.overview),
    AdminPage("/admin/queue", views.waiting),
    AdminPage("/admin/queue/{number:int}", views.delivery, BOTH),
    AdminPage("/admin/expiring", views.expiring),
    AdminPage("/admin/find", views.find, BOTH),
    AdminPage("/admin/observed", views.observed),
    AdminPage("/admin/observed.csv", views.observed_csv),
    AdminPage("/admin/settings", views.settings),
)
"""Every page there is."""
_SAID = {
    400: "This button is not known",
    403: "We could not be sure that this came from you",
    404: "There is no such page, or nothing of that number is kept any more",
    405: "This page cannot be used like that",
    413: "This is too large",
    429: "Too many tries: wait 15 minutes",
    503: "The database is busy: try again in a moment",
}


def create_app(panel: Panel) -> Starlette:
    """The pages, at `/admin`."""
    apologies = _Apologies(panel)
    app = Starlette(
        routes=[
            Route("/", _to_home, methods=["GET"]),
            *(Route(page.path, _endpoint(panel, page), methods=list(page.methods)) for page in PAGES),
        ],
        middleware=[Middleware(SecurityHeaders, https=panel.url.startswith("https:"))],
        exception_handlers={HTTPException: apologies.refused, TryAgain: apologies.busy, WrongKey: apologies.refused},
    )
    app.router.redirect_slashes = False  # the redirect would name whatever host the client did
    return app


async def _to_home(_: Request) -> Response:
    return go_to(HOME)


def _endpoint(panel: Panel, page: AdminPage) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await serve(panel, page, request)
        except (HTTPException, TryAgain):
            raise
        except Exception as error:
            log.exception("a page of the administrator's failed", page=page.path, error=type(error).__name__)
            raise HTTPException(500) from None

    return endpoint


class _Apologies:
    """The page that says what went wrong; it is the same for everybody."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    async def refused(self, _: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self._page(status, dict(error.headers or {}) if isinstance(error, HTTPException) else {})

    async def busy(self, _: Request, __: Exception) -> Response:
        return self._page(503, {"retry-after": "30"})

    def _page(self, status: int, headers: dict[str, str]) -> Response:
        said = _SAID.get(status, "Something went wrong: the log says what")
        facts = {"said": said, "session": None, "path": "", "csrf_token": "", "sheet": SHEET_PATH, "observes": False}
        return HTMLResponse(self._panel.pages.page("error", "en", facts), status, headers)
