"""Commands that wait for a YES: put aside sealed, and asked about at the sender's own address."""

import json
from collections.abc import Sequence

from gateway.domain import misspelt
from gateway.domain.address import Address
from gateway.domain.commands import parse
from gateway.domain.model import Confirmation, Invitation, Sender
from gateway.domain.vocabulary import Notice, Purpose
from gateway.errors import WrongKey
from gateway.flow import notices, people
from gateway.flow.context import Context


def ask(
    ctx: Context,
    sender: Sender,
    lines: Sequence[str],
    why: str,
    invitation: Invitation | None = None,
    answers: str = "",
    language: str = "",
    last_of: int = 0,
) -> None:
    """Put lines aside until the sender says YES; the question goes to the sender's own address.

    `last_of`: this is the last of so many that they are asked today.
    """
    sealed = ctx.keys.seal(json.dumps(list(lines)).encode(), _bound_to(sender.id))
    confirmation = ctx.tx.add(
        Confirmation(
            sender_id=sender.id,
            invitation_id=invitation.id if invitation else None,
            lines=sealed,
            created_at=ctx.now,
        )
    )
    order = ctx.site.practice(sender.practice_id).date_order
    facts = {
        "why": why,
        "last_of": last_of,
        "lines": [parse(line, ctx.today, order).text for line in lines],
        "person": people.standing(ctx, invitation) if invitation else None,
        "meant": misspelt.meant(Address(invitation.address, invitation.typed))
        if why == "misspelt" and invitation
        else "",
    }
    reply = notices.token(Purpose.CONFIRM, confirmation.id)
    notices.to_sender(
        ctx, Notice.CONFIRM, sender, facts, reply=reply, answers=answers, invitation=invitation, language=language
    )


def lines(ctx: Context, confirmation: Confirmation) -> list[str]:
    """What was put aside; nothing where its row was altered."""
    try:
        opened: list[str] = json.loads(ctx.keys.open(confirmation.lines, _bound_to(confirmation.sender_id)))
    except WrongKey:
        return []
    return opened


def _bound_to(sender_id: int) -> str:
    return f"confirmation|{sender_id}"
