"""A sender's own page: whom they wait for, their practice's people, and what they can say without writing a mail."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.vocabulary import State
from gateway.flow import sender_page
from gateway.flow.funnel import Funnel
from gateway.flow.sender_page import Outworn, SenderPage, Sought
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


async def sender(visit: Visit, page: SenderPage | Outworn) -> Response:
    """GET shows; POST runs the one line that the button or the form stands for."""
    if isinstance(page, Outworn):
        return await _renew(visit)
    if not visit.posted:
        return await _show(visit, page)
    token, person = visit.request.path_params["token"], visit.typed("person")
    if not await _knows(visit, page, person):
        raise HTTPException(404)
    form = RelationshipForm(visit.form)
    line = _line(visit, form)
    if line is None:
        return await _show(visit, page, sent_back=(person, form))
    results = await visit.desk.do_at_length(sender_page.by_page, token, f"{person} {line}")
    if results is None:
        raise DeadLink
    for sought in (page.sought, Sought()):  # who was moved is found at another address
        anew = await visit.desk.ask(sender_page.sender_page, token, sought)
        if isinstance(anew, SenderPage):
            return await _show(visit, anew, results=results)
    raise DeadLink


async def _renew(visit: Visit) -> Response:
    """The link is too old: GET offers a new one; POST sends it, to the sender's own address."""
    if not visit.posted:
        return visit.show("senders/outworn", {"staff": bool(visit.portal.sign_ins)})
    await visit.desk.do(sender_page.renew, visit.request.path_params["token"])
    return visit.show("senders/renewed")


async def _knows(visit: Visit, page: SenderPage, person: str) -> bool:
    """Whether the form is about somebody on the page, or somebody who was there when it was shown."""
    if any(shown["address"] == person for shown in page.people):
        return True
    if page.focus or not person:
        return False
    alone = Sought(person=person)
    return isinstance(
        await visit.desk.ask(sender_page.sender_page, visit.request.path_params["token"], alone), SenderPage
    )


def _line(visit: Visit, form: RelationshipForm) -> str | None:
    """What the button says by mail; None if something is wrong, which the form then says."""
    match visit.typed("action"):
        case "details":
            return form.command(visit.today)
        case "move":
            return form.new_place()
        case "recall":
            reason = " ".join(visit.typed("reason").split())
            return f"RECALL: {reason}" if reason else "RECALL"
        case action:
            return _BUTTONS.get(action)


async def _show(
    visit: Visit,
    page: SenderPage,
    *,
    sent_back: tuple[str, RelationshipForm] | None = None,
    results: list[dict[str, Any]] | None = None,
) -> Response:
    sought = page.sought
    query = {"show": sought.show if sought.show != "waiting" else "", "q": sought.words}
    facts = {
        "token": visit.request.path_params["token"],
        "sender": page.sender,
        "practice": page.practice,
        "cards": [_card(person, index, sent_back) for index, person in enumerate(page.people)],
        "focus": page.focus,
        "readings": page.readings,
        "receipts": visit.desk.site.read_receipts,
        "sought": sought,
        "query": urlencode({name: value for name, value in query.items() if value}),
        "pages": page.pages,
        "count": page.count,
        "is_manager": page.is_manager,
        "funnel": page.funnel,
        "bars": _bars(page.funnel) if page.funnel else [],
        "results": results or [],
        "wrong": sent_back[1].wrong if sent_back else [],
    }
    status = REFUSED if sent_back else 200
    return await asyncio.to_thread(visit.show, "senders/page", facts, status=status, practice_id=page.practice_id)


async def people_csv(visit: Visit, _: SenderPage | Outworn) -> Response:
    """POST: the whole practice's people, for a manager."""
    made = await visit.desk.do_at_length(sender_page.practice_list, visit.request.path_params["token"])
    if made is None:
        raise DeadLink
    headers = {"content-disposition": 'attachment; filename="people.csv"'}
    return Response(made, headers=headers, media_type="text/csv; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Bar:
    """One month of the chart, in the units of its picture: where its column stands, and how high its parts are."""

    month: str
    at: int
    held: int
    registered: int
    counts: dict[str, int]


HEIGHT, COLUMN = 140, 60
"""Of the chart, in units of its picture."""


def _bars(found: Funnel) -> list[Bar]:
    most = max((counts["held"] for _, counts in found.months), default=0) or 1
    return [
        Bar(month, place * COLUMN, HEIGHT * counts["held"] // most, HEIGHT * counts["registered"] // most, counts)
        for place, (month, counts) in enumerate(found.months)
    ]


def _card(person: dict[str, Any], index: int, sent_back: tuple[str, RelationshipForm] | None) -> Card:
    returned = sent_back is not None and sent_back[0] == person["address"]
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
