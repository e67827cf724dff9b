"""A sender's own page: whom they wait for, their practice's people, and the line that a button stands for.

Its link stands in each notice to a sender, and works for some days only: it may be read by whoever reads their mail.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from math import ceil
from typing import Any

from gateway.domain.acts import Act
from gateway.domain.address import Address, address
from gateway.domain.commands import Command
from gateway.domain.links import OPENS, Part, that_open
from gateway.domain.model import Invitation, Sender, WaitingSender
from gateway.domain.vocabulary import OPEN, Notice, Purpose, Relationship, State
from gateway.errors import BadAddress
from gateway.flow import notices, senders, who
from gateway.flow.accounts import attempts
from gateway.flow.commands.command_call import Scope
from gateway.flow.commands.funnel import Funnel, as_csv, funnel, is_manager
from gateway.flow.commands.verbs import carry_out, waited_for
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.facts import AboutPerson, SenderLink
from gateway.flow.inbound import invitee_mail
from gateway.flow.inbox import recall
from gateway.flow.results import Reading, Result, ResultCode
from gateway.flow.standing import Standing, Token

PAGE = 50
"""How many people a page shows at once."""
LIVES = 7
"""For how many days after its mail a link works."""
KNOWN = 400
"""For how many days a link that is too old is still known as one, so that a new one can be sent."""
RENEWALS = 5
"""How many new links a day a sender gets, whoever asks for them."""

SHOWN: dict[str, tuple[Relationship, ...]] = {
    "waiting": (),
    "directory": (Relationship.COLLEAGUE_HERE, Relationship.COLLEAGUE_ELSEWHERE),
    "patients": (Relationship.PATIENT,),
    "practice": (),
}
"""What a page can show: whom the sender waits for, the practice's people of a kind, a manager's report."""


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What is to be shown: one of `SHOWN`, those who have these words, a page; or one person, by address."""

    show: str = "waiting"
    words: str = ""
    page: int = 1
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonOnPage(Standing):
    """A person, with the days that are left, whether the sender waits for them, and how many answers have come."""

    mine: bool = False
    days_left: int | None = None
    answers: int = 0


@dataclass(frozen=True, slots=True)
class SenderPage:
    """What a sender's page shows: people, `PAGE` at a time; or one, who is then in `focus`.

    `about` is the invitation of whom is in focus.
    """

    sender: Sender
    practice_id: str
    practice: str
    people: list[PersonOnPage]
    sought: PeopleFilter
    readings: list[Reading] = field(default_factory=list)
    """Of whom is in focus: the sender's messages to them, when each was sent, and read."""
    focus: bool = False
    about: int = 0
    pages: int = 1
    count: int = 0
    is_manager: bool = False
    funnel: Funnel | None = None


@dataclass(frozen=True, slots=True)
class ExpiredLink:
    """A link that was good once, and whose it was."""

    sender: Sender


def sender_page(ctx: Context, token: str, sought: PeopleFilter) -> SenderPage | ExpiredLink | None:
    """The page that a sender's link opens; None for a dead link. Changes nothing."""
    found = _opened(ctx, token, Part.ONE_PERSON)
    if found is None:
        return None
    sender, invitation = found.sender, found.about
    if found.is_expired:
        return ExpiredLink(sender)
    practice = ctx.site.practice(sender.practice_id)
    if sought.person and invitation is None:
        invitation = _sought_person(ctx, sender, sought.person)
        if invitation is None:
            return None
    if invitation:
        answers = len(invitee_mail.readable(ctx, sender, invitation))
        person = replace(_focused(ctx, sender, invitation), answers=answers)
        readings = recall.readings(ctx, sender, Address(invitation.address, invitation.typed))
        return SenderPage(
            sender, practice.id, practice.name, [person], sought, readings, focus=True, about=invitation.id
        )
    manages = Part.PRACTICE in found.parts and is_manager(ctx, sender)
    if sought.show == "practice":
        report = funnel(ctx, practice.id) if manages else None
        return (
            SenderPage(sender, practice.id, practice.name, [], sought, is_manager=True, funnel=report)
            if report
            else None
        )
    found_people = _found(ctx, sender, sought)
    pages = max(ceil(len(found_people) / PAGE), 1)
    page = min(max(sought.page, 1), pages)
    here = [_row(ctx, row, own) for own, row in found_people[(page - 1) * PAGE : page * PAGE]]
    return SenderPage(
        sender,
        practice.id,
        practice.name,
        here,
        replace(sought, page=page),
        pages=pages,
        count=len(found_people),
        is_manager=manages,
    )


