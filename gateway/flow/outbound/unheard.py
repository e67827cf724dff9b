"""A mail of ours to a sender came back: somebody else at their practice hears what waits for an answer."""

from gateway.domain.acts import Act
from gateway.domain.model import Delivery, Invitation, Sender, WaitingSender
from gateway.domain.vocabulary import OPEN, Audience, Notice, Purpose
from gateway.flow import notices, senders
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.facts import Unheard
from gateway.flow.inbound import question
from gateway.flow.standing import Token

MOST_PEOPLE = 20
"""People of whom one mail speaks; all stand on the sender's page."""
_NOT_TOLD = (Notice.UNHEARD, Notice.SENDER_LINK, Notice.ACCEPTED)
"""What nobody else need hear."""


def tell(ctx: Context, delivery: Delivery) -> None:
    """Tell whoever hears in the sender's place, once a day for one thing: the fallback, else managers, else IT."""
    sender = ctx.tx.get(Sender, delivery.sender_id) if delivery.sender_id else None
    if sender is None or delivery.notice in _NOT_TOLD:
        return
    practice = ctx.site.practice(sender.practice_id)
    circles = (practice.stand_ins, practice.managers, (ctx.site.postmaster,))
    those = next((told for one in circles if (told := [to for to in one if to and to != delivery.recipient])), [])
    about = ctx.tx.get(Invitation, delivery.invitation_id) if delivery.invitation_id else None
    ctx.audit("gateway", Act.UNHEARD, f"sender {sender.id}", delivery.notice.value if delivery.notice else "")
    if not count_today(ctx, f"unheard|{sender.id}|{delivery.notice}|{about.id if about else 0}", 1):
        return
    if delivery.notice is Notice.NEAR_MISS and question.retell(ctx, sender, those):
        return
    for to in those:
        _queue(ctx, sender, to, delivery, about)


def _queue(ctx: Context, sender: Sender, to: str, delivery: Delivery, about: Invitation | None) -> None:
    practice = ctx.site.practice(sender.practice_id)
    waits = _waits(ctx, sender, about)
    facts = Unheard(
        sender=senders.display(sender),
        dead=delivery.recipient,
        people=tuple(
            senders.standing(ctx, invitation, waiting_sender) for invitation, waiting_sender in waits[:MOST_PEOPLE]
        ),
        more=max(len(waits) - MOST_PEOPLE, 0),
        sender_page=senders.page_token(ctx, Purpose.SENDER_PAGE, sender.id),
        answered=about.who if about and delivery.notice is Notice.ANSWERED else "",
    )
    queued = notices.QueuedNotice(
        notice=Notice.UNHEARD,
        audience=Audience.SENDER,
        facts=facts,
        language=practice.language,
        reply=Token(Purpose.SENDER, sender.id),
        practice=practice.name,
        instead_of=sender.typed,
    )
    notices.queue(ctx, queued, to, sender=sender)


def _waits(ctx: Context, sender: Sender, about: Invitation | None) -> list[tuple[Invitation, WaitingSender]]:
    """Whom the sender waits for, and first of all the one whom the mail that came back was about, over or not."""
    waiting_senders = {
        one.invitation_id: one for one in ctx.tx.find(WaitingSender, sender_id=sender.id, withdrawn=False)
    }
    rows = ctx.tx.find(Invitation, id__in=sorted(waiting_senders), state__in=OPEN) if waiting_senders else []
    first = [about] if about and about.id in waiting_senders else []
    others = [one for one in rows if about is None or one.id != about.id]
    return [(one, waiting_senders[one.id]) for one in (*first, *others)]
