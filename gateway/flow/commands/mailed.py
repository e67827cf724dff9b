"""A sender speaks to the gateway, by mail or on their page: who may, about whom, and the transcript."""

from collections.abc import Sequence
from itertools import takewhile

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.commands import Line
from gateway.domain.model import Sender, WaitingSender
from gateway.domain.site import Practice
from gateway.domain.verbs import VERBS
from gateway.domain.vocabulary import Notice, Purpose
from gateway.flow import confirmations, notices, senders, who
from gateway.flow.accounts import attempts
from gateway.flow.commands import delegates
from gateway.flow.commands.command_call import Scope
from gateway.flow.commands.command_mail import NOT_UNDERSTOOD, CommandMail, Help, help_for, language_of
from gateway.flow.commands.summary import summed_up
from gateway.flow.commands.tokens import scope_of
from gateway.flow.commands.verbs import run
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.facts import Transcript
from gateway.flow.results import Result, ResultCode
from gateway.flow.standing import Token, Why
from gateway.mail.parse import Mailbox
from gateway.mail.reply import Unread

UNPROVED = 5
"""How often a day questions in somebody's name are answered without proof that they wrote them; and how often a day
they are asked whether they did, where something is to be changed. Who forges a name must not fill a mailbox with it."""
UNPROVED_LINES = 10
"""Beyond so many different lines questions without proof wait for a YES as well."""
UNPROVED_PEOPLE = 10
"""How many people an answer lists of whom nobody has proved to have asked."""


# ---------------------------------------------------------------------------------------------------- who may speak


def receive(ctx: Context, mail: CommandMail) -> None:
    """Run a mail's commands and queue the transcript; mail that may not command changes nothing and hears nothing."""
    practice = who.practice_of(ctx, mail.author.address) if mail.author else None
    if mail.automatic:
        return
    if mail.author and practice is None and mail.trusted and (owner := _own_notice(ctx, mail, mail.author.address)):
        _not_any_more(ctx, mail, owner)
        return
    if mail.author is None or practice is None or not mail.trusted:
        attempts.failed(ctx, Act.REFUSED_COMMAND, "", mail.tokens[0][:2] if mail.tokens else "bot")
        return
    if mail.tokens:
        _reply(ctx, mail, practice, mail.author)
    else:
        _fresh(ctx, mail, practice, mail.author)


def _reply(ctx: Context, mail: CommandMail, practice: Practice, author: Mailbox) -> None:
    """An answer to notices: the tokens say of whom it speaks, and in whose name."""
    found = _scopes_of(ctx, mail.tokens, practice, author.address)
    if found is None:
        ctx.audit(author.address.key, Act.REFUSED_COMMAND, mail.tokens[0][:2], "not this sender's token")
        _not_yours(ctx, mail, practice, author)
        return
    owner, scopes = found
    writer = senders.sender_row(ctx, practice, author.address, author.name)
    by = writer if writer.id != owner.id else None
    results: list[Result] = []
    for number, scope in enumerate(scopes):  # a line with an address is meant once, a bare one for each notice
        lines = _bare(mail.lines) if number else mail.lines
        results += run(ctx, owner, scope, lines, by=by, language=language_of(mail))
    results = _with_table(ctx, owner, scopes[0], results, mail, by)
    _transcribe(ctx, writer, owner, scopes, results, mail)


def _not_yours(ctx: Context, mail: CommandMail, practice: Practice, author: Mailbox) -> None:
    """Tell somebody at the practice that the notice was another's, such as one in a mailbox that they share.

    Of whom it spoke, and to whom, is not said; people of other practices hear nothing, unless it was their own.
    """
    owners = _owners(ctx, mail.tokens)
    is_gone = any(not ctx.site.has_practice(owner.practice_id) for owner in owners)
    if is_gone or _own_notice(ctx, mail, author.address):
        _not_any_more(ctx, mail, senders.sender_row(ctx, practice, author.address, author.name))
        return
    if not owners or any(owner.practice_id != practice.id for owner in owners):
        return
    writer = senders.sender_row(ctx, practice, author.address, author.name)
    line = mail.lines[0].said.text if mail.lines else ""
    results: list[Result] = [Result(code=ResultCode.NOT_YOURS, line=line, own=writer.typed)]
    _transcribe(ctx, writer, writer, [], results, mail)


def _not_any_more(ctx: Context, mail: CommandMail, writer: Sender) -> None:
    """Whoever answers a notice of a practice that is gone, or that they have left, hears whom to ask."""
    line = mail.lines[0].said.text if mail.lines else ""
    results = [Result(code=ResultCode.NOT_ANY_MORE, line=line, to=ctx.site.postmaster)]
    _transcribe(ctx, writer, writer, [], results, mail)


def _own_notice(ctx: Context, mail: CommandMail, author: Address) -> Sender | None:
    """The row of the author to whom all answered notices were written, whichever practice that was for."""
    owners = _owners(ctx, mail.tokens)
    return owners[0] if owners and all(owner.address == author.key for owner in owners) else None


def _owners(ctx: Context, tokens: Sequence[str]) -> list[Sender]:
    """To whom the answered notices were written; nobody where one of the tokens is none of ours."""
    found = [scope_of(ctx, token) for token in tokens]
    owners = [ctx.tx.get(Sender, one[0]) for one in found if one]
    rows = [owner for owner in owners if owner]
    return rows if len(rows) == len(tokens) else []


