"""Browsers in which somebody has signed in before: whoever guesses at an account from elsewhere, or behind the same
proxy, takes none of their tries.
"""

from datetime import timedelta

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.errors import WrongKey
from gateway.portal import sealed_text
from gateway.portal.cookies import KNOWN, unguessable
from gateway.portal.turns import Asker
from gateway.portal.visit import Visit

LASTS = timedelta(days=180)


def remember(visit: Visit, response: Response, account: Account) -> None:
    """From now on the browser is known to be this person's."""
    if not browser(visit, account.address):
        name = unguessable(visit.portal.random)
        visit.portal.cookies.give(response, KNOWN, f"{name}.{_mark(visit, name, account.address)}", LASTS)


def browser(visit: Visit, key: str) -> str:
    """The name of the browser, if the person with this address has signed in with it; "" for any other."""
    name, _, mark = visit.portal.cookies.read(visit.request, KNOWN).partition(".")
    try:
        sealed_text.unseal(visit.desk.keys, mark, _bound_to(name, key))
    except WrongKey:
        return ""
    return name


def asker(visit: Visit, key: str) -> Asker:
    """Who waits for a turn: the browser, if it is known, and not all who come by the same proxy."""
    name = browser(visit, key)
    return Asker(f"browser {name}") if name else visit.asker()


def _mark(visit: Visit, name: str, key: str) -> str:
    """Nothing, sealed: only we can have made it, and it ends with the key that it was made under."""
    return sealed_text.seal(visit.desk.keys, b"", _bound_to(name, key))


def _bound_to(name: str, key: str) -> str:
    return f"known browser|{name}|{key}"
