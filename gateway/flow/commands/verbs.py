"""What each verb does: one handler a verb, each answers with results that a template words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gateway.domain.acts import of_verb
from gateway.domain.commands import Command, Line, Unknown, in_words, listed, read
from gateway.domain.lifecycle import Event
from gateway.domain.meant import meant
from gateway.domain.model import Confirmation, Invitation, Sender, WaitingSender
from gateway.domain.verbs import Verb
from gateway.domain.vocabulary import OPEN, RESTING, Relationship, State
from gateway.flow import confirmations, senders
from gateway.flow.commands import delegates, move, question_answers, take_back
from gateway.flow.commands.command_call import CommandCall, Scope, person, result, waiting_sender
from gateway.flow.context import Context
from gateway.flow.invitations import invite
from gateway.flow.results import Result, ResultCode

MOST = 500
"""How many people one answer lists: ten times as many make a mail of 7 MB, which keeps everybody waiting."""


def run(
    ctx: Context,
    sender: Sender,
    scope: Scope,
    lines: Sequence[Line],
    *,
    confirmed: bool = False,
    by: Sender | None = None,
    language: str = "",
    most: int | None = None,
    are_rows: bool = False,
) -> list[Result]:
    """Run typed lines in turn, which somebody may have written on the sender's behalf.

    The first that is no command ends them: what follows is prose or a signature. In a list of people, such as the
    rows of a table (`are_rows`), one that is wrong is named, and the next is read. A question is answered once, and
    lists `most` people, or `MOST`.
    """
    results: list[Result] = []
    answered: set[str] = set()
    order = ctx.site.practice(sender.practice_id).date_order
    for line in lines:
        command = line.said
        if isinstance(command, Unknown) and len(scope.people) != 1:
            command = listed(line.typed, ctx.today, order) or command
        if isinstance(command, Unknown):
            if are_rows or (results and "@" in line.typed):
                has_number = are_rows and "@" not in line.typed
                named = line.typed if has_number else command.text  # what may be repeated of it
                results.append(Result(code=ResultCode.UNKNOWN_ROW, line=named))
                continue
            if not results:
                results.append(_unknown(ctx, sender, scope, lines, command))
            break
        if command.text in answered:
            continue
        if not command.changes:
            answered.add(command.text)
        results += _carried_out(CommandCall(ctx, sender, scope, command, most or MOST, confirmed, by, language))
    return results


def carry_out(ctx: Context, sender: Sender, scope: Scope, command: Command) -> list[Result]:
    """Carry out one command that its sender has given."""
    return _carried_out(CommandCall(ctx, sender, scope, command, MOST))


def _carried_out(call: CommandCall) -> list[Result]:
    """In the name of the sender, or of whom they act for; where it could be several, they are asked."""
    owners = [call.sender] if call.by else delegates.whose(call.ctx, call.sender, call.command)
    if call.command.person and len(owners) > 1:
        return [replace(delegates.which(call.ctx, call.command.person, owners), line=call.command.text)]
    done = []
    for owner in owners:
        done += _done(replace(call, sender=owner, by=call.by if owner is call.sender else call.sender))
    return done


def _unknown(ctx: Context, sender: Sender, scope: Scope, lines: Sequence[Line], said: Unknown) -> Result:
    """What is asked of somebody whose first line is no command: which they meant, of whomever the notice was about."""
    command = next((line.command for line in lines[1:] if line.command), None)
    wanted = command.verb if command else meant(lines[0].typed)
    only = scope.people[0] if len(scope.people) == 1 else None
    own = ctx.tx.one(WaitingSender, invitation_id=only.id, sender_id=sender.id) if only else None
    person = senders.standing(ctx, only, own) if only and own else None
    return Result(code=ResultCode.UNKNOWN, line=said.text, meant=str(wanted or ""), person=person)


def _done(call: CommandCall) -> list[Result]:
    """Carry one command out, and record it."""
    results = [
        delegates.marked(
            replace(result, line=result.line or call.command.text, order=result.order or call.command.order.value),
            call.sender,
            call.by,
            call.command,
        )
        for result in _HANDLERS[call.command.verb](call)
    ]
    who, subject = delegates.actor(call.sender, call.by), _subject(call.scope, call.command)
    call.ctx.audit(who, of_verb(call.command.verb), subject, results[-1].code)
    return results


def _subject(scope: Scope, command: Command) -> str:
    if command.person:
        return command.person.key
    return " ".join(f"invitation {invitation.id}" for invitation in scope.people)


def _details(call: CommandCall) -> list[Result]:
    """PATIENT, CLINICIAN, STAFF, COLLEAGUE: who the person is; also a correction, or inviting again."""
    if question_answers.is_open(call):
        call = question_answers.with_details(call)
    found = person(call)
    if isinstance(found, Result):
        return [found]
    return _give_details(call, found[0])


def _give_details(call: CommandCall, invitation: Invitation) -> list[Result]:
    ctx, details = call.ctx, call.command.details
    if call.command.doubt:
        return result(call, ResultCode.DETAILS_NEEDED, invitation, why=call.command.doubt.value)
    if details is None or invitation.state not in OPEN:
        return result(call, ResultCode.NOT_POSSIBLE, invitation)
    if not invite.may_correct(ctx, invitation, call.sender):
        return result(call, ResultCode.DETAILS_STAND, invitation)
    if invite.tries_used_up(ctx, invitation):
        return result(call, ResultCode.USED_UP, invitation)
    if (why := invite.doubt(ctx, invitation, details)) and not call.confirmed:
        lines = read([f"{invitation.typed} {in_words(details)}"], ctx.today)
        confirmations.ask(ctx, call.sender, lines, why, invitation, language=call.language)
        return result(call, ResultCode.DOUBT, invitation, why=why)
    after = invite.give_details(ctx, invitation, call.sender, details)
    code = ResultCode.NOTED if after.generation == invitation.generation else ResultCode.CORRECTED
    code = {State.AWAITING: ResultCode.INVITED, State.INVITED: code}.get(invitation.state, ResultCode.REINVITED)
    return result(call, code, after)


def _invite(call: CommandCall) -> list[Result]:
    """INVITE: without a message, or again."""
    ctx, named = call.ctx, call.command.person
    if named is None:
        found = person(call)
        return [found] if isinstance(found, Result) else _invite_again(call, found[0])
    if named.domain == ctx.site.domain:
        return [Result(code=ResultCode.NOT_FOUND, who=named.typed)]
    invitation = senders.latest_invitation(ctx, call.practice.id, named.key)
    if invitation and invitation.state is State.ACCEPTED:
        return [Result(code=ResultCode.ACCEPTED_ALREADY, who=invitation.who, person=senders.standing(ctx, invitation))]
    if invitation is None or not invitation.is_open:
        invitation = invite.open_for(ctx, call.practice, named, before=invitation)
    senders.wait_for(ctx, invitation, call.sender)
    return _invite_again(call, invitation)


def _invite_again(call: CommandCall, invitation: Invitation) -> list[Result]:
    if call.command.details or call.command.doubt:
        return _give_details(call, invitation)
    match invitation.state:
        case State.INVITED:
            return result(call, ResultCode.ALREADY_INVITED, invitation)
        case State.EXPIRED | State.UNDELIVERABLE:
            return result(
                call,
                ResultCode.REINVITED,
                invite.transition(call.ctx, invitation, Event.REINVITE, by=call.sender.address),
            )
        case State.AWAITING | State.LOCKED:
            return result(call, ResultCode.DETAILS_NEEDED, invitation, why="")
        case _:
            return result(call, ResultCode.NOT_POSSIBLE, invitation)


def _remind(call: CommandCall) -> list[Result]:
    found = person(call)
    if isinstance(found, Result):
        return [found]
    invitation, _ = found
    if invitation.state is State.INVITED and (lately := invite.reminded_lately(call.ctx, invitation)):
        return result(call, ResultCode.REMINDED_LATELY, invitation, at=lately.created_at.isoformat())
    if invitation.state is State.INVITED:
        return result(
            call, ResultCode.REMINDED, invite.transition(call.ctx, invitation, Event.REMIND, by=call.sender.address)
        )
    if invitation.state is State.AWAITING:
        return result(call, ResultCode.DETAILS_NEEDED, invitation, why="")
    return result(call, ResultCode.INVITE_AGAIN if invitation.state in RESTING else ResultCode.NOT_POSSIBLE, invitation)


def _move(call: CommandCall) -> list[Result]:
    """MOVE: the sender's mail goes to another address of the same person."""
    found, to = person(call), call.command.to
    if isinstance(found, Result):
        return [found]
    if to is None:
        return result(call, ResultCode.MOVE_WHERE, found[0])
    moved = move.readdress(call.ctx, found[0], call.sender, to)
    if moved is None:
        return result(call, ResultCode.NOT_MOVED, found[0], to=to.typed)
    code = ResultCode.MOVED_TO_INBOX if moved.in_inbox else ResultCode.MOVED
    return result(call, code, moved.invitation, to=to.typed)