def _fresh(ctx: Context, mail: CommandMail, practice: Practice, author: Mailbox) -> None:
    """A mail that answers nothing: changes need proof, or the word of the author's own mailbox."""
    if not mail.authenticated:
        _unproved(ctx, mail, practice, author.address)
        return
    language, scope = language_of(mail), Scope()
    writer = senders.sender_row(ctx, practice, author.address, author.name)
    results = run(ctx, writer, scope, mail.lines, language=language)
    _transcribe(ctx, writer, writer, [scope], _with_table(ctx, writer, scope, results, mail, None), mail)


def _with_table(
    ctx: Context, sender: Sender, scope: Scope, results: list[Result], mail: CommandMail, by: Sender | None
) -> list[Result]:
    """The results, with those of a table that is attached; what else was typed beside one need be no command."""
    if not mail.rows:
        return results
    said = [one for one in results if one.code not in NOT_UNDERSTOOD]
    language = language_of(mail)
    return said + run(ctx, sender, scope, mail.rows, by=by, language=language, are_rows=True)


def _unproved(ctx: Context, mail: CommandMail, practice: Practice, author: Address) -> None:
    """What anybody may have written in the author's name: the author alone hears of it, and not without end."""
    lines = [*mail.lines, *(row for row in mail.rows if row.command)]
    commands = [line.command for line in lines if line.command]
    waits = any(command.changes for command in commands) or len({one.text for one in commands}) > UNPROVED_LINES
    kind = "confirm" if waits else "answer"
    turn = count_today(ctx, f"{kind}|{practice.id}|{author.key}", UNPROVED) if commands else 1
    if not turn:
        attempts.failed(ctx, Act.REFUSED_COMMAND, author.key, "bot")
        return
    language, last_of = language_of(mail), UNPROVED if turn == UNPROVED else 0
    writer = senders.sender_row(ctx, practice, author, "")
    if waits:
        ctx.audit("gateway", Act.ASKED_TO_CONFIRM, f"sender {writer.id}")
        confirmations.ask(ctx, writer, lines, Why.UNPROVED, answers=mail.message_id, language=language, last_of=last_of)
        return
    scope = Scope()
    results = run(ctx, writer, scope, lines, language=language, most=UNPROVED_PEOPLE)
    _transcribe(ctx, writer, writer, [scope], results, mail, last_of=last_of)


def _bare(lines: Sequence[Line]) -> list[Line]:
    """The lines that speak of whomever the answered notice was about, up to the first that is no command."""
    commands = ((line, line.command) for line in lines)
    said = takewhile(lambda pair: pair[1] is not None, commands)
    return [line for line, command in said if command and VERBS[command.verb].about_one and command.person is None]


def _scopes_of(
    ctx: Context, tokens: Sequence[str], practice: Practice, author: Address
) -> tuple[Sender, list[Scope]] | None:
    """In whose name these tokens let the author speak, and of whom; None where even one is not theirs to use."""
    found = [scope_of(ctx, token) for token in tokens]
    owners = {owner for owner, _ in filter(None, found)}
    if None in found or len(owners) != 1:
        return None
    owner = ctx.tx.get(Sender, owners.pop())
    if owner is None or owner.practice_id != practice.id:
        return None
    allowed = owner.address == author.key or delegates.may_act_for(ctx, author, owner)
    return (owner, [scope for _, scope in filter(None, found)]) if allowed else None


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
    results = results or [Result(code=ResultCode.UNREAD, why=mail.unread or Unread.EMPTY)]
    help_ = help_for(ctx, writer, mail) if results[0].code in NOT_UNDERSTOOD else Help.GIVEN
    if help_ is Help.NONE:
        return
    about = [person for scope in scopes for person in scope.people]
    only = about[0] if len(about) == 1 else None
    waiting_sender = ctx.tx.one(WaitingSender, invitation_id=only.id, sender_id=owner.id) if only else None
    own = Token(Purpose.SENDER, writer.id)
    reply = Token(Purpose.WAITING_SENDER, waiting_sender.id) if waiting_sender else own
    page = senders.page_token(ctx, Purpose.SENDER_PAGE, writer.id)
    facts = Transcript(
        results=tuple(summed_up(results)), sender_page=page, last_of=last_of, is_last_help=help_ is Help.LAST
    )
    language = language_of(mail)
    notices.to_sender(ctx, Notice.TRANSCRIPT, writer, facts, reply=reply, answers=mail.message_id, language=language)
    done_for = dict.fromkeys(result.owner for result in results if result.changed)
    for one in ctx.tx.find(Sender, id__in=list(done_for)) if done_for else []:
        if notices.read_by(ctx, one) == writer.address:
            continue  # they answered in a machine's place, and have heard it
        theirs = [result for result in results if result.changed and result.owner == one.id]
        page = senders.page_token(ctx, Purpose.SENDER_PAGE, one.id)
        facts = Transcript(results=tuple(theirs), sender_page=page, by=senders.display(writer))
        notices.to_sender(ctx, Notice.TRANSCRIPT, one, facts, reply=Token(Purpose.SENDER, one.id))
