"""A sender speaks to the gateway, by mail or on their page: who may, about whom, and the transcript."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.domain.address import Address
from gateway.domain.commands import ABOUT_ONE, Command, parse
from gateway.domain.model import Confirmation, Copy, Invitation, Message, Sender, Waiter
from gateway.domain.model_questions import Question
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Notice, Purpose
from gateway.domain.words import spoken
from gateway.flow import confirm, delegates, notices, people
from gateway.flow.ask import Result, Scope
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.mailing import siblings
from gateway.flow.verbs import run
from gateway.mail.automatic import speaks_of_absence
from gateway.mail.parse import Mailbox

HELPS = 3
"""How often a day mail without a command is answered, of one sender on one subject."""
UNPROVED = 5
"""How often a day questions in somebody's name are answered without proof that they wrote them; and how often a day
they are asked whether they did, where something is to be changed. Who forges a name must not fill a mailbox with it."""
UNPROVED_LINES = 10
"""Beyond so many different lines questions without proof wait for a YES as well."""
UNPROVED_PEOPLE = 10
"""How many people an answer lists of whom nobody has proved to have asked."""


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail to the bot, and what is known of who sent it.

    `tokens` are those of the addresses that it went to, if it answers anything. `trusted`: it came over a path that
    only this site's own mail takes. `authenticated`: the author has been proved.
    """

    tokens: tuple[str, ...]
    author: Mailbox | None
    lines: tuple[str, ...]
    message_id: str
    trusted: bool
    authenticated: bool
    automatic: str
    languages: str = ""
    """Its Content-Language or Accept-Language."""


# ---------------------------------------------------------------------------------------------------- who may speak


def receive(ctx: Context, mail: CommandMail) -> None:
    """Run a mail's commands and queue the transcript; mail that may not command changes nothing and hears nothing."""
    practice = ctx.site.practice_of(mail.author.address) if mail.author else None
    if mail.automatic or mail.author is None or practice is None or not mail.trusted:
        return
    if mail.tokens:
        _reply(ctx, mail, practice, mail.author)
    else:
        _fresh(ctx, mail, practice, mail.author)


def language_of(mail: CommandMail, today: date) -> str:
    """The language to answer in: of the first verb that tells one, else the mail's own; "" for the practice's."""
    commands = (parse(line, today) for line in mail.lines)
    told = (command.language for command in commands if isinstance(command, Command) and command.language)
    return next(told, "") or spoken(mail.languages)


def _may_help(ctx: Context, sender: Sender, mail: CommandMail) -> bool:
    """Whether mail without a command is answered: the same words once a day, others on one subject `HELPS` times.

    A responder that marks its mail in no way would otherwise be told what it can write for ever.
    """
    if speaks_of_absence(mail.lines):
        return False
    about = f"help|{sender.id}|{' '.join(mail.tokens)}"
    these_words = "\n".join((about, "these words", *mail.lines))
    return count_today(ctx, these_words, 1) > 0 and count_today(ctx, about, HELPS) > 0


def _reply(ctx: Context, mail: CommandMail, practice: Practice, author: Mailbox) -> None:
    """An answer to notices: the tokens say of whom it speaks, and in whose name."""
    found = _scopes_of(ctx, mail.tokens, practice, author.address)
    if found is None:
        ctx.audit(author.address.key, "refused command", mail.tokens[0][:2], "not this sender's token")
        return
    owner, scopes = found
    writer = people.sender_row(ctx, practice, author.address, author.name)
    by = writer if writer.id != owner.id else None
    results: list[Result] = []
    for number, scope in enumerate(scopes):  # a line with an address is meant once, a bare one for each notice
        lines = _bare(ctx, mail.lines) if number else mail.lines
        results += run(ctx, owner, scope, lines, by=by, language=language_of(mail, ctx.today)) if lines else []
    _transcribe(ctx, writer, owner, scopes, results, mail)


def _fresh(ctx: Context, mail: CommandMail, practice: Practice, author: Mailbox) -> None:
    """A mail that answers nothing: changes need proof, or the word of the author's own mailbox."""
    if not mail.authenticated:
        _unproved(ctx, mail, practice, author.address)
        return
    language, scope = language_of(mail, ctx.today), Scope()
    writer = people.sender_row(ctx, practice, author.address, author.name)
    _transcribe(ctx, writer, writer, [scope], run(ctx, writer, scope, mail.lines, language=language), mail)


def _unproved(ctx: Context, mail: CommandMail, practice: Practice, author: Address) -> None:
    """What anybody may have written in the author's name: the author alone hears of it, and not without end."""
    commands = [command for _, command in _commands(ctx, mail.lines)]
    waits = any(command.changes for command in commands) or len({one.text for one in commands}) > UNPROVED_LINES
    kind = "confirm" if waits else "answer"
    turn = count_today(ctx, f"{kind}|{practice.id}|{author.key}", UNPROVED) if commands else 1
    if not turn:
        return
    language, last_of = language_of(mail, ctx.today), UNPROVED if turn == UNPROVED else 0
    writer = people.sender_row(ctx, practice, author, "")
    if waits:
        confirm.ask(ctx, writer, mail.lines, "unproved", answers=mail.message_id, language=language, last_of=last_of)
        return
    scope = Scope()
    results = run(ctx, writer, scope, mail.lines, language=language, most=UNPROVED_PEOPLE)
    _transcribe(ctx, writer, writer, [scope], results, mail, last_of=last_of)


def _commands(ctx: Context, lines: Sequence[str]) -> list[tuple[str, Command]]:
    parsed = ((line, parse(line, ctx.today)) for line in lines)
    return [(line, command) for line, command in parsed if isinstance(command, Command)]


