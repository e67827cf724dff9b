"""Signing in to the administrator's pages: a link from the command line, or the site's own sign-in; and out again."""

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.flow import throttle
from gateway.flow.administration import admin_session
from gateway.flow.throttle import Count
from gateway.portal.admin.door import HOME, SESSION, SIGN_IN, Call, signed_in
from gateway.portal.cookies import unguessable
from gateway.portal.sign_in_trip import NotAsked, SignInTrip
from gateway.portal.throttle import of_client
from gateway.portal.visit import go_to
from gateway.ports import SignInFailed

log = structlog.get_logger()

ASKED = "admin-asked"
_PURPOSE = "asked|administrator's pages"


async def sign_in(call: Call) -> Response:
    """GET: how to come in."""
    if call.session:
        return go_to(HOME)
    return call.show("sign_in", {"by_openid": call.panel.sign_in is not None, "why": ""})


async def enter(call: Call) -> Response:
    """GET: a button; POST: the link is used up. A link may be looked at by whatever passes it on, and stays good."""
    token = call.request.path_params["token"]
    if not call.posted:
        link = await call.desk.ask(admin_session.unused, token)
        if link is None:
            return _refused(call, "dead", 404)
        return call.show("enter", {"name": link.name})
    cookie = unguessable(call.panel.random)
    session = await call.desk.do(admin_session.enter, token, cookie)
    return signed_in(call, cookie, session) if session else _refused(call, "dead", 404)


async def go(call: Call) -> Response:
    """GET: on to the site's own sign-in."""
    trip = _trip(call)
    if not await call.desk.do(throttle.take, _tries(call)):
        raise HTTPException(429)
    try:
        return await trip.begin()
    except SignInFailed as failure:
        return _failed(call, trip, failure)


async def back(call: Call) -> Response:
    """GET: back from there. Whoever the settings name as an administrator is let in."""
    trip = _trip(call)
    try:
        who = await trip.finish(call.request)
    except NotAsked:
        return trip.over(_refused(call, "late", 400))
    except SignInFailed as failure:
        return _failed(call, trip, failure)
    cookie = unguessable(call.panel.random)
    session = await call.desk.do(admin_session.admit, who, call.panel.addresses, cookie)
    if session is None:
        return trip.over(_refused(call, "nobody", 403))
    await call.desk.do(throttle.give_back, _tries(call))
    return trip.over(signed_in(call, cookie, session))


async def sign_out(call: Call) -> Response:
    """POST: the session has ended."""
    await call.desk.do(admin_session.end, call.panel.cookies.read(call.request, SESSION))
    response = go_to(SIGN_IN)
    call.panel.cookies.take_back(response, SESSION)
    return response


def _tries(call: Call) -> Count:
    return of_client(f"administrator {call.client}")


def _trip(call: Call) -> SignInTrip:
    panel = call.panel
    if panel.sign_in is None:
        raise HTTPException(404)
    return SignInTrip(panel.sign_in, f"{panel.url}/admin/back", panel.cookies, ASKED, call.desk.keys, _PURPOSE)


def _failed(call: Call, trip: SignInTrip, failure: SignInFailed) -> Response:
    log.warning("an administrator's sign-in failed", error=str(failure))
    return trip.over(_refused(call, "silent", 502))


def _refused(call: Call, why: str, status: int) -> Response:
    return call.show("sign_in", {"by_openid": call.panel.sign_in is not None, "why": why}, status=status)
