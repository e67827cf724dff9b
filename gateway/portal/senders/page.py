"""A sender's own page: whom they wait for, and what they can say without writing a mail."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.vocabulary import State
from gateway.flow import answer
from gateway.flow.answer import SenderPage
from gateway.portal.door import DeadLink
from gateway.portal.form import REFUSED
from gateway.portal.senders.forms import RelationshipForm
from gateway.portal.visit import Visit

_BUTTONS = {"remind": "REMIND", "cancel": "CANCEL", "invite": "INVITE"}
"""The buttons that say by themselves what is wanted, and the same by mail."""
_NEEDS_DETAILS = (State.AWAITING, State.LOCKED)


@dataclass(frozen=True, slots=True)
class Card:
    """One person with their form; the form's ids differ from card to card."""

    person: dict[str, Any]
    form: RelationshipForm
    is_open: bool


async def sender(visit: Visit, page: SenderPage) -> Response:
    """GET shows; POST runs the one line that the button or the form stands for."""
    if not visit.posted:
        return await _show(visit, page)
    token, person = visit.request.path_params["token"], visit.typed("person")
    page = await _page(visit, token, person)  # the list may have moved on
    index = _index(page, person)
    form = RelationshipForm(visit.form)
    action = visit.typed("action")
    line = form.command(visit.today) if action == "details" else _BUTTONS.get(action)
    if line is None:
        return await _show(visit, page, sent_back=(index, form))
    if page.focus is None:
        line = f"{page.people[index]['address']} {line}"
    results = await visit.desk.do_at_length(answer.by_page, token, line)
    if results is None:
        raise DeadLink
    return await _show(visit, await _page(visit, token, person), results=results)


async def _page(visit: Visit, token: str, person: str) -> SenderPage:
    """The page that has this person, or the one that was asked for."""
    page = await visit.desk.ask(answer.sender_page, token, visit.page, holding=person)
    if page is None:
        raise DeadLink
    return page


def _index(page: SenderPage, person: str) -> int:
    """Whom the form is about: the one that the link is for, or one of those on the page."""
    if page.focus is not None:
        return page.focus
    addresses = [shown["address"] for shown in page.people]
    if person not in addresses:
        raise HTTPException(404)
    return addresses.index(person)


async def _show(
    visit: Visit,
    page: SenderPage,
    *,
    sent_back: tuple[int, RelationshipForm] | None = None,
    results: list[dict[str, Any]] | None = None,
) -> Response:
    shown = range(len(page.people)) if page.focus is None else [page.focus]
    cards = [_card(page.people[index], index, sent_back) for index in shown]
    facts = {
        "token": visit.request.path_params["token"],
        "sender": page.sender,
        "practice": page.practice,
        "cards": cards,
        "focus": page.focus is not None,
        "page": page.page,
        "pages": page.pages,
        "results": results or [],
        "wrong": sent_back[1].wrong if sent_back else [],
    }
    return await asyncio.to_thread(visit.show, "senders/page", facts, status=REFUSED if sent_back else 200)


def _card(person: dict[str, Any], index: int, sent_back: tuple[int, RelationshipForm] | None) -> Card:
    returned = sent_back is not None and sent_back[0] == index
    form = sent_back[1] if sent_back and returned else RelationshipForm(data={"relationship": _known(person)})
    return Card(person, form.numbered(index), is_open=returned or person["state"] in _NEEDS_DETAILS)


def _known(person: dict[str, Any]) -> str | None:
    """What the form offers as chosen already."""
    match person["relationship"]:
        case "colleague_here":
            return str(person["role"]) or None
        case "colleague_elsewhere":
            return "colleague"
        case known:
            return str(known) or None
