"""What each verb does: one handler a verb, each answers with results that a template words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from gateway.domain.commands import Command, Unknown, Verb, in_words, is_command, joined, listed, parse
from gateway.domain.lifecycle import Event
from gateway.domain.meant import meant
from gateway.domain.model import Confirmation, Invitation, Sender, Waiter
from gateway.domain.vocabulary import OPEN, RESTING, Relationship, State
from gateway.flow import asked, confirm, delegates, invite, move, people, take_back
from gateway.flow.ask import Ask, Result, Scope, person, result, waiter
from gateway.flow.context import Context

MOST = 500
"""How many people one answer lists: ten times as many make a mail of 7 MB, which keeps everybody waiting."""


def run(
    ctx: Context,
    sender: Sender,
    scope: Scope,
    lines: Sequence[str],
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
    for line in joined(lines):
        command = parse(line, ctx.today, order)
        if isinstance(command, Unknown) and len(scope.people) != 1:
            command = listed(line, ctx.today, order) or command
        if isinstance(command, Unknown):
            if are_rows or (results and "@" in line):
                named = line if are_rows and "@" not in line else command.text  # its number, or what may be repeated
                results.append({"code": "unknown_row", "line": named})
                continue
            if not results:
                results.append(_unknown(ctx, sender, scope, lines, command))
            break
        if command.text in answered:
            continue
        if not command.changes:
            answered.add(command.text)
        owners = [sender] if by else delegates.whose(ctx, sender, command)
        if command.person and len(owners) > 1:
            results.append({"line": command.text, **delegates.which(ctx, command.person, owners)})
            continue
        for owner in owners:
            by_whom = by if owner is sender else sender
            results += _done(Ask(ctx, owner, scope, command, most or MOST, confirmed, by_whom, language))
    return results


def _unknown(ctx: Context, sender: Sender, scope: Scope, lines: Sequence[str], said: Unknown) -> Result:
    """What is asked of somebody whose first line is no command: which they meant, of whomever the notice was about."""
    command = next((parse(line, ctx.today) for line in lines[1:] if is_command(line)), None)
    wanted = command.verb if isinstance(command, Command) else meant(lines[0])
    only = scope.people[0] if len(scope.people) == 1 else None
    own = ctx.tx.one(Waiter, invitation_id=only.id, sender_id=sender.id) if only else None
    person = people.standing(ctx, only, own) if only and own else None
    return {"code": "unknown", "line": said.text, "meant": str(wanted or ""), "person": person}


def _done(ask: Ask) -> list[Result]:
    """Carry one command out, and record it."""
    about = {"line": ask.command.text, "order": ask.command.order.value}
    about |= delegates.marked(ask.sender, ask.by, ask.command)
    results = [{**about, **result} for result in _HANDLERS[ask.command.verb](ask)]
    said = f"said {ask.command.verb}"
    ask.ctx.audit(delegates.actor(ask.sender, ask.by), said, _subject(ask.scope, ask.command), results[-1]["code"])
    return results


def _subject(scope: Scope, command: Command) -> str:
    if command.person:
        return command.person.key
    return " ".join(f"invitation {invitation.id}" for invitation in scope.people)


def _details(ask: Ask) -> list[Result]:
    """PATIENT, CLINICIAN, STAFF, COLLEAGUE: who the person is; also a correction, or inviting again."""
    if asked.is_open(ask):
        ask = asked.with_details(ask)
    found = person(ask)
    if isinstance(found, dict):
        return [found]
    return _give_details(ask, found[0])


def _give_details(ask: Ask, invitation: Invitation) -> list[Result]:
    ctx, details = ask.ctx, ask.command.details
    if ask.command.doubt:
        return result(ask, "details_needed", invitation, why=ask.command.doubt.value)
    if details is None or invitation.state not in OPEN:
        return result(ask, "not_possible", invitation)
    if not invite.may_correct(ctx, invitation, ask.sender):
        return result(ask, "details_stand", invitation)
    if invite.tries_used_up(ctx, invitation):
        return result(ask, "used_up", invitation)
    if (why := invite.doubt(ctx, invitation, details)) and not ask.confirmed:
        line = f"{invitation.typed} {in_words(details)}"
        confirm.ask(ctx, ask.sender, [line], why, invitation, language=ask.language)
        return result(ask, "doubt", invitation, why=why)
    after = invite.give_details(ctx, invitation, ask.sender, details)
    code = "noted" if after.generation == invitation.generation else "corrected"
    code = {State.AWAITING: "invited", State.INVITED: code}.get(invitation.state, "reinvited")
    return result(ask, code, after)


def _invite(ask: Ask) -> list[Result]:
    """INVITE: without a message, or again."""
    ctx, named = ask.ctx, ask.command.person
    if named is None:
        found = person(ask)
        return [found] if isinstance(found, dict) else _invite_again(ask, found[0])
    if named.domain == ctx.site.domain:
        return [{"code": "not_found", "who": named.typed}]
    invitation = people.latest_invitation(ctx, ask.practice.id, named.key)
    if invitation and invitation.state is State.ACCEPTED:
        return [{"code": "accepted_already", "who": invitation.who, "person": people.standing(ctx, invitation)}]
    if invitation is None or not invitation.is_open:
        invitation = invite.open_for(ctx, ask.practice, named, before=invitation)
    people.wait_for(ctx, invitation, ask.sender)
    return _invite_again(ask, invitation)


def _invite_again(ask: Ask, invitation: Invitation) -> list[Result]:
    if ask.command.details or ask.command.doubt:
        return _give_details(ask, invitation)
    match invitation.state:
        case State.INVITED:
            return result(ask, "already_invited", invitation)
        case State.EXPIRED | State.UNDELIVERABLE:
            return result(ask, "reinvited", invite.move(ask.ctx, invitation, Event.REINVITE, by=ask.sender.address))
        case State.AWAITING | State.LOCKED:
            return result(ask, "details_needed", invitation, why="")
        case _:
            return result(ask, "not_possible", invitation)


def _remind(ask: Ask) -> list[Result]:
    found = person(ask)
    if isinstance(found, dict):
        return [found]
    invitation, _ = found
    if invitation.state is State.INVITED and (lately := invite.reminded_lately(ask.ctx, invitation)):
        return result(ask, "reminded_lately", invitation, at=lately.created_at.isoformat())
    if invitation.state is State.INVITED:
        return result(ask, "reminded", invite.move(ask.ctx, invitation, Event.REMIND, by=ask.sender.address))
    if invitation.state is State.AWAITING:
        return result(ask, "details_needed", invitation, why="")
    return result(ask, "invite_again" if invitation.state in RESTING else "not_possible", invitation)


def _move(ask: Ask) -> list[Result]:
    """MOVE: the sender's mail goes to another address of the same person."""
    found, to = person(ask), ask.command.to
    if isinstance(found, dict):
        return [found]
    if to is None:
        return result(ask, "move_where", found[0])
    moved = move.readdress(ask.ctx, found[0], ask.sender, to)
    if moved is None:
        return result(ask, "not_moved", found[0], to=to.typed)
    code = "moved_to_inbox" if moved.in_inbox else "moved"
    return result(ask, code, moved.invitation, to=to.typed)


