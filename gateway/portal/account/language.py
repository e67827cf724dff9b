"""Choosing the language to read in: for this browser, and for the account of whoever is signed in."""

from starlette.responses import Response

from gateway.domain.words import LANGUAGES
from gateway.flow.accounts import account as accounts
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
            await visit.desk.do(accounts.choose_language, visit.signed_in.account, chosen)
    return response
