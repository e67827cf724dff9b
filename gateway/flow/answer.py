"""A sender speaks to the gateway, by mail or on their page: who may, about whom, and the transcript."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

from gateway.domain.commands import CHANGES, Command, parse
from gateway.domain.model import OPEN, Confirmation, Copy, Invitation, Message, Notice, Purpose, Sender, Waiter
from gateway.domain.words import spoken
from gateway.flow import notices, people
from gateway.flow.context import Context
from gateway.flow.verbs import Result, Scope, ask_to_confirm, run, waited_for
from gateway.mail.parse import Mailbox


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail to the bot, and what is known of who sent it.

    `trusted`: it came over a path that only this site's own mail takes. `authenticated`: the author has been proved.
    """

    token: str
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
    language = language_of(mail, ctx.today)
    sender = people.sender_row(ctx, practice, mail.author.address, mail.author.name)
    if mail.token:
        scope = _scope_of(ctx, mail.token, sender)
        if scope is None:
            ctx.audit(sender.address, "refused command", mail.token[:2], "not this sender's token")
            return
    else:
        scope = Scope()
        if not mail.authenticated and _changes(ctx, mail.lines):
            ask_to_confirm(ctx, sender, mail.lines, "unproved", answers=mail.message_id, language=language)
            return
    results = run(ctx, sender, scope, mail.lines, language=language)
    _transcribe(ctx, sender, scope, results, mail.message_id, language)


def language_of(mail: CommandMail, today: date) -> str:
    """The language to answer in: of the first verb that tells one, else the mail's own; "" for the practice's."""
    commands = (parse(line, today) for line in mail.lines)
    told = (command.language for command in commands if isinstance(command, Command) and command.language)
    return next(told, "") or spoken(mail.languages)


def _changes(ctx: Context, lines: Sequence[str]) -> bool:
    commands = (parse(line, ctx.today) for line in lines)
    return any(isinstance(command, Command) and command.verb in CHANGES for command in commands)


def _scope_of(ctx: Context, token: str, sender: Sender) -> Scope | None:
    """Of whom the token speaks; None if it is not this sender's."""
    for purpose, open_scope in _SCOPES.items():
        row = ctx.keys.row_of(token, purpose)
        if row and ctx.keys.holds(token, purpose, row):
            return open_scope(ctx, row, sender)
    return None


def _waiter_scope(ctx: Context, row: int, sender: Sender) -> Scope | None:
    waiter = ctx.tx.get(Waiter, row)
    invitation = ctx.tx.get(Invitation, waiter.invitation_id) if waiter else None
    if waiter is None or invitation is None or waiter.sender_id != sender.id:
        return None
    confirmations = ctx.tx.find(
        Confirmation, order="-id", sender_id=sender.id, invitation_id=invitation.id, done_at=None, limit=1
    )
    return Scope((invitation,), next(iter(confirmations), None))


def _message_scope(ctx: Context, row: int, sender: Sender) -> Scope | None:
    message = ctx.tx.get(Message, row)
    if message is None or message.sender_id != sender.id:
        return None
    ids = {copy.invitation_id for copy in ctx.tx.find(Copy, message_id=message.id) if copy.invitation_id}
    return Scope(tuple(ctx.tx.find(Invitation, id__in=ids)))


def _sender_scope(_: Context, row: int, sender: Sender) -> Scope | None:
    return Scope() if row == sender.id else None


def _confirm_scope(ctx: Context, row: int, sender: Sender) -> Scope | None:
    confirmation = ctx.tx.get(Confirmation, row)
    if confirmation is None or confirmation.sender_id != sender.id:
        return None
    invitation = ctx.tx.get(Invitation, confirmation.invitation_id) if confirmation.invitation_id else None
    return Scope((invitation,) if invitation else (), confirmation)


_SCOPES: dict[Purpose, Callable[[Context, int, Sender], Scope | None]] = {
    Purpose.WAITER: _waiter_scope,
    Purpose.MESSAGE: _message_scope,
    Purpose.SENDER: _sender_scope,
    Purpose.CONFIRM: _confirm_scope,
}


def _transcribe(ctx: Context, sender: Sender, scope: Scope, results: list[Result], answers: str, language: str) -> None:
    only = scope.people[0] if len(scope.people) == 1 else None
    waiter = ctx.tx.one(Waiter, invitation_id=only.id, sender_id=sender.id) if only else None
    own = notices.token(Purpose.SENDER, sender.id)
    reply = notices.token(Purpose.WAITER, waiter.id) if waiter else own
    facts = {"results": results, "sender_page": own}
    notices.to_sender(ctx, Notice.TRANSCRIPT, sender, facts, reply=reply, answers=answers, language=language)


# -------------------------------------------------------------------------------------------------- the sender's page


PAGE = 50
"""How many people a sender's page shows at once."""


@dataclass(frozen=True, slots=True)
class SenderPage:
    """What a sender's own page shows: the people they wait for, `PAGE` at a time, or the one whom the link is about,
    who is then the only one and in `focus`.
    """

    sender: Sender
    practice: str
    people: list[dict[str, Any]]
    focus: int | None
    page: int = 1
    pages: int = 1


def sender_page(ctx: Context, token: str, page: int = 1, *, holding: str = "") -> SenderPage | None:
    """The page that a sender's link opens, or the one that has the address to be held; None for a dead link.

    Changes nothing.
    """
    found = _page_owner(ctx, token)
    if found is None:
        return None
    sender, invitation = found
    practice = ctx.site.practice(sender.practice_id).name
    if invitation:
        return SenderPage(sender, practice, [_focused(ctx, sender, invitation)], 0)
    rows = waited_for(ctx, sender)
    pages = max(ceil(len(rows) / PAGE), 1)
    held = next((index for index, (_, shown) in enumerate(rows) if shown.typed == holding), None)
    page = min(max(page, 1), pages) if held is None else held // PAGE + 1
    here = rows[(page - 1) * PAGE : page * PAGE]
    return SenderPage(sender, practice, [people.standing(ctx, i, w) for w, i in here], None, page, pages)


def _focused(ctx: Context, sender: Sender, invitation: Invitation) -> dict[str, Any]:
    waiter = ctx.tx.one(Waiter, invitation_id=invitation.id, sender_id=sender.id, withdrawn=False)
    return people.standing(ctx, invitation, waiter if invitation.state in OPEN else None)


def by_page(ctx: Context, token: str, line: str) -> list[Result] | None:
    """Run one line that the page's form stands for; None for a dead link."""
    found = _page_owner(ctx, token)
    if found is None:
        return None
    sender, invitation = found
    results = run(ctx, sender, Scope((invitation,) if invitation else ()), [line])
    for result in results:
        if result["code"] == "cancelled":
            reply = notices.token(Purpose.SENDER, sender.id)
            notices.to_sender(ctx, Notice.CANCELLED, sender, {"person": result["person"]}, reply=reply)
    return results


def _page_owner(ctx: Context, token: str) -> tuple[Sender, Invitation | None] | None:
    row = ctx.keys.row_of(token, Purpose.WAITER)
    if row and ctx.keys.holds(token, Purpose.WAITER, row):
        waiter = ctx.tx.get(Waiter, row)
        sender = ctx.tx.get(Sender, waiter.sender_id) if waiter else None
        return (sender, ctx.tx.get(Invitation, waiter.invitation_id)) if waiter and sender else None
    row = ctx.keys.row_of(token, Purpose.SENDER)
    sender = ctx.tx.get(Sender, row) if row and ctx.keys.holds(token, Purpose.SENDER, row) else None
    return (sender, None) if sender else None
