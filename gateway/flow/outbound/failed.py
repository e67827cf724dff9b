"""Telling whoever has to know that a mail will not arrive."""

import base64

from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Sender
from gateway.domain.vocabulary import TO_INVITEE, Audience, DeliveryKind, Notice, Purpose
from gateway.flow import notices
from gateway.flow.context import Context
from gateway.flow.facts import AboutPerson, NonDelivery, Undelivered
from gateway.flow.invitations import invite
from gateway.flow.outbound import unheard
from gateway.flow.standing import Token
from gateway.mail.headers import header_block


def tell(ctx: Context, delivery: Delivery, head: bytes) -> None:
    """Tell whoever has to know that a mail will not arrive."""
    ctx = ctx.of_mail(delivery.queue_id or ctx.queue_id)
    match delivery.kind:
        case DeliveryKind.PASS if delivery.mail_from:
            _queue_report(ctx, delivery, head)
        case DeliveryKind.NOTICE | DeliveryKind.RETURN:
            _invitation_failed(ctx, delivery)
            unheard.tell(ctx, delivery)
        case DeliveryKind.RELAY | DeliveryKind.REPLY:
            _secure_mail_failed(ctx, delivery)


def _invitation_failed(ctx: Context, delivery: Delivery) -> None:
    invitation = invitation_of(ctx, delivery)
    if invitation and invite.can(invitation, Event.BOUNCED):
        invite.transition(ctx, invitation, Event.BOUNCED)


def invitation_of(ctx: Context, delivery: Delivery) -> Invitation | None:
    """The invitation that this mail told its invitee of, unless it has been moved to another address since."""
    if delivery.notice not in TO_INVITEE or not delivery.invitation_id:
        return None
    invitation = ctx.tx.get(Invitation, delivery.invitation_id)
    return invitation if invitation and invitation.typed == delivery.recipient else None


def _queue_report(ctx: Context, delivery: Delivery, head: bytes) -> None:
    """A non-delivery report to the envelope's sender (RFC 5321 §6.1, RFC 3464)."""
    code = delivery.last_reply[:1]
    facts = NonDelivery(
        recipient=delivery.recipient,
        status="5.0.0" if code == "5" else "4.4.7",  # RFC 3463 §3.5: delivery time expired
        reply=delivery.last_reply,
        head=base64.b64encode(header_block(head)).decode(),
    )
    queued = notices.QueuedNotice(notice=Notice.UNDELIVERABLE, audience=Audience.SENDER, facts=facts)
    report = Delivery(
        kind=DeliveryKind.REPORT,
        recipient=delivery.mail_from,
        facts=notices.seal(ctx.keys, queued, delivery.mail_from),
        created_at=ctx.now,
        due_at=ctx.now,
        queue_id=delivery.queue_id,
    )
    ctx.tx.add(report)


def _secure_mail_failed(ctx: Context, delivery: Delivery) -> None:
    copy = ctx.tx.get(Copy, delivery.copy_id or 0)
    message = ctx.tx.get(Message, copy.message_id) if copy else None
    sender = ctx.tx.get(Sender, message.sender_id) if message and message.sender_id else None
    account = ctx.tx.get(Account, message.account_id) if message and message.account_id else None
    if sender:
        reply = Token(Purpose.SENDER, sender.id)
        notices.to_sender(ctx, Notice.UNDELIVERABLE, sender, AboutPerson(address=delivery.recipient), reply=reply)
    elif account and not account.is_erased:
        notices.to_account(ctx, Notice.UNDELIVERABLE, account, "", Undelivered(address=delivery.recipient))
