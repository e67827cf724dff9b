"""What a sender is told about their secure mail: one receipt for one mail, one digest for a run of them.

A few receipts leave at once. What the same sender goes on to send within a minute is gathered for some seconds, and
while more comes, for longer. So is a mail of which other recipients may still come, since mail servers hand in one mail
in parts.
"""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.model import Delivery, Message
from gateway.domain.vocabulary import DeliveryState, Notice, Purpose
from gateway.errors import WrongKey
from gateway.flow import notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import Outcome, Receipt, ReceiptRow
from gateway.flow.inbound.mailing import Mailing
from gateway.flow.standing import Token

RUN = timedelta(minutes=1)
"""How soon after a receipt another mail counts as one of a run."""
AT_ONCE = 3
"""The receipts of a run that do not wait: a person may write to several people within a minute."""
QUIET = timedelta(seconds=4)
"""How long a later receipt of a run waits for the next mail."""
QUIET_IN_A_RUN = timedelta(seconds=20)
"""The same once it speaks of several: mail systems let some thirty mails a minute through."""
PARTS = timedelta(seconds=20)
"""How long a receipt waits for the other parts of its mail."""
LONGEST = timedelta(minutes=5)
"""The longest that a sender waits for a receipt."""
MOST_PEOPLE = 500
"""The people of one digest."""


def tell(mailing: Mailing, message: Message, *, incomplete: bool = False) -> None:
    """Tell the sender what happened to each recipient; `incomplete`: others that the mail names may still come in."""
    ctx = mailing.ctx
    last = ctx.tx.get(Delivery, mailing.sender.receipt_id) if mailing.sender.receipt_id else None
    if last and _is_gathering(ctx, last) and _added(mailing, last, message, incomplete=incomplete):
        return
    run = mailing.sender.receipts_in_a_run + 1 if last and last.created_at + RUN > ctx.now else 1
    wait = PARTS if incomplete else QUIET if run > AT_ONCE else timedelta()
    facts = _facts(mailing, message)
    reply, answers = _reply(mailing, facts), mailing.header_id
    sent = notices.to_sender(ctx, Notice.RECEIPT, mailing.sender, facts, reply=reply, answers=answers, wait=wait)
    mailing.sender = ctx.tx.put(replace(mailing.sender, receipt_id=sent.id, receipts_in_a_run=run))


def leave_at_once(ctx: Context) -> int:
    """Have what is being gathered leave, where the clock stands still; how many receipts there were."""
    waiting = ctx.tx.find(
        Delivery, state=DeliveryState.QUEUED, due_at__gt=ctx.now, notice__in=(Notice.RECEIPT, Notice.DIGEST)
    )
    gathering = [one for one in waiting if _is_gathering(ctx, one)]
    for one in gathering:
        ctx.tx.put(replace(one, due_at=ctx.now))
    return len(gathering)


def _is_gathering(ctx: Context, last: Delivery) -> bool:
    untouched = last.state is DeliveryState.QUEUED and not last.attempts and last.lease_until is None
    return untouched and last.due_at > ctx.now and last.notice in (Notice.RECEIPT, Notice.DIGEST)


def _added(mailing: Mailing, last: Delivery, message: Message, *, incomplete: bool) -> bool:
    """Put this mail into a receipt that has not left; whether there was room for it."""
    ctx = mailing.ctx
    try:
        queued = notices.unseal(ctx.keys, last)
    except (WrongKey, ValueError):  # an altered row
        return False
    before = queued.facts
    if not isinstance(before, Receipt) or len(before.people) + len(mailing.rows) > MOST_PEOPLE:
        return False
    facts = _facts(mailing, message, before.mails, before.people)
    is_run = len(facts.mails) > 1
    queued = replace(
        queued,
        notice=Notice.DIGEST if is_run else Notice.RECEIPT,
        reply=_reply(mailing, facts),
        answers="" if is_run else queued.answers,
        facts=facts,
    )
    wait = PARTS if incomplete else QUIET_IN_A_RUN if is_run else timedelta()
    due = min(last.created_at + LONGEST, ctx.now + wait)
    sealed = notices.seal(ctx.keys, queued, last.recipient)
    ctx.tx.put(replace(last, notice=queued.notice, facts=sealed, due_at=due))
    return True


def _facts(
    mailing: Mailing, message: Message, mails: tuple[str, ...] = (), before: tuple[ReceiptRow, ...] = ()
) -> Receipt:
    rows = (*before, *mailing.rows)
    mail = mailing.header_id or f"message {message.id}"
    return Receipt(
        people=rows,
        mails=tuple(dict.fromkeys([*mails, mail])),
        message_id=message.id,
        asking=any(row.outcome is Outcome.ASKING for row in rows),
        sender_page=senders.page_token(mailing.ctx, Purpose.SENDER_PAGE, mailing.sender.id),
    )


def _reply(mailing: Mailing, facts: Receipt) -> Token:
    """Whom a bare verb in reply speaks of: the one stranger, all of one mail, or nobody in particular."""
    waiting = [row.address for row in facts.people if row.token]
    if len(facts.mails) > 1:
        return Token(Purpose.SENDER, mailing.sender.id)
    only = mailing.waiting_senders[0] if len(waiting) == 1 and len(mailing.waiting_senders) == 1 else None
    if only:
        return Token(Purpose.WAITING_SENDER, only.id)
    return Token(Purpose.MESSAGE, facts.message_id)
