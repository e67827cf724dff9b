"""Of whom the token of a notice speaks: what a reply to it is about, and whose it is."""

from collections.abc import Callable

from gateway.domain.model import Confirmation, Copy, Invitation, Message, Sender, Waiter
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import Purpose
from gateway.flow.ask import Scope
from gateway.flow.context import Context
from gateway.flow.mailing import parts

Opened = tuple[int, Scope]
"""The id of the sender to whom a token was given, and of whom it speaks."""


def scope_of(ctx: Context, token: str) -> Opened | None:
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
    sent = parts(ctx, sender, message.header_id, message.received_at) if sender else []
    messages = [message.id, *(one.id for one in sent)]
    ids = {copy.invitation_id for copy in ctx.tx.find(Copy, message_id__in=messages) if copy.invitation_id}
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
