"""Commands that wait for a YES: put aside sealed, and asked about at the sender's own address."""

import json
from collections.abc import Sequence

from gateway.domain import typos
from gateway.domain.address import Address
from gateway.domain.commands import Line
from gateway.domain.model import Confirmation, Invitation, Sender
from gateway.domain.vocabulary import Notice, Purpose
from gateway.errors import WrongKey
from gateway.flow import notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import Confirm
from gateway.flow.standing import Token, Why


def ask(
    ctx: Context,
    sender: Sender,
    lines: Sequence[Line],
    why: Why,
    invitation: Invitation | None = None,
    answers: str = "",
    language: str = "",
    last_of: int = 0,
) -> None:
    """Put lines aside until the sender says YES; the question goes to the sender's own address.

    `last_of`: this is the last of so many that they are asked today.
    """
    sealed = ctx.keys.seal(json.dumps([line.typed for line in lines]).encode(), bound_to(sender.id))
    confirmation = ctx.tx.add(
        Confirmation(
            sender_id=sender.id,
            invitation_id=invitation.id if invitation else None,
            lines=sealed,
            created_at=ctx.now,
        )
    )
    facts = Confirm(
        why=why,
        last_of=last_of,
        lines=tuple(line.said.text for line in lines),
        person=senders.standing(ctx, invitation) if invitation else None,
        meant=typos.meant(Address(invitation.address, invitation.typed)) if why == Why.MISSPELT and invitation else "",
    )
    reply = Token(Purpose.CONFIRM, confirmation.id)
    notices.to_sender(
        ctx, Notice.CONFIRM, sender, facts, reply=reply, answers=answers, invitation=invitation, language=language
    )


def lines(ctx: Context, confirmation: Confirmation) -> list[str]:
    """What was put aside; nothing where its row was altered."""
    try:
        opened: list[str] = json.loads(ctx.keys.open(confirmation.lines, bound_to(confirmation.sender_id)))
    except WrongKey:
        return []
    return opened


def bound_to(sender_id: int) -> str:
    """What the lines of a confirmation are bound to: whoever is to say YES."""
    return f"confirmation|{sender_id}"
