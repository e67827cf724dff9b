"""What a sender answers who was asked about a mail of theirs: YES, PLAIN, CANCEL."""

from dataclasses import replace

from gateway.domain.model import Invitation
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import Answer
from gateway.flow.commands.command_call import CommandCall, Scope
from gateway.flow.inbound import question
from gateway.flow.results import Result, ResultCode


def is_open(call: CommandCall) -> bool:
    """Whether the command is about a mail that waits for an answer."""
    return call.command.person is None and _current(call) is not None


def yes(call: CommandCall) -> list[Result]:
    """The mail goes its way as secure mail."""
    current = _current(call)
    mailing = question.take_as_secure(call.ctx, current) if current else None
    if mailing is None:
        return [_over(call)]
    who = [row.who for row in mailing.rows]
    return [
        Result(
            code=ResultCode.TAKEN_AS_SECURE,
            readers=tuple(who[: question.SHOWN]),
            receipt=bool(mailing.waiting_senders),
        )
    ]


def with_details(call: CommandCall) -> CommandCall:
    """The same command about those who wait for the mail, once it is secure mail: who says who they are means YES."""
    current = _current(call)
    mailing = question.take_as_secure(call.ctx, current) if current else None
    invited = [
        call.ctx.tx.get(Invitation, waiting_sender.invitation_id)
        for waiting_sender in (mailing.waiting_senders if mailing else ())
    ]
    return replace(call, scope=Scope(tuple(filter(None, invited))))


def plain(call: CommandCall) -> list[Result]:
    """The mail passes as it came, where that was the question."""
    current = _current(call)
    if current is None:
        return [_over(call)]
    if not question.may_be_plain(current):
        return [Result(code=ResultCode.NOT_PLAIN)]
    return [Result(code=ResultCode.SENT_PLAIN, count=question.send_plain(call.ctx, current))]


def cancel(call: CommandCall) -> list[Result]:
    """The mail goes nowhere."""
    current = _current(call)
    if current is None:
        return [_over(call)]
    count = question.discard(call.ctx, current, Answer.CANCEL, call.sender.address)
    return [Result(code=ResultCode.DISCARDED, count=count)]


def _current(call: CommandCall) -> Question | None:
    """The question as it stands now, while nobody has answered it."""
    asked = call.ctx.tx.get(Question, call.scope.question.id) if call.scope.question else None
    return asked if asked and asked.answer is None else None


def _over(call: CommandCall) -> Result:
    asked = call.ctx.tx.get(Question, call.scope.question.id) if call.scope.question else None
    return Result(code=ResultCode.NOTHING_ASKED, answer=asked.answer.value if asked and asked.answer else "")
