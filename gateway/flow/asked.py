"""What a sender answers who was asked about a mail of theirs: YES, PLAIN, CANCEL."""

from dataclasses import replace

from gateway.domain.model import Invitation
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import Answer
from gateway.flow import question
from gateway.flow.ask import Ask, Result, Scope


def is_open(ask: Ask) -> bool:
    """Whether the command is about a mail that waits for an answer."""
    return ask.command.person is None and _current(ask) is not None


def yes(ask: Ask) -> list[Result]:
    """The mail goes its way as secure mail."""
    current = _current(ask)
    mailing = question.take_as_secure(ask.ctx, current) if current else None
    if mailing is None:
        return [_over(ask)]
    who = [row["who"] for row in mailing.rows]
    return [{"code": "taken_as_secure", "to": who[: question.SHOWN], "receipt": bool(mailing.waiters)}]


def with_details(ask: Ask) -> Ask:
    """The same command about those who wait for the mail, once it is secure mail: who says who they are means YES."""
    current = _current(ask)
    mailing = question.take_as_secure(ask.ctx, current) if current else None
    invited = [ask.ctx.tx.get(Invitation, waiter.invitation_id) for waiter in (mailing.waiters if mailing else ())]
    return replace(ask, scope=Scope(tuple(filter(None, invited))))


def plain(ask: Ask) -> list[Result]:
    """The mail passes as it came, where that was the question."""
    current = _current(ask)
    if current is None:
        return [_over(ask)]
    if not question.may_be_plain(current):
        return [{"code": "not_plain"}]
    return [{"code": "sent_plain", "count": question.send_plain(ask.ctx, current)}]


def cancel(ask: Ask) -> list[Result]:
    """The mail goes nowhere."""
    current = _current(ask)
    if current is None:
        return [_over(ask)]
    count = question.discard(ask.ctx, current, Answer.CANCEL, ask.sender.address)
    return [{"code": "discarded", "count": count}]


def _current(ask: Ask) -> Question | None:
    """The question as it stands now, while nobody has answered it."""
    asked = ask.ctx.tx.get(Question, ask.scope.question.id) if ask.scope.question else None
    return asked if asked and asked.answer is None else None


def _over(ask: Ask) -> Result:
    asked = ask.ctx.tx.get(Question, ask.scope.question.id) if ask.scope.question else None
    return {"code": "nothing_asked", "answer": asked.answer.value if asked and asked.answer else ""}
