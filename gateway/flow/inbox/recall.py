"""A sender takes a delivered message back, or asks which ones were read; and what is kept long enough goes."""

from typing import Any

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.model import Copy, Message, Sender
from gateway.domain.vocabulary import CopyState
from gateway.errors import WrongKey
from gateway.flow import copies
from gateway.flow.context import Context
from gateway.flow.results import Reading

LOOKED_AT = 200
"""How many of a sender's newest messages are looked through."""
TOLD = 20
"""How many messages one answer to READ tells of."""
_DELIVERED = (CopyState.INBOX, CopyState.RECALLED, CopyState.OVER)


def sent_to(ctx: Context, sender: Sender, who: Address | None, states: tuple[CopyState, ...]) -> list[Copy]:
    """The copies of the sender's newest messages, to this person or to anybody, the latest first."""
    messages = ctx.tx.find(Message, order="-id", limit=LOOKED_AT, sender_id=sender.id)
    to = {"address": who.key} if who else {}
    conditions: dict[str, Any] = {"message_id__in": [one.id for one in messages], "state__in": states, **to}
    return ctx.tx.find(Copy, order="-id", **conditions)


def latest(ctx: Context, sender: Sender, who: Address) -> Copy | None:
    """The sender's latest message to this person that is not over."""
    states = (CopyState.INBOX, CopyState.HELD, CopyState.RELAYED)
    return next(iter(sent_to(ctx, sender, who, states)), None)


def take_back(ctx: Context, copy: Copy, reason: str, by: str) -> Copy:
    """Destroy a delivered copy; its reader sees that it was taken back, and why."""
    ctx.audit(by, Act.RECALLED, f"copy {copy.id}", "read" if copy.read_at else "unread")
    sealed = ctx.keys.seal(reason.encode(), bound_to(copy.id)) if reason else None
    return copies.destroy(ctx, copy, CopyState.RECALLED, sealed)


def reason_of(ctx: Context, copy: Copy) -> str:
    """Why it was taken back, if that was said."""
    try:
        return ctx.keys.open(copy.reason, bound_to(copy.id)).decode() if copy.reason else ""
    except WrongKey:  # an altered row
        return ""


def readings(ctx: Context, sender: Sender, who: Address | None) -> list[Reading]:
    """Of the sender's newest messages: to whom, when it was sent, and when it was read. Nothing of what it says."""
    copies = sent_to(ctx, sender, who, _DELIVERED)[:TOLD]
    messages = {one.id: one for one in ctx.tx.find(Message, id__in=[copy.message_id for copy in copies])}
    return [
        Reading(
            who=copy.typed,
            sent=messages[copy.message_id].received_at.isoformat(),
            read=copy.read_at.isoformat() if copy.read_at else "",
            recalled=copy.state is CopyState.RECALLED,
        )
        for copy in copies
        if copy.message_id in messages  # or its row was altered
    ]


def run_expired(ctx: Context, limit: int) -> int:
    """Destroy messages that were kept for as long as the site keeps them; how many there were."""
    due = ctx.tx.find(Copy, order="expires_at", expires_at__le=ctx.now, limit=limit)
    for copy in due:
        copies.destroy(ctx, copy, CopyState.OVER)
    return len(due)


def bound_to(copy_id: int) -> str:
    """What the reason is bound to why a copy was taken back."""
    return f"recall|{copy_id}"