def enter(ctx: Context, practice_id: str, signed_in: str) -> str | None:
    """A link to the page of somebody who signed in at this practice; None if they do not write for it.

    Their practice vouches for its own people only, by whatever address it names.
    """
    try:
        writer = address(signed_in)
    except BadAddress:
        attempts.failed(ctx, Act.PRACTICE_REFUSED, "", f"practice {practice_id}")
        return None
    practice = who.practice_of(ctx, writer)
    if practice is None or practice.id != practice_id:
        attempts.failed(ctx, Act.PRACTICE_REFUSED, writer.key, f"practice {practice_id}")
        return None
    sender = senders.sender_row(ctx, practice, writer)
    ctx.audit(writer.key, Act.PRACTICE_SIGNED_IN, f"sender {sender.id}")
    return ctx.keys.token(Purpose.SENDER_PAGE, sender.id, ctx.today.toordinal())


def practice_list(ctx: Context, token: str) -> str | None:
    """The whole practice's people as CSV, for a manager; None for anybody else, and for a link that opens it not."""
    found = _opened(ctx, token, Part.PRACTICE)
    if found is None or found.is_expired or not is_manager(ctx, found.sender):
        return None
    return as_csv(ctx, found.sender)


def managers_page(ctx: Context, token: str) -> SenderPage | None:
    """The page of a manager that leads to the practice's list; None where that is not to be had."""
    page = sender_page(ctx, token, PeopleFilter(show="practice")) if _opened(ctx, token, Part.PRACTICE) else None
    return page if isinstance(page, SenderPage) and page.is_manager else None


def by_page(ctx: Context, token: str, command: Command) -> list[Result] | None:
    """Carry out the command that the page's form stands for.

    None for a dead link, for one that is too old, and for one that is about somebody else.
    """
    found = _opened(ctx, token, Part.ONE_PERSON)
    if found is None or found.is_expired or (found.about and not _is_about(command, found.about)):
        return None
    sender, invitation = found.sender, found.about
    results = carry_out(ctx, sender, Scope((invitation,) if invitation else ()), command)
    for result in results:
        if result.code is ResultCode.CANCELLED:
            reply = Token(Purpose.SENDER, sender.id)
            notices.to_sender(ctx, Notice.CANCELLED, sender, AboutPerson(person=result.person), reply=reply)
    return results


def _is_about(command: Command, person: Invitation) -> bool:
    return command.person is not None and command.person.key == person.address


def renew(ctx: Context, token: str) -> None:
    """Send a new link to the sender's own address. Nothing comes back: whoever asks learns nothing."""
    found = _opened(ctx, token, Part.ONE_PERSON)
    if found is None or not count_today(ctx, f"page|{found.sender.id}", RENEWALS):
        return
    sender = found.sender
    facts = SenderLink(sender_page=senders.page_token(ctx, Purpose.SENDER_PAGE, sender.id))
    notices.to_sender(ctx, Notice.SENDER_LINK, sender, facts, reply=Token(Purpose.SENDER, sender.id))


# --------------------------------------------------------------------------------------------------------------- links


@dataclass(frozen=True, slots=True)
class _Link:
    """A link that is or was good: whose page it opens, which parts of it, and the one person that it is about."""

    sender: Sender
    about: Invitation | None
    parts: frozenset[Part]
    is_expired: bool


