"""Beginning a session: a fresh cookie, whoever had one before."""

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow.context import Context
from gateway.portal import sessions
from gateway.portal.account import known
from gateway.portal.cookies import SESSION, unguessable
from gateway.portal.visit import Visit, go_to


async def let_in(visit: Visit, account: Account, wanted: str) -> Response:
    """Sign the person in, and lead them on."""
    cookie = unguessable(visit.portal.random)
    before = visit.portal.cookies.read(visit.request, SESSION)
    agent = visit.request.headers.get("user-agent", "")
    await visit.desk.do(_change_session, account.id, before, cookie, agent)
    response = go_to(wanted)
    visit.portal.cookies.give(response, SESSION, cookie)
    known.remember(visit, response, account)
    return response


def _change_session(ctx: Context, account_id: int, before: str, cookie: str, agent: str) -> None:
    """A fresh session, so that nobody may hand a person a session that they know."""
    sessions.end(ctx, before)
    account = ctx.tx.get(Account, account_id)
    if account and not account.is_erased:
        sessions.start(ctx, account, cookie, agent)
