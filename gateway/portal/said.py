"""What a form has done is said by a page with an address of its own (303), so that a reload does nothing once more.

What that page has to say lies in the browser for some minutes, sealed for this browser, this person and this address.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from gateway.errors import WrongKey
from gateway.portal.cookies import SAID
from gateway.portal.sealed_text import seal, unseal
from gateway.portal.visit import Visit, go_to

LASTS = timedelta(minutes=5)


def then_say(visit: Visit, facts: Mapping[str, Any], query: str = "") -> Response:
    """Turn to the form's own address, whose page finds these facts; more than a cookie holds is not said."""
    response = go_to(f"{visit.request.url.path}?{query}&{SAID}" if query else f"{visit.request.url.path}?{SAID}")
    sealed = seal(visit.desk.keys, json.dumps(facts).encode(), _bound_to(visit))
    visit.portal.cookies.give(response, SAID, sealed, LASTS)
    return response


def to_say(visit: Visit) -> dict[str, Any] | None:
    """What the page has to say; None for one that is asked for by itself."""
    if visit.posted or SAID not in visit.request.query_params:
        return None
    try:
        sealed = visit.portal.cookies.read(visit.request, SAID)
        facts: dict[str, Any] = json.loads(unseal(visit.desk.keys, sealed, _bound_to(visit)))
    except WrongKey:
        return None
    return facts


def _bound_to(visit: Visit) -> str:
    account = visit.signed_in.account.id if visit.signed_in else 0
    return f"said|{visit.visitor}|{account}|{visit.request.url.path}"