def _status(call: CommandCall) -> list[Result]:
    if call.command.person is None and not call.scope.people:
        return _list(call)
    if call.command.person is None and len(call.scope.people) > 1:
        mine = [(own, invitation) for invitation in call.scope.people if (own := waiting_sender(call, invitation))]
        return [_listed(ResultCode.LIST, call, mine, _counts(i for _, i in mine))]
    found = person(call)
    if isinstance(found, Result):
        return [found]
    invitation, own = found
    return result(call, ResultCode.STATUS, invitation, withdrawn=own.withdrawn)


def _list(call: CommandCall) -> list[Result]:
    rows = waited_for(call.ctx, call.sender)
    return [_listed(ResultCode.LIST, call, rows[: call.most], _counts(i for _, i in rows))]


def _listed(
    code: ResultCode,
    call: CommandCall,
    rows: Sequence[tuple[WaitingSender | None, Invitation]],
    counts: dict[str, int],
) -> Result:
    """Some people, how many there are of each kind, and how many of them are not shown."""
    shown = tuple(senders.standing(call.ctx, invitation, waiting_sender) for waiting_sender, invitation in rows)
    return Result(code=code, people=shown, counts=counts, more=sum(counts.values()) - len(shown))


def _counts(invitations: Iterable[Invitation]) -> dict[str, int]:
    """How many are patients, colleagues, and not said to be either."""
    counts = {"patients": 0, "colleagues": 0, "unsaid": 0}
    for invitation in invitations:
        counts[_kind(invitation.relationship)] += 1
    return counts