def _bare(ctx: Context, lines: Sequence[str]) -> list[str]:
    """The lines that speak of whomever the answered notice was about."""
    return [line for line, command in _commands(ctx, lines) if command.verb in ABOUT_ONE and command.person is None]


def _scopes_of(
    ctx: Context, tokens: Sequence[str], practice: Practice, author: Address
) -> tuple[Sender, list[Scope]] | None:
    """In whose name these tokens let the author speak, and of whom; None where even one is not theirs to use."""
    found = [_scope_of(ctx, token) for token in tokens]
    owners = {owner for owner, _ in filter(None, found)}
    if None in found or len(owners) != 1:
        return None
    owner = ctx.tx.get(Sender, owners.pop())
    if owner is None or owner.practice_id != practice.id:
        return None
    allowed = owner.address == author.key or delegates.may_act_for(ctx, author, owner)
    return (owner, [scope for _, scope in filter(None, found)]) if allowed else None


Opened = tuple[int, Scope]
"""The id of the sender to whom a token was given, and of whom it speaks."""


def _scope_of(ctx: Context, token: str) -> Opened | None:
    for purpose, open_scope in _SCOPES.items():
        row = ctx.keys.row_of(token, purpose)
        if row and ctx.keys.holds(token, purpose, row):
            return open_scope(ctx, row)
    return None


def _waiter_scope(ctx: Context, row: int) -> Opened | None:
    waiter = ctx.tx.get(Waiter, row)
    invitation = ctx.tx.get(Invitation, waiter.invitation_id) if waiter else None
    if waiter is None or invitation is None:
        return None
    confirmations = ctx.tx.find(
        Confirmation, order="-id", sender_id=waiter.sender_id, invitation_id=invitation.id, done_at=None, limit=1
    )
    return waiter.sender_id, Scope((invitation,), confirmation=next(iter(confirmations), None))


def _message_scope(ctx: Context, row: int) -> Opened | None:
    message = ctx.tx.get(Message, row)
    if message is None or message.sender_id is None:
        return None
    return message.sender_id, Scope(_invited_for(ctx, message), message)


def _invited_for(ctx: Context, message: Message) -> tuple[Invitation, ...]:
    """Those who were invited for a mail, in however many parts it came."""
    sender = ctx.tx.get(Sender, message.sender_id or 0)
    parts = {message.id, *(one.id for one in (siblings(ctx, sender, message.header_id) if sender else ()))}
    ids = {copy.invitation_id for copy in ctx.tx.find(Copy, message_id__in=list(parts)) if copy.invitation_id}
    return tuple(ctx.tx.find(Invitation, id__in=ids))


def _question_scope(ctx: Context, row: int) -> Opened | None:
    question = ctx.tx.get(Question, row)
    message = ctx.tx.get(Message, question.message_id) if question else None
    if question is None or message is None:
        return None
    return question.sender_id, Scope(_invited_for(ctx, message), message, question=question)


def _sender_scope(_: Context, row: int) -> Opened | None:
    return row, Scope()


def _confirm_scope(ctx: Context, row: int) -> Opened | None:
    confirmation = ctx.tx.get(Confirmation, row)
    if confirmation is None:
        return None
    invitation = ctx.tx.get(Invitation, confirmation.invitation_id) if confirmation.invitation_id else None
    return confirmation.sender_id, Scope((invitation,) if invitation else (), confirmation=confirmation)


_SCOPES: dict[Purpose, Callable[[Context, int], Opened | None]] = {
    Purpose.WAITER: _waiter_scope,
    Purpose.MESSAGE: _message_scope,
    Purpose.SENDER: _sender_scope,
    Purpose.CONFIRM: _confirm_scope,
    Purpose.QUESTION: _question_scope,
}


def _transcribe(
    ctx: Context,
    writer: Sender,
    owner: Sender,
    scopes: Sequence[Scope],
    results: list[Result],
    mail: CommandMail,
    last_of: int = 0,
) -> None:
    """Tell who wrote what became of it; and whom they wrote for, where that has changed anything of theirs.

    `last_of`: this is the last of so many answers today.
    """
    if (not results or results[0]["code"] == "unknown") and not _may_help(ctx, writer, mail):
        return
    about = [person for scope in scopes for person in scope.people]
    only = about[0] if len(about) == 1 else None
    waiter = ctx.tx.one(Waiter, invitation_id=only.id, sender_id=owner.id) if only else None
    own = notices.token(Purpose.SENDER, writer.id)
    reply = notices.token(Purpose.WAITER, waiter.id) if waiter else own
    page = people.page_token(ctx, Purpose.SENDER_PAGE, writer.id)
    facts: dict[str, Any] = {"results": results, "sender_page": page, "by": "", "last_of": last_of}
    language = language_of(mail, ctx.today)
    notices.to_sender(ctx, Notice.TRANSCRIPT, writer, facts, reply=reply, answers=mail.message_id, language=language)
    done_for = dict.fromkeys(result["owner"] for result in results if result.get("changed"))
    for one in ctx.tx.find(Sender, id__in=list(done_for)) if done_for else []:
        if notices.read_by(ctx, one) == writer.address:
            continue  # they answered in a machine's place, and have heard it
        theirs = [result for result in results if result.get("changed") and result["owner"] == one.id]
        page = people.page_token(ctx, Purpose.SENDER_PAGE, one.id)
        facts = {"results": theirs, "sender_page": page, "by": people.display(writer), "last_of": 0}
        notices.to_sender(ctx, Notice.TRANSCRIPT, one, facts, reply=notices.token(Purpose.SENDER, one.id))
