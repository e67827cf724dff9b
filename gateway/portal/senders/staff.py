"""A practice's people come to their own page by signing in at their practice (OpenID Connect)."""

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.flow import throttle
from gateway.flow.commands import sender_page
from gateway.flow.throttle import Count
from gateway.portal.cookies import ASKED
from gateway.portal.sign_in_trip import NotAsked, SignInTrip
from gateway.portal.throttle import of_client
from gateway.portal.visit import Visit, go_to
from gateway.ports import SignInFailed

log = structlog.get_logger()


async def doors(visit: Visit) -> Response:
    """GET: the practices whose people can sign in here."""
    practices = [practice for practice in visit.desk.site.practices if practice.id in visit.portal.sign_ins]
    if not practices:
        raise HTTPException(404)
    return visit.show("senders/staff", {"practices": practices})


async def go(visit: Visit) -> Response:
    """GET: on to the practice's own sign-in."""
    trip = _trip(visit)
    if not await visit.desk.do(throttle.take, _tries(visit)):
        raise HTTPException(429)
    try:
        return await trip.begin()
    except SignInFailed as failure:
        return _failed(visit, trip, failure)


async def back(visit: Visit) -> Response:
    """GET: back from there. Whoever writes for this practice goes on to their page."""
    trip = _trip(visit)
    try:
        address = await trip.finish(visit.request)
    except NotAsked:
        return _nobody(visit, trip, "late", 400)
    except SignInFailed as failure:
        return _failed(visit, trip, failure)
    token = await visit.desk.do(sender_page.enter, visit.request.path_params["practice"], address)
    if token is None:
        return _nobody(visit, trip, "stranger", 403, address)
    await visit.desk.do(throttle.give_back, _tries(visit))  # a whole practice may have one address
    return trip.over(go_to(f"/sender/{token}"))


def _tries(visit: Visit) -> Count:
    return of_client(f"staff {visit.client}")


def _trip(visit: Visit) -> SignInTrip:
    practice, portal = visit.request.path_params["practice"], visit.portal
    if practice not in portal.sign_ins:
        raise HTTPException(404)
    back = f"{visit.desk.site.portal_url}/staff/{practice}/back"
    return SignInTrip(portal.sign_ins[practice], back, portal.cookies, ASKED, visit.desk.keys, f"asked|{practice}")


def _failed(visit: Visit, trip: SignInTrip, failure: SignInFailed) -> Response:
    log.warning("a practice's sign-in failed", practice=visit.request.path_params["practice"], error=str(failure))
    return _nobody(visit, trip, "silent", 502)


def _nobody(visit: Visit, trip: SignInTrip, why: str, status: int, address: str = "") -> Response:
    return trip.over(visit.show("senders/staff_failed", {"why": why, "address": address}, status=status))