def _status(ask: Ask) -> list[Result]:
    if ask.command.person is None and not ask.scope.people:
        return _list(ask)
    if ask.command.person is None and len(ask.scope.people) > 1:
        mine = [(own, invitation) for invitation in ask.scope.people if (own := waiter(ask, invitation))]
        return [{"code": "list", **_listed(ask, mine, _counts(i for _, i in mine))}]
    found = person(ask)
    if isinstance(found, dict):
        return [found]
    invitation, own = found
    return result(ask, "status", invitation, withdrawn=own.withdrawn)


def _list(ask: Ask) -> list[Result]:
    rows = waited_for(ask.ctx, ask.sender)
    return [{"code": "list", **_listed(ask, rows[: ask.most], _counts(i for _, i in rows))}]


def _listed(ask: Ask, rows: Sequence[tuple[Waiter | None, Invitation]], counts: dict[str, int]) -> Result:
    """Some people, how many there are of each kind, and how many of them are not shown."""
    shown = [people.standing(ask.ctx, invitation, waiter) for waiter, invitation in rows]
    return {"people": shown, "counts": counts, "more": sum(counts.values()) - len(shown)}


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


def waited_for(ctx: Context, sender: Sender) -> list[tuple[Waiter | None, Invitation]]:
    waiters = {w.invitation_id: w for w in ctx.tx.find(Waiter, sender_id=sender.id, withdrawn=False)}
    invitations = ctx.tx.find(Invitation, id__in=list(waiters), state__in=OPEN)
    return [(waiters[invitation.id], invitation) for invitation in invitations]


