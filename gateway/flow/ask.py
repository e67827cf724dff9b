"""One command of one sender: what a handler is given, whom it is about, and how it answers."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.commands import Command
from gateway.domain.model import Confirmation, Invitation, Message, Sender, Waiter
from gateway.domain.model_questions import Question
from gateway.domain.site import Practice
from gateway.domain.vocabulary import OPEN
from gateway.flow import people
from gateway.flow.context import Context

Result = dict[str, Any]
"""What became of one line: a `code`, and facts for the template that words it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Of whom a line without an address speaks; and the confirmation that a YES confirms."""

    people: tuple[Invitation, ...] = ()
    message: Message | None = None
    """The one mail that the answered notice was about."""
    confirmation: Confirmation | None = None
    question: Question | None = None
    """What the sender is asked about the mail that the notice was about."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One command of one sender."""

    ctx: Context
    sender: Sender
    scope: Scope
    command: Command
    most: int
    """How many people the answer may list."""
    confirmed: bool = False
    by: Sender | None = None
    """Who wrote it on the sender's behalf, if somebody did."""
    language: str = ""
    """The one that the sender is to be answered in, if it is known."""

    @property
    def practice(self) -> Practice:
        return self.ctx.site.practice(self.sender.practice_id)


def person(ask: Ask) -> tuple[Invitation, Waiter] | Result:
    """Whom the command is about: always somebody for whom this sender waits or has waited."""
    ctx, named = ask.ctx, ask.command.person
    if named:
        found = people.latest_invitation(ctx, ask.practice.id, named.key)
        candidates = [found] if found else []
    else:
        now = (ctx.tx.get(Invitation, scoped.id) for scoped in ask.scope.people)
        candidates = [invitation for invitation in now if invitation]
        still_open = [invitation for invitation in candidates if invitation.state in OPEN]
        candidates = still_open if len(candidates) > 1 and still_open else candidates
    mine = [(i, w) for i in candidates if (w := waiter(ask, i))]
    if len(mine) == 1:
        return mine[0]
    if mine:
        return {"code": "which_person", "people": [people.standing(ctx, i, w) for i, w in mine]}
    return {"code": "not_found", "who": named.typed} if named else {"code": "which_person", "people": []}


def waiter(ask: Ask, invitation: Invitation) -> Waiter | None:
    return ask.ctx.tx.one(Waiter, invitation_id=invitation.id, sender_id=ask.sender.id)


def result(ask: Ask, code: str, invitation: Invitation, **facts: Any) -> list[Result]:
    standing = people.standing(ask.ctx, invitation, waiter(ask, invitation))
    return [{"code": code, "who": invitation.who, "person": standing, **facts}]