def _kind(relationship: Relationship | None) -> str:
    if relationship is None:
        return "unsaid"
    return "patients" if relationship is Relationship.PATIENT else "colleagues"


def waited_for(ctx: Context, sender: Sender) -> list[tuple[WaitingSender | None, Invitation]]:
    waiting_senders = {w.invitation_id: w for w in ctx.tx.find(WaitingSender, sender_id=sender.id, withdrawn=False)}
    invitations = ctx.tx.find(Invitation, id__in=list(waiting_senders), state__in=OPEN)
    return [(waiting_senders[invitation.id], invitation) for invitation in invitations]


def _contacts(*relationships: Relationship) -> Callable[[CommandCall], list[Result]]:
    """The practice's own people of some kind, each once, as they stand now: the newest, in the order of their names."""
    code = ResultCode.PATIENTS if Relationship.PATIENT in relationships else ResultCode.DIRECTORY

    def handler(call: CommandCall) -> list[Result]:
        of_kind: dict[str, Any] = {
            "practice_id": call.practice.id,
            "relationship__in": relationships,
            "state__in": (*OPEN, State.ACCEPTED),
        }
        newest = call.ctx.tx.find(Invitation, order="-id", limit=call.most, **of_kind)
        count = len(newest) if len(newest) < call.most else call.ctx.tx.count(Invitation, **of_kind)
        latest = {invitation.address: invitation for invitation in reversed(newest)}
        rows = sorted(latest.values(), key=lambda invitation: invitation.who.casefold())
        counts = _counts(()) | {_kind(relationships[0]): count - len(newest) + len(latest)}
        return [_listed(code, call, [(None, invitation) for invitation in rows], counts)]

    return handler


def _yes(call: CommandCall) -> list[Result]:
    if call.scope.question:
        return question_answers.yes(call)
    confirmation = call.scope.confirmation
    current = call.ctx.tx.get(Confirmation, confirmation.id) if confirmation else None
    if current is None or current.done_at:
        return [Result(code=ResultCode.NOTHING_TO_CONFIRM)]
    call.ctx.tx.put(replace(current, done_at=call.ctx.now))
    lines = read(confirmations.lines(call.ctx, current), call.ctx.today, call.practice.date_order)
    if not lines:
        return [Result(code=ResultCode.NOTHING_TO_CONFIRM)]
    # What was asked about one person was whether to; otherwise it was only who is speaking. A YES among the lines
    # finds nothing left to confirm, so this ends.
    sure = current.invitation_id is not None
    rest = replace(call.scope, confirmation=None)
    return run(call.ctx, call.sender, rest, lines, confirmed=sure, by=call.by, language=call.language)


def _help(_: CommandCall) -> list[Result]:
    return [Result(code=ResultCode.HELP)]


_HANDLERS: dict[Verb, Callable[[CommandCall], list[Result]]] = {
    Verb.PATIENT: _details,
    Verb.CLINICIAN: _details,
    Verb.STAFF: _details,
    Verb.COLLEAGUE: _details,
    Verb.REMIND: _remind,
    Verb.CANCEL: lambda call: (
        question_answers.cancel(call) if question_answers.is_open(call) else take_back.withdraw(call)
    ),
    Verb.STATUS: _status,
    Verb.LIST: _list,
    Verb.DIRECTORY: _contacts(Relationship.COLLEAGUE_HERE, Relationship.COLLEAGUE_ELSEWHERE),
    Verb.PATIENTS: _contacts(Relationship.PATIENT),
    Verb.INVITE: _invite,
    Verb.MOVE: _move,
    Verb.RECALL: take_back.recall_message,
    Verb.READ: take_back.tell_read,
    Verb.DELEGATE: lambda call: delegates.delegate(call.ctx, call.sender, call.by, call.command.person),
    Verb.UNDELEGATE: lambda call: delegates.undelegate(call.ctx, call.sender, call.by, call.command.person),
    Verb.YES: _yes,
    Verb.PLAIN: question_answers.plain,
    Verb.HELP: _help,
}
