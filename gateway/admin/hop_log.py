"""What the next hop's own log (Postfix) shows as sent: so that a restored gateway does not send it again."""

import re
from collections.abc import Iterable

from gateway.admin.opening import Opens
from gateway.domain.address import address
from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.domain.vocabulary import DeliveryKind, DeliveryState
from gateway.errors import BadAddress, WrongKey
from gateway.flow import copies
from gateway.flow.context import Context
from gateway.flow.outbound.write_out import message_id
from gateway.mail import parse

_TAKEN = re.compile(r"\]: (\w+): message-id=(<[^>]*>)")
_SENT = re.compile(r"\]: (\w+): to=<([^>]*)>,(?: orig_to=<([^>]*)>,)?.* status=sent ")


def sent_mails(log: Iterable[str]) -> set[tuple[str, str]]:
    """Message-IDs, each with the key of an address that it was sent to."""
    ids: dict[str, str] = {}
    sent: set[tuple[str, str]] = set()
    for line in log:
        if taken := _TAKEN.search(line):
            ids[taken[1]] = taken[2]  # a queue id may be used again: what is sent next is of the newer mail
        elif (gone := _SENT.search(line)) and gone[1] in ids:
            sent |= {(ids[gone[1]], _key(to)) for to in (gone[2], gone[3]) if to}
    return sent


def queued_and_sent(ctx: Context, content: Opens, sent: set[tuple[str, str]]) -> list[int]:
    """The deliveries that still wait here, and that the log shows as sent.

    A mail that passes through has its own Message-ID, which is read from its content.
    """
    waiting = ctx.tx.find(Delivery, state=DeliveryState.QUEUED)
    return [one.id for one in waiting if (_message_id(ctx, content, one), _key(one.recipient)) in sent]


def _message_id(ctx: Context, content: Opens, delivery: Delivery) -> str:
    """ "" where it cannot be known."""
    if delivery.kind in (DeliveryKind.RELAY, DeliveryKind.REPLY):
        copy = ctx.tx.get(Copy, delivery.copy_id or 0)
        message = ctx.tx.get(Message, copy.message_id) if copy else None
        return message.header_id if message else ""
    if delivery.kind is not DeliveryKind.PASS:
        return message_id(ctx.keys, ctx.site, delivery.id)
    row = ctx.tx.get(Content, delivery.content_id)
    try:
        bound = copies.bound_to_passing(delivery.content_id, delivery.recipient)
        key = ctx.keys.unwrap(delivery.wrapped_key or b"", bound)
        return parse.head(next(content.chunks(row.id, row.inline, key), b"")).message_id if row else ""
    except (WrongKey, KeyError):
        return ""


def _key(text: str) -> str:
    try:
        return address(text).key
    except BadAddress:
        return text
