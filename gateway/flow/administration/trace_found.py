"""What one mail has left in the store, by whatever an administrator knows of it: where its trace begins."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.address import Address, address
from gateway.domain.model import Copy, Delivery, Invitation, Message, Sender
from gateway.domain.model_questions import Question
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import DeliveryKind, Notice
from gateway.errors import BadAddress
from gateway.flow.context import Context
from gateway.flow.inbound import receipts
from gateway.flow.outbound.write_out import message_id
from gateway.flow.pseudonyms import pseudonym

QUEUE_ID = re.compile("[0-9a-f]{12}")
CLOCK_SET = timedelta(days=1)
"""By how much rows of the audit may lie out of the order of time, where the clock was set."""
AT_A_TIME = 1000
RECEIPTS = (Notice.RECEIPT, Notice.DIGEST)


@dataclass(slots=True)
class Found:
    """The rows of one mail, or of what has no mail: a message written in the portal, a notice about an invitation."""

    queue_id: str = ""
    messages: list[Message] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    answers: list[Message] = field(default_factory=list)
    audit: list[Audit] = field(default_factory=list)

    @property
    def since(self) -> datetime:
        """When it was taken in, or began."""
        return min([one.received_at for one in self.messages] + [one.created_at for one in self.deliveries])


def found(ctx: Context, asked: str) -> list[Found]:
    """All that is known under a queue id, a Message-ID or the number of a delivery: one for each mail that it names."""
    asked = asked.strip()
    if QUEUE_ID.fullmatch(asked) and (one := _by_queue_id(ctx, asked)):
        return [_completed(ctx, one)]
    if asked.isdecimal():
        return _by_delivery(ctx, int(asked))
    header_id = asked if asked.startswith("<") else f"<{asked}>"
    own = re.match(r"<(\d{1,18})\.", header_id)
    if own and message_id(ctx.keys, ctx.site, int(own[1])) == header_id:
        return _by_delivery(ctx, int(own[1]))
    messages = ctx.tx.find(Message, header_id=header_id)
    queue_ids = dict.fromkeys(one.queue_id for one in messages if one.queue_id)
    mails = filter(None, (_by_queue_id(ctx, one) for one in queue_ids))
    portal = (Found(messages=[one]) for one in messages if not one.queue_id)
    return [_completed(ctx, one) for one in [*mails, *portal]]


def _by_queue_id(ctx: Context, queue_id: str) -> Found | None:
    messages = ctx.tx.find(Message, queue_id=queue_id)
    deliveries = ctx.tx.find(Delivery, queue_id=queue_id)
    return Found(queue_id, messages, deliveries=deliveries) if messages or deliveries else None


def _by_delivery(ctx: Context, number: int) -> list[Found]:
    """The mail that the delivery is of; the delivery alone where that is of none."""
    delivery = ctx.tx.get(Delivery, number) if number < 2**63 else None
    if delivery is None:
        return []
    if delivery.queue_id and (one := _by_queue_id(ctx, delivery.queue_id)):
        return [_completed(ctx, one)]
    copy = ctx.tx.get(Copy, delivery.copy_id) if delivery.copy_id else None
    message = ctx.tx.get(Message, copy.message_id) if copy else None
    return [_completed(ctx, Found(messages=[message] if message else [], deliveries=[delivery]))]


# ---------------------------------------------------------------------------------------------------------- the rest


def _completed(ctx: Context, one: Found) -> Found:
    """With all that hangs on its messages."""
    ids = [message.id for message in one.messages]
    if ids:
        one.copies = ctx.tx.find(Copy, message_id__in=ids)
        one.questions = ctx.tx.find(Question, message_id__in=ids)
        one.answers = ctx.tx.find(Message, reply_to_id__in=ids)
    invitations = {copy.invitation_id for copy in one.copies if copy.invitation_id}
    alone = {row.invitation_id for row in one.deliveries if row.invitation_id and not ids}
    one.invitations = _listed(ctx, Invitation, invitations | alone)
    known = {row.id: row for row in one.deliveries}
    for row in [*_about(ctx, one, invitations), *_gathered(ctx, one)]:
        known.setdefault(row.id, row)
    one.deliveries = [known[number] for number in sorted(known)]
    one.audit = _audited(ctx, one)
    return one


def _listed(ctx: Context, table: type[Any], ids: set[int]) -> list[Any]:
    return ctx.tx.find(table, id__in=sorted(ids)) if ids else []


def _about(ctx: Context, one: Found, invitations: set[int]) -> Iterator[Delivery]:
    """What carries its copies, and what is said about the invitations for which they are held."""
    if one.copies:
        yield from ctx.tx.find(Delivery, copy_id__in=[copy.id for copy in one.copies])
    if invitations:
        for row in ctx.tx.find(Delivery, invitation_id__in=sorted(invitations)):
            if row.created_at >= one.since:
                yield row


def _gathered(ctx: Context, one: Found) -> list[Delivery]:
    """The receipt that tells of several mails of one run: it bears the queue id of the first of them."""
    sender = next((message.sender_id for message in one.messages if message.sender_id), None)
    if sender is None or any(row.notice in RECEIPTS for row in one.deliveries):
        return []
    span: dict[str, Any] = {
        "created_at__gt": one.since - receipts.LONGEST,
        "created_at__lt": one.since + receipts.LONGEST,
    }
    return ctx.tx.find(Delivery, sender_id=sender, notice__in=RECEIPTS, **span)


# ---------------------------------------------------------------------------------------------------------- the audit


def _audited(ctx: Context, one: Found) -> list[Audit]:
    """What the audit says of these rows, and what the mail itself has asked for."""
    after = _last_before(ctx, one.since - CLOCK_SET)
    rows = {row.id: row for row in ctx.tx.find(Audit, id__gt=after, subject__in=_subjects(one))}
    if one.queue_id:
        instants = {row.created_at for row in one.deliveries} | {row.received_at for row in one.messages}
        by_mail = ctx.tx.find(Audit, id__gt=after, at__in=sorted(instants))
        rows |= {row.id: row for row in by_mail if row.place.endswith(f"mail {one.queue_id}")}
    return [row for row in rows.values() if row.at >= one.since or not row.subject.startswith("invitation")]


def _subjects(one: Found) -> list[str]:
    named: list[tuple[str, Sequence[Any]]] = [
        ("message", one.messages),
        ("copy", one.copies),
        ("delivery", one.deliveries),
        ("invitation", one.invitations),
    ]
    return [f"{what} {row.id}" for what, rows in named for row in rows]


def _last_before(ctx: Context, at: datetime) -> int:
    """The number of the last row of the audit before this instant: the audit is long, and has no index of times."""
    newest = ctx.tx.find(Audit, order="-id", limit=1)
    low, high = 0, newest[0].id if newest else 0
    while low < high:
        middle = (low + high + 1) // 2
        row = ctx.tx.find(Audit, id__gt=middle - 1, limit=1)[0]
        if row.at < at:
            low = row.id
        else:
            high = middle - 1
    return low


# ---------------------------------------------------------------------------------------------------------- by address


@dataclass(frozen=True, slots=True)
class MailOf:
    """A mail that somebody wrote or was sent: when it was taken in, from whom, to whom, and how to trace it."""

    at: datetime
    queue_id: str
    header_id: str
    sender: str
    recipient: str
    number: str


def mails_of(ctx: Context, who: Address, since: datetime, limit: int) -> list[MailOf]:
    """The newest mails that this address wrote or was sent since then, the latest first."""
    senders = {one.id: one for one in ctx.tx.find(Sender, address=who.key)}
    rows: list[MailOf] = []
    for message in _each(ctx, Message, received_at__gt=since):
        copies = ctx.tx.find(Copy, message_id=message.id)
        if message.sender_id not in senders:
            copies = [copy for copy in copies if copy.address == who.key]
        author = ctx.tx.get(Sender, message.sender_id) if message.sender_id and copies else None
        rows += [_mail(message, author.typed if author else "", copy) for copy in copies]
    for row in _each(ctx, Delivery, kind=DeliveryKind.PASS, created_at__gt=since):
        if who.key in (_key(row.mail_from), _key(row.recipient)) and row.copy_id is None:
            at, number = row.created_at, f"delivery {row.id}"
            rows.append(MailOf(at, row.queue_id, "", row.mail_from, row.recipient, number))
    return sorted(rows, key=lambda row: row.at, reverse=True)[:limit]


def addresses_called(ctx: Context, name: str, since: datetime) -> list[Address]:
    """The addresses that the log calls so (flow/pseudonyms.py), among those of mails since then."""
    ids = [message.id for message in _each(ctx, Message, received_at__gt=since)]
    seen = {copy.address for start in range(0, len(ids), AT_A_TIME) for copy in _copies(ctx, ids, start)}
    seen |= {one.address for one in ctx.tx.find(Sender)}
    for row in _each(ctx, Delivery, created_at__gt=since):
        seen |= {_key(row.recipient), _key(row.mail_from)}
    return [address(one) for one in sorted(seen - {""}) if pseudonym(ctx.keys, one) == name]


def _copies(ctx: Context, ids: list[int], start: int) -> list[Copy]:
    return ctx.tx.find(Copy, message_id__in=ids[start : start + AT_A_TIME])


def _mail(message: Message, sender: str, copy: Copy) -> MailOf:
    number = f"message {message.id}"
    return MailOf(message.received_at, message.queue_id, message.header_id, sender, copy.typed, number)


def _each(ctx: Context, table: type[Any], **where: Any) -> Iterator[Any]:
    after = 0
    while rows := ctx.tx.find(table, id__gt=after, limit=AT_A_TIME, **where):
        yield from rows
        after = rows[-1].id


def _key(typed: str) -> str:
    try:
        return address(typed).key
    except BadAddress:
        return ""
