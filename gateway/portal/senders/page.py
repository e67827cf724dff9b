"""A sender's own page: whom they wait for, their practice's people, and what they can say without writing a mail."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.address import Address, address
from gateway.domain.commands import Command, made
from gateway.domain.translatable import Translatable
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import State
from gateway.flow.commands import sender_page
from gateway.flow.commands.funnel import Funnel
from gateway.flow.commands.sender_page import ExpiredLink, PeopleFilter, PersonOnPage, SenderPage
from gateway.portal.door import DeadLink
from gateway.portal.form import REFUSED
from gateway.portal.said import then_say, to_say
from gateway.portal.senders.answers import answers
from gateway.portal.senders.forms import RelationshipForm
from gateway.portal.sure import SureForm, left_alone, sure_form
from gateway.portal.visit import Visit, go_to

_BUTTONS = {"remind": Verb.REMIND, "cancel": Verb.CANCEL, "invite": Verb.INVITE}
"""The buttons that say by themselves what is wanted."""
_NEEDS_DETAILS = (State.AWAITING, State.LOCKED)


@dataclass(frozen=True, slots=True)
class Card:
    """One person with their form; the form's ids differ from card to card."""

    person: PersonOnPage
    form: RelationshipForm
    is_open: bool
    so_far: Translatable | str
    """What the sender has said of them."""


async def sender(visit: Visit, page: SenderPage | ExpiredLink) -> Response:
    """GET shows; POST carries out what a button or a form stands for, once its sender has said that it is meant.

    Who says what a person is makes a choice already, that had none by default.
    """
    if isinstance(page, ExpiredLink):
        return await _renew(visit)
    if not visit.posted:
        return await _show(visit, page)
    token, person = visit.request.path_params["token"], visit.typed("person")
    shown = await _known_person(visit, page, person)
    if shown is None:
        raise HTTPException(404)
    form = RelationshipForm(visit.form)
    command = _command(visit, form, address(shown.address))
    if command is None:
        return await _show(visit, page, sent_back=(person, form))
    if visit.typed("action") != "details":
        sure, answered = sure_form(visit)
        if not answered:
            return _ask(visit, page, visit.typed("action"), sure, shown)
        if not sure.is_yes:
            return go_to(_address(visit, page))
    results = await visit.desk.do_at_length(sender_page.by_page, token, command)
    if results is None:
        raise DeadLink
    for sought in (page.sought, PeopleFilter()):  # who was moved is found at another address
        anew = await visit.desk.ask(sender_page.sender_page, token, sought)
        if isinstance(anew, SenderPage):
            said = [{"code": one.code, "who": one.who, "to": one.to, "why": one.why} for one in results]
            return then_say(visit, {"results": said}, _query(anew))
    raise DeadLink


async def _renew(visit: Visit) -> Response:
    """The link is too old: GET offers a new one; POST sends it, to the sender's own address."""
    if to_say(visit) is not None:
        return visit.show("senders/renewed", {"most": sender_page.RENEWALS})
    form, answered = sure_form(visit)
    if not answered:
        facts = {"form": form, "staff": bool(visit.portal.sign_ins)}
        return visit.show("senders/expired_link", facts, status=REFUSED if form.wrong else 200)
    if not form.is_yes:
        return left_alone(visit)
    await visit.desk.do(sender_page.renew, visit.request.path_params["token"])
    return then_say(visit, {})


async def _known_person(visit: Visit, page: SenderPage, person: str) -> PersonOnPage | None:
    """Whom the form is about: somebody on the page, or somebody who was there when it was shown."""
    if known := next((shown for shown in page.people if shown.address == person), None):
        return known
    if page.focus or not person:
        return None
    token = visit.request.path_params["token"]
    alone = await visit.desk.ask(sender_page.sender_page, token, PeopleFilter(person=person))
    return alone.people[0] if isinstance(alone, SenderPage) else None


def _ask(visit: Visit, page: SenderPage, action: str, form: SureForm, person: PersonOnPage | None = None) -> Response:
    """The page that says what will happen, and to whom, and asks whether it is meant."""
    facts = {
        "action": action,
        "person": person,
        "place": visit.typed("place").strip(),
        "reason": " ".join(visit.typed("reason").split()),
        "form": form,
        "practice": page.practice,
        "back": _address(visit, page),
    }
    return visit.show("senders/sure", facts, status=REFUSED if form.wrong else 200, practice_id=page.practice_id)


def _address(visit: Visit, page: SenderPage) -> str:
    """Where the page is that a form stood on."""
    words = _query(page)
    return f"/sender/{visit.request.path_params['token']}" + (f"?{words}" if words else "")


def _query(page: SenderPage) -> str:
    """What a page's address asks for."""
    sought = page.sought
    query = {"show": sought.show if sought.show != "waiting" else "", "q": sought.words, "person": sought.person}
    if sought.page > 1:
        query["page"] = str(sought.page)
    return urlencode({name: value for name, value in query.items() if value})


def _command(visit: Visit, form: RelationshipForm, person: Address) -> Command | None:
    """What the button stands for; None if something is wrong, which the form then says."""
    match visit.typed("action"):
        case "details":
            details = form.details(visit.today)
            return made(form.verb, person, details=details) if details else None
        case "move":
            place = form.new_place()
            return made(Verb.MOVE, person, to=place) if place else None
        case "recall":
            return made(Verb.RECALL, person, reason=" ".join(visit.typed("reason").split()))
        case action if action in _BUTTONS:
            return made(_BUTTONS[action], person)
        case _:
            return None


async def _show(
    visit: Visit,
    page: SenderPage,
    *,
    sent_back: tuple[str, RelationshipForm] | None = None,
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
        "answers": await answers(visit, page),
        "receipts": visit.desk.site.read_receipts,
        "sought": sought,
        "query": urlencode({name: value for name, value in query.items() if value}),
        "pages": page.pages,
        "count": page.count,
        "is_manager": page.is_manager,
        "funnel": page.funnel,
        "bars": _bars(page.funnel) if page.funnel else [],
        "results": (to_say(visit) or {}).get("results", []),
        "wrong": sent_back[1].wrong if sent_back else [],
    }
    status = REFUSED if sent_back else 200
    return await asyncio.to_thread(visit.show, "senders/page", facts, status=status, practice_id=page.practice_id)


async def people_csv(visit: Visit, _: SenderPage | ExpiredLink) -> Response:
    """POST: the whole practice's people, for a manager whose link is not about one person."""
    token = visit.request.path_params["token"]
    page = await visit.desk.ask(sender_page.managers_page, token)
    if page is None:
        raise DeadLink
    form, answered = sure_form(visit)
    if not answered:
        return _ask(visit, page, "list", form)
    if not form.is_yes:
        return go_to(_address(visit, page))
    made = await visit.desk.do_at_length(sender_page.practice_list, token)
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


def _card(person: PersonOnPage, index: int, sent_back: tuple[str, RelationshipForm] | None) -> Card:
    returned = sent_back is not None and sent_back[0] == person.address
    # Nothing is chosen beforehand, not even what is known: who presses the button alone changes nothing.
    form = sent_back[1] if sent_back and returned else RelationshipForm()
    is_open = returned or person.state in _NEEDS_DETAILS
    return Card(person, form.numbered(index), is_open, form.relationship.choices.get(_known(person), ""))


def _known(person: PersonOnPage) -> str | None:
    """What the sender has said of this person so far, as the form has it."""
    match person.relationship:
        case "colleague_here":
            return person.role or None
        case "colleague_elsewhere":
            return "colleague"
        case known:
            return str(known) or None
