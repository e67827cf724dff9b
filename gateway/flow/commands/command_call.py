"""One command of one sender: what a handler is given, whom it is about, and how it answers."""

from dataclasses import dataclass
from typing import Any

from gateway.domain.commands import Command
from gateway.domain.model import Confirmation, Invitation, Message, Sender, WaitingSender
from gateway.domain.model_questions import Question
from gateway.domain.site import Practice
from gateway.domain.vocabulary import OPEN
from gateway.flow import senders
from gateway.flow.context import Context
from gateway.flow.results import Result, ResultCode


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
class CommandCall:
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


def person(call: CommandCall) -> tuple[Invitation, WaitingSender] | Result:
    """Whom the command is about: always somebody for whom this sender waits or has waited."""
    ctx, named = call.ctx, call.command.person
    if named:
        found = senders.latest_invitation(ctx, call.practice.id, named.key)
        candidates = [found] if found else []
    else:
        now = (ctx.tx.get(Invitation, scoped.id) for scoped in call.scope.people)
        candidates = [invitation for invitation in now if invitation]
        still_open = [invitation for invitation in candidates if invitation.state in OPEN]
        candidates = still_open if len(candidates) > 1 and still_open else candidates
    mine = [(i, w) for i in candidates if (w := waiting_sender(call, i))]
    if len(mine) == 1:
        return mine[0]
    if mine:
        return Result(code=ResultCode.WHICH_PERSON, people=tuple(senders.standing(ctx, i, w) for i, w in mine))
    return Result(code=ResultCode.NOT_FOUND, who=named.typed) if named else Result(code=ResultCode.WHICH_PERSON)


def waiting_sender(call: CommandCall, invitation: Invitation) -> WaitingSender | None:
    return call.ctx.tx.one(WaitingSender, invitation_id=invitation.id, sender_id=call.sender.id)


def result(call: CommandCall, code: ResultCode, invitation: Invitation, **more: Any) -> list[Result]:
    standing = senders.standing(call.ctx, invitation, waiting_sender(call, invitation))
    return [Result(code=code, who=invitation.who, person=standing, **more)]
