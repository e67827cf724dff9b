"""Choosing the language to read in: for this browser, and for the account of whoever is signed in."""

from dataclasses import replace

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.domain.words import LANGUAGES
from gateway.flow.context import Context
from gateway.portal.account.signing_in import own_path
from gateway.portal.cookies import LANGUAGE
from gateway.portal.visit import Visit, go_to


async def choose(visit: Visit) -> Response:
    """POST takes the choice, and leads back to the page that it was made on."""
    response = go_to(own_path(visit.typed("next")))
    chosen = visit.typed("language")
    if chosen in LANGUAGES:
        visit.portal.cookies.give(response, LANGUAGE, chosen)
        if visit.signed_in:
            await visit.desk.do(_remember, visit.signed_in.account.id, chosen)
    return response


def _remember(ctx: Context, account_id: int, chosen: str) -> None:
    account = ctx.tx.get(Account, account_id)
    if account:
        ctx.tx.put(replace(account, language=chosen))
