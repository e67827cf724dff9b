"""One mail's way in the order of time: taken in, decided, told, delivered, read, answered, destroyed.

It is told from rows and from the audit, never from what the mail says. So it can be told after the content was
destroyed, for as long as the site keeps the rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.model import Account, Content, Copy, Delivery, Message, Sender
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState
from gateway.flow.administration.trace_found import Found, found
from gateway.flow.context import Context


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a mail: when, what, to or by whom; `number` names the row that shows it."""

    at: datetime
    what: str
    who: str = ""
    detail: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A mail and its steps. `queue_id` and `header_id` are empty where it has none."""

    queue_id: str
    header_id: str
    steps: tuple[Step, ...]


def trace(ctx: Context, asked: str) -> list[Way]:
    """The way of each mail that a queue id, a Message-ID or the number of a delivery names."""
    return [_way(ctx, one) for one in found(ctx, asked)]


def _way(ctx: Context, one: Found) -> Way:
    steps = [step for tell in _TELLERS for step in tell(ctx, one)]
    header_id = next((message.header_id for message in one.messages), "")
    return Way(one.queue_id, header_id, tuple(sorted(steps, key=lambda step: step.at)))  # stable: as told


# ------------------------------------------------------------------------------------------------------------ tellers


def _taken_in(ctx: Context, one: Found) -> Iterator[Step]:
    for message in one.messages:
        how = "written in the portal" if message.account_id else "taken in"
        yield Step(message.received_at, how, _author(ctx, message), f"{message.size} octets", f"message {message.id}")
    passing = [row for row in one.deliveries if row.kind is DeliveryKind.PASS and row.queue_id == one.queue_id]
    if passing and not one.messages:
        first = passing[0]
        content = ctx.tx.get(Content, first.content_id)
        size = f"{content.size} octets" if content else ""
        yield Step(first.created_at, "taken in", first.mail_from or "<>", size)


def _decided(_: Context, one: Found) -> Iterator[Step]:
    """What was decided for each recipient, as far as its copy shows it."""
    taken = {message.id: message.received_at for message in one.messages}
    asked = {question.message_id: question.sign.value for question in one.questions}
    for copy in one.copies:
        what, detail = _decision(copy, asked)
        yield Step(taken[copy.message_id], what, copy.typed, detail, f"copy {copy.id}")
    if not one.messages:
        for row in one.deliveries:
            if row.kind is DeliveryKind.PASS:
                yield Step(row.created_at, "passes", row.recipient, "ordinary mail", f"delivery {row.id}")


def _decision(copy: Copy, asked: dict[int, str]) -> tuple[str, str]:
    if copy.message_id in asked:
        return "held", f"its sender is asked: {asked[copy.message_id]}"
    if copy.state is CopyState.TO_SENDERS:
        return "kept", "an answer by mail, for those who wait"
    if copy.invitation_id:
        return "held", f"for invitation {copy.invitation_id}"
    if copy.account_id:
        return "into the inbox", ""
    return "handed on", "to a mail system that is secure"


def _sent(_: Context, one: Found) -> Iterator[Step]:
    """Each mail that leaves: when it was queued, and what became of it."""
    for row in one.deliveries:
        what, number = _kind(row), f"delivery {row.id}"
        yield Step(row.created_at, f"queued: {what}", row.recipient, f"by {row.hop or 'next_hop'}", number)
        if row.state in _ENDS:
            yield Step(
                row.ended_at or row.created_at, f"{_ENDS[row.state]}: {what}", row.recipient, row.last_reply, number
            )
        elif row.state in _WAITS:
            at = row.due_at if row.state is DeliveryState.QUEUED else row.created_at
            tried = f"tried {row.attempts} times; {row.last_reply}" if row.attempts else ""
            yield Step(at, f"{_WAITS[row.state]}: {what}", row.recipient, tried, number)


_ENDS = {
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "given up",
    DeliveryState.DROPPED: "dropped",
}
_WAITS = {
    DeliveryState.QUEUED: "waits to be sent",
    DeliveryState.HELD: "waits for its sender's word",
    DeliveryState.QUARANTINED: "set aside",
    DeliveryState.PAUSED: "paused",
}


def _audited(_: Context, one: Found) -> Iterator[Step]:
    for row in one.audit:
        yield Step(row.at, row.action, row.actor, row.detail, row.subject)


def _copies_now(_: Context, one: Found) -> Iterator[Step]:
    """What the copies show and the audit has forgotten, or never said."""
    said = {(row.subject, row.at) for row in one.audit}
    for copy in one.copies:
        number = f"copy {copy.id}"
        if copy.read_at and (number, copy.read_at) not in said:
            yield Step(copy.read_at, "read for the first time", copy.typed, "", number)
        if copy.ended_at and (number, copy.ended_at) not in said:
            yield Step(copy.ended_at, copy.state.value, copy.typed, "", number)


def _answered(ctx: Context, one: Found) -> Iterator[Step]:
    for message in one.answers:
        detail = f"queue id {message.queue_id}" if message.queue_id else ""
        yield Step(message.received_at, "answered", _author(ctx, message), detail, f"message {message.id}")


_TELLERS: tuple[Callable[[Context, Found], Iterator[Step]], ...] = (
    *(_taken_in, _decided, _audited, _sent, _copies_now, _answered),
)
"""In the order in which what happened at one instant is told."""


# -------------------------------------------------------------------------------------------------------------- parts


def _kind(row: Delivery) -> str:
    return row.notice.value if row.notice and row.kind is DeliveryKind.NOTICE else row.kind.value


def _author(ctx: Context, message: Message) -> str:
    sender = ctx.tx.get(Sender, message.sender_id) if message.sender_id else None
    account = ctx.tx.get(Account, message.account_id) if message.account_id else None
    if sender:
        return sender.typed
    return account.typed if account else "an invitee, by mail"
