"""Of whom the token of a notice speaks: what a reply to it is about, and whose it is."""

from collections.abc import Callable
from typing import Any

from gateway.domain.model import Confirmation, Copy, Invitation, Message, Sender, WaitingSender
from gateway.domain.model_questions import Question
from gateway.domain.vocabulary import Purpose
from gateway.flow.commands.command_call import Scope
from gateway.flow.context import Context
from gateway.flow.inbound.mailing import parts

TokenScope = tuple[int, Scope]
"""The id of the sender to whom a token was given, and of whom it speaks."""


def scope_of(ctx: Context, token: str) -> TokenScope | None:
    for purpose, (table, open_scope) in _SCOPES.items():
        if row := ctx.opened(token, purpose, table):
            return open_scope(ctx, row)
    return None


def _invitation_scope(ctx: Context, waiting_sender: WaitingSender) -> TokenScope | None:
    invitation = ctx.tx.get(Invitation, waiting_sender.invitation_id)
    if invitation is None:
        return None
    confirmations = ctx.tx.find(
        Confirmation,
        order="-id",
        sender_id=waiting_sender.sender_id,
        invitation_id=invitation.id,
        done_at=None,
        limit=1,
    )
    return waiting_sender.sender_id, Scope((invitation,), confirmation=next(iter(confirmations), None))


def _message_scope(ctx: Context, message: Message) -> TokenScope | None:
    if message.sender_id is None:
        return None
    return message.sender_id, Scope(_invited_for(ctx, message), message)


def _invited_for(ctx: Context, message: Message) -> tuple[Invitation, ...]:
    """Those who were invited for a mail, in however many parts it came."""
    sender = ctx.tx.get(Sender, message.sender_id or 0)
    sent = parts(ctx, sender, message.header_id, message.received_at) if sender else []
    messages = [message.id, *(one.id for one in sent)]
    ids = {copy.invitation_id for copy in ctx.tx.find(Copy, message_id__in=messages) if copy.invitation_id}
    return tuple(ctx.tx.find(Invitation, id__in=ids))


def _question_scope(ctx: Context, question: Question) -> TokenScope | None:
    message = ctx.tx.get(Message, question.message_id)
    if message is None:
        return None
    return question.sender_id, Scope(_invited_for(ctx, message), message, question=question)


def _sender_scope(_: Context, sender: Sender) -> TokenScope:
    return sender.id, Scope()


def _confirm_scope(ctx: Context, confirmation: Confirmation) -> TokenScope:
    invitation = ctx.tx.get(Invitation, confirmation.invitation_id) if confirmation.invitation_id else None
    return confirmation.sender_id, Scope((invitation,) if invitation else (), confirmation=confirmation)


_SCOPES: dict[Purpose, tuple[type[Any], Callable[[Context, Any], TokenScope | None]]] = {
    Purpose.WAITING_SENDER: (WaitingSender, _invitation_scope),
    Purpose.MESSAGE: (Message, _message_scope),
    Purpose.SENDER: (Sender, _sender_scope),
    Purpose.CONFIRM: (Confirmation, _confirm_scope),
    Purpose.QUESTION: (Question, _question_scope),
}