def _contacts(*relationships: Relationship) -> Callable[[Ask], list[Result]]:
    """The practice's own people of some kind, each once, as they stand now: the newest, in the order of their names."""
    code = "patients" if Relationship.PATIENT in relationships else "directory"

    def handler(ask: Ask) -> list[Result]:
        of_kind: dict[str, Any] = {
            "practice_id": ask.practice.id,
            "relationship__in": relationships,
            "state__in": (*OPEN, State.ACCEPTED),
        }
        newest = ask.ctx.tx.find(Invitation, order="-id", limit=ask.most, **of_kind)
        count = len(newest) if len(newest) < ask.most else ask.ctx.tx.count(Invitation, **of_kind)
        latest = {invitation.address: invitation for invitation in reversed(newest)}
        rows = sorted(latest.values(), key=lambda invitation: invitation.who.casefold())
        counts = _counts(()) | {_kind(relationships[0]): count - len(newest) + len(latest)}
        return [{"code": code, **_listed(ask, [(None, invitation) for invitation in rows], counts)}]

    return handler


def _yes(ask: Ask) -> list[Result]:
    if ask.scope.question:
        return asked.yes(ask)
    confirmation = ask.scope.confirmation
    current = ask.ctx.tx.get(Confirmation, confirmation.id) if confirmation else None
    if current is None or current.done_at:
        return [{"code": "nothing_to_confirm"}]
    ask.ctx.tx.put(replace(current, done_at=ask.ctx.now))
    lines = confirm.lines(ask.ctx, current)
    if not lines:
        return [{"code": "nothing_to_confirm"}]
    # What was asked about one person was whether to; otherwise it was only who is speaking. A YES among the lines
    # finds nothing left to confirm, so this ends.
    sure = current.invitation_id is not None
    rest = replace(ask.scope, confirmation=None)
    return run(ask.ctx, ask.sender, rest, lines, confirmed=sure, by=ask.by, language=ask.language)


def _help(_: Ask) -> list[Result]:
    return [{"code": "help"}]


_HANDLERS: dict[Verb, Callable[[Ask], list[Result]]] = {
    Verb.PATIENT: _details,
    Verb.CLINICIAN: _details,
    Verb.STAFF: _details,
    Verb.COLLEAGUE: _details,
    Verb.REMIND: _remind,
    Verb.CANCEL: lambda ask: asked.cancel(ask) if asked.is_open(ask) else take_back.withdraw(ask),
    Verb.STATUS: _status,
    Verb.LIST: _list,
    Verb.DIRECTORY: _contacts(Relationship.COLLEAGUE_HERE, Relationship.COLLEAGUE_ELSEWHERE),
    Verb.PATIENTS: _contacts(Relationship.PATIENT),
    Verb.INVITE: _invite,
    Verb.MOVE: _move,
    Verb.RECALL: take_back.recall_message,
    Verb.READ: take_back.tell_read,
    Verb.DELEGATE: lambda ask: delegates.delegate(ask.ctx, ask.sender, ask.by, ask.command.person),
    Verb.UNDELEGATE: lambda ask: delegates.undelegate(ask.ctx, ask.sender, ask.by, ask.command.person),
    Verb.YES: _yes,
    Verb.PLAIN: asked.plain,
    Verb.HELP: _help,
}
