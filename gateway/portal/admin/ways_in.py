"""Signing in to the administrator's pages: a link from the command line, or the site's own sign-in; and out again."""

import hmac
import json
from datetime import timedelta

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.errors import WrongKey
from gateway.flow.administration import admin_session
from gateway.portal.admin.door import HOME, SESSION, SIGN_IN, Call, signed_in
from gateway.portal.cookies import unguessable
from gateway.portal.sealed_text import seal, unseal
from gateway.portal.visit import go_to
from gateway.ports import SignIn, SignInFailed

log = structlog.get_logger()

ASKED = "admin-asked"
LASTS = timedelta(minutes=15)
_BOUND = "asked|administrator's pages"


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
    """GET: on to the site's own sign-in. What must come back from there is kept in this very browser."""
    door = _door(call)
    if not call.panel.throttle.take(call.client, call.panel.desk.clock.now()):
        raise HTTPException(429)
    try:
        asked = await door.begin(_back(call))
    except SignInFailed as failure:
        return _failed(call, failure)
    response = go_to(asked.url)
    sealed = seal(call.desk.keys, json.dumps(dict(asked.remembered)).encode(), _BOUND)
    call.panel.cookies.give(response, ASKED, sealed, LASTS)
    return response


async def back(call: Call) -> Response:
    """GET: back from there. Whoever the settings name as an administrator is let in."""
    door, query = _door(call), call.request.query_params
    remembered, state, code = _remembered(call), query.get("state", ""), query.get("code", "")
    # RFC 6749 §10.12: an answer that this browser has not asked for would sign it in as somebody else.
    if not remembered or not hmac.compare_digest(state.encode(), remembered["state"].encode()):
        return _over(call, _refused(call, "late", 400))
    if not code:
        return _failed(call, SignInFailed(f"the provider says: {query.get('error', 'nothing')[:100]}"))
    try:
        who = await door.finish(remembered, code, _back(call))
    except SignInFailed as failure:
        return _failed(call, failure)
    cookie = unguessable(call.panel.random)
    session = await call.desk.do(admin_session.admit, who, call.panel.addresses, cookie)
    if session is None:
        return _over(call, _refused(call, "nobody", 403))
    call.panel.throttle.give_back(call.client)
    return _over(call, signed_in(call, cookie, session))


async def sign_out(call: Call) -> Response:
    """POST: the session has ended."""
    await call.desk.do(admin_session.end, call.panel.cookies.read(call.request, SESSION))
    response = go_to(SIGN_IN)
    call.panel.cookies.take_back(response, SESSION)
    return response


def _door(call: Call) -> SignIn:
    if call.panel.sign_in is None:
        raise HTTPException(404)
    return call.panel.sign_in


def _back(call: Call) -> str:
    return f"{call.panel.url}/admin/back"


def _remembered(call: Call) -> dict[str, str]:
    try:
        sealed = call.panel.cookies.read(call.request, ASKED)
        said: dict[str, str] = json.loads(unseal(call.desk.keys, sealed, _BOUND))
    except WrongKey:
        return {}
    return said


def _failed(call: Call, failure: SignInFailed) -> Response:
    log.warning("an administrator's sign-in failed", error=str(failure))
    return _over(call, _refused(call, "silent", 502))


def _refused(call: Call, why: str, status: int) -> Response:
    return call.show("sign_in", {"by_openid": call.panel.sign_in is not None, "why": why}, status=status)


def _over(call: Call, response: Response) -> Response:
    """A code is good once, and so is what was remembered for it."""
    call.panel.cookies.take_back(response, ASKED)
    return response
