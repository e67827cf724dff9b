"""A practice's people come to their own page by signing in at their practice (OpenID Connect)."""

import hmac
import json
from datetime import timedelta

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.errors import WrongKey
from gateway.flow.commands import sender_page
from gateway.portal.cookies import ASKED
from gateway.portal.sealed_text import seal, unseal
from gateway.portal.visit import Visit, go_to
from gateway.ports import SignIn, SignInFailed

log = structlog.get_logger()

LASTS = timedelta(minutes=15)
"""How long somebody may take to sign in at their practice."""


async def doors(visit: Visit) -> Response:
    """GET: the practices whose people can sign in here."""
    practices = [practice for practice in visit.desk.site.practices if practice.id in visit.portal.sign_ins]
    if not practices:
        raise HTTPException(404)
    return visit.show("senders/staff", {"practices": practices})


async def go(visit: Visit) -> Response:
    """GET: on to the practice's own sign-in. What must come back from there is kept in this very browser."""
    sign_in = _sign_in(visit)
    if not visit.portal.client_throttle.take(_tries(visit), visit.desk.clock.now()):
        raise HTTPException(429)
    try:
        asked = await sign_in.begin(_back(visit))
    except SignInFailed as failure:
        return _failed(visit, failure)
    response = go_to(asked.url)
    sealed = seal(visit.desk.keys, json.dumps(dict(asked.remembered)).encode(), _bound_to(visit))
    visit.portal.cookies.give(response, ASKED, sealed, LASTS)
    return response


async def back(visit: Visit) -> Response:
    """GET: back from there. Whoever writes for this practice goes on to their page."""
    sign_in, query = _sign_in(visit), visit.request.query_params
    remembered = _remembered(visit)
    state, code = query.get("state", ""), query.get("code", "")
    # RFC 6749 §10.12: an answer that this browser has not asked for would sign it in as somebody else.
    if not remembered or not hmac.compare_digest(state.encode(), remembered["state"].encode()):
        return _nobody(visit, "late", 400)
    if not code:
        return _failed(visit, SignInFailed(f"the provider says: {query.get('error', 'nothing')[:100]}"))
    try:
        address = await sign_in.finish(remembered, code, _back(visit))
    except SignInFailed as failure:
        return _failed(visit, failure)
    token = await visit.desk.do(sender_page.enter, visit.request.path_params["practice"], address)
    if token is None:
        return _nobody(visit, "stranger", 403, address)
    visit.portal.client_throttle.give_back(_tries(visit))  # a whole practice may have one address
    return _over(visit, go_to(f"/sender/{token}"))


def _tries(visit: Visit) -> str:
    return f"staff {visit.client}"


def _sign_in(visit: Visit) -> SignIn:
    found = visit.portal.sign_ins.get(visit.request.path_params["practice"])
    if found is None:
        raise HTTPException(404)
    return found


def _back(visit: Visit) -> str:
    return f"{visit.desk.site.portal_url}/staff/{visit.request.path_params['practice']}/back"


def _remembered(visit: Visit) -> dict[str, str]:
    """What this browser asked this practice with; empty for nothing, and for what we have not sealed for it."""
    try:
        sealed = visit.portal.cookies.read(visit.request, ASKED)
        said: dict[str, str] = json.loads(unseal(visit.desk.keys, sealed, _bound_to(visit)))
    except WrongKey:
        return {}
    return said


def _bound_to(visit: Visit) -> str:
    """An answer for one practice is none for another (RFC 9700 §4.4), though both may have the same provider."""
    return f"asked|{visit.request.path_params['practice']}"


def _failed(visit: Visit, failure: SignInFailed) -> Response:
    log.warning("a practice's sign-in failed", practice=visit.request.path_params["practice"], error=str(failure))
    return _nobody(visit, "silent", 502)


def _nobody(visit: Visit, why: str, status: int, address: str = "") -> Response:
    return _over(visit, visit.show("senders/staff_failed", {"why": why, "address": address}, status=status))


def _over(visit: Visit, response: Response) -> Response:
    """A code is good once, and so is what was remembered for it."""
    visit.portal.cookies.take_back(response, ASKED)
    return response