def _opened(ctx: Context, token: str, part: Part) -> _Link | None:
    """The link, if it opens this part."""
    today = ctx.today.toordinal()
    for purpose in that_open(part):
        row = ctx.keys.row_of(token, purpose)
        made_on = ctx.held(token, purpose, row, range(today + 1, today - KNOWN, -1) if row else ())
        if row and made_on:
            return _link(ctx, purpose, row, is_expired=today - made_on > LIVES)
    return None


def _link(ctx: Context, purpose: Purpose, row: int, *, is_expired: bool) -> _Link | None:
    waiting_sender = ctx.tx.get(WaitingSender, row) if Part.OWN_PEOPLE not in OPENS[purpose] else None
    about = ctx.tx.get(Invitation, waiting_sender.invitation_id) if waiting_sender else None
    if about is None and Part.OWN_PEOPLE not in OPENS[purpose]:
        return None
    sender = ctx.tx.get(Sender, waiting_sender.sender_id if waiting_sender else row)
    return _Link(sender, about, OPENS[purpose], is_expired) if sender else None


# -------------------------------------------------------------------------------------------------------------- people


def _found(ctx: Context, sender: Sender, sought: PeopleFilter) -> list[tuple[WaitingSender | None, Invitation]]:
    """Those who are to be shown: who has the least time left first."""
    kinds = SHOWN[sought.show]
    rows = _of_the_practice(ctx, sender, kinds) if kinds else waited_for(ctx, sender)
    words = sought.words.casefold().split()
    wanted = [pair for pair in rows if all(word in pair[1].who.casefold() for word in words)]
    return sorted(wanted, key=lambda pair: _urgency(pair[1]))


def _of_the_practice(
    ctx: Context, sender: Sender, kinds: tuple[Relationship, ...]
) -> list[tuple[WaitingSender | None, Invitation]]:
    """The practice's people of these kinds, each once, as they stand now."""
    conditions: dict[str, Any] = {"relationship__in": kinds, "state__in": (*OPEN, State.ACCEPTED)}
    everybody = ctx.tx.find(Invitation, order="address", practice_id=sender.practice_id, **conditions)
    latest = {invitation.address: invitation for invitation in everybody}
    own = {
        waiting_sender.invitation_id: waiting_sender
        for waiting_sender in ctx.tx.find(WaitingSender, sender_id=sender.id, withdrawn=False)
    }
    return [(own.get(invitation.id), invitation) for invitation in latest.values()]


def _urgency(invitation: Invitation) -> tuple[bool, float, str]:
    """Who has not accepted comes first, and of those, whose next step is due soonest."""
    due = invitation.due_at.timestamp() if invitation.due_at else 0.0
    last = invitation.schedule_start.toordinal() if invitation.state is State.INVITED else due
    return invitation.state is State.ACCEPTED, last, invitation.who.casefold()


def _sought_person(ctx: Context, sender: Sender, person: str) -> Invitation | None:
    """Somebody whom the sender waits for, or has waited for."""
    try:
        invitation = senders.latest_invitation(ctx, sender.practice_id, address(person).key)
    except BadAddress:
        return None
    waits = invitation and ctx.tx.one(WaitingSender, invitation_id=invitation.id, sender_id=sender.id)
    return invitation if waits else None


def _focused(ctx: Context, sender: Sender, invitation: Invitation) -> PersonOnPage:
    waiting_sender = ctx.tx.one(WaitingSender, invitation_id=invitation.id, sender_id=sender.id, withdrawn=False)
    return _row(ctx, invitation, waiting_sender if invitation.state in OPEN else None)


def _row(ctx: Context, invitation: Invitation, waiting_sender: WaitingSender | None) -> PersonOnPage:
    standing = senders.standing(ctx, invitation, waiting_sender)
    until = standing.until
    left = (date.fromisoformat(until) - ctx.today).days if until else None
    answers = invitee_mail.count(ctx, invitation) if waiting_sender else 0
    return PersonOnPage.of(standing, mine=waiting_sender is not None, days_left=left, answers=answers)
