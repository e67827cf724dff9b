"""Beginning a session: a fresh cookie, whoever had one before."""

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow.accounts import sessions
from gateway.portal import late
from gateway.portal.account import known
from gateway.portal.cookies import SESSION, unguessable
from gateway.portal.visit import Visit, go_to


async def let_in(visit: Visit, account: Account, wanted: str) -> Response:
    """Sign the person in, and lead them on: to what they were about to send, or where they want to go."""
    cookie = unguessable(visit.portal.random)
    before = visit.portal.cookies.read(visit.request, SESSION)
    agent = visit.request.headers.get("user-agent", "")
    await visit.desk.do(sessions.change, account.id, before, cookie, agent)
    response = go_to("/late" if late.found(visit, account) else wanted)
    visit.portal.cookies.give(response, SESSION, cookie)
    known.remember(visit, response, account)
    return response
