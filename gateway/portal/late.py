"""A form that comes after its session has ended: nothing is done, what was typed is kept, its author goes on with it.

The form says, vouched for by us, to whom its page was shown. A message goes among that person's drafts; what a smaller
form holds goes back into the browser, sealed, for that person alone, and is sent with one press after signing in.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from urllib.parse import quote

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.errors import WrongKey
from gateway.portal.cookies import LATE
from gateway.portal.sealed_text import seal, unseal
from gateway.portal.visit import Visit, go_to

LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What somebody was about to send, and where to. `typed` is shown to them; `hidden` goes with it unseen."""

    account_id: int
    path: str
    typed: Mapping[str, str]
    hidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keeps:
    """What answers a small form that comes late: these fields of it are kept. None of them may be a secret."""

    typed: tuple[str, ...]
    hidden: tuple[str, ...] = ()

    async def __call__(self, visit: Visit, author: Account) -> Response:
        typed, hidden = ({name: visit.typed(name) for name in names} for names in (self.typed, self.hidden))
        path = visit.request.url.path
        response, unfinished = come_back(visit, path), Unfinished(author.id, path, typed, hidden)
        plain = json.dumps(asdict(unfinished), ensure_ascii=False).encode("utf-8", "replace")
        if visit.portal.cookies.give(response, LATE, seal(visit.desk.keys, plain, _bound_to(visit)), LASTS):
            return response
        response = come_back(visit, path, is_kept=False)  # far more than its fields take
        visit.portal.cookies.take_back(response, LATE)
        return response


def come_back(visit: Visit, path: str, *, is_kept: bool = True) -> Response:
    """Have the author sign in, and come to `path`; somebody else who is signed in by now goes on with their own."""
    done = "kept" if is_kept else "idle"
    return go_to("/inbox?done=another" if visit.signed_in else f"/sign-in?done={done}&next={quote(path)}")


def found(visit: Visit, account: Account) -> Unfinished | None:
    """What this person was about to send from this browser, if anything."""
    sealed = visit.portal.cookies.read(visit.request, LATE)
    try:
        unfinished = Unfinished(**json.loads(unseal(visit.desk.keys, sealed, _bound_to(visit))))
    except (WrongKey, TypeError):  # an older gateway may have kept other fields
        return None
    return unfinished if unfinished.account_id == account.id else None


async def go_on(visit: Visit, account: Account) -> Response:
    """GET shows what was typed, and sends it with one press; POST lets go of it."""
    if visit.posted:
        response = go_to("/inbox")
        forget(visit, response)
        return response
    unfinished = found(visit, account)
    return visit.show("account/late", {"late": unfinished}) if unfinished else go_to("/inbox")


def forget(visit: Visit, response: Response) -> None:
    """It was sent, or something else instead."""
    if visit.portal.cookies.read(visit.request, LATE):
        visit.portal.cookies.take_back(response, LATE)


def _bound_to(visit: Visit) -> str:
    return f"late|{visit.visitor}"
