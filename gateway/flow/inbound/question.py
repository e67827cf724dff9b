"""A mail about which its sender is asked before it goes anywhere: is it secure, and are all meant who would see it.

Each recipient's copy is kept sealed, and beside it, where it may be ordinary mail, the mail as it came. The answer
decides which of the two goes on; the other is destroyed.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.intent import Sign
from gateway.domain.ledger import LedgerKind
from gateway.domain.lifecycle import Event
from gateway.domain.model import Copy, Delivery, Message, Sender
from gateway.domain.model_questions import Question
from gateway.domain.timetable import Step, at_reminder_hour, first_day
from gateway.domain.vocabulary import Answer, CopyState, DeliveryState, Notice, Purpose
from gateway.errors import WrongKey
from gateway.flow import copies, ledger, notices, senders
from gateway.flow.context import Context
from gateway.flow.facts import NearMiss
from gateway.flow.inbound import receipts
from gateway.flow.inbound.mailing import Mailing, carry_out, parts
from gateway.flow.inbound.recipient_case import case_of
from gateway.flow.inbound.understand import Recipient
from gateway.flow.standing import Token


def standing(ctx: Context, sender: Sender, header_id: str) -> Question | None:
    """What was asked already about another part of the same mail."""
    sent = [message.id for message in parts(ctx, sender, header_id, ctx.now)]
    asked = ctx.tx.find(Question, order="-id", message_id__in=sent, limit=1) if sent else []
    return next(iter(asked), None)


def ask(ctx: Context, sender: Sender, message: Message, sign: Sign, said: dict[str, Any], shown: str) -> Question:
    """Ask the sender about a mail, `said` being what it says of its recipients, and `shown` what nearly marks it."""
    sealed = ctx.keys.seal(json.dumps(said).encode(), bound_to(message.id))
    question = Question(
        sender_id=sender.id,
        message_id=message.id,
        sign=sign,
        details=sealed,
        schedule_start=ctx.today,
        due_at=None,
        created_at=ctx.now,
    )
    question = ctx.tx.add(replace(question, due_at=_due(ctx, question)))
    ctx.audit("gateway", Act.ASKED_ABOUT, f"message {message.id}", sign.value)
    _tell(ctx, question, "asked", shown=_undated(shown))
    return question


def take_as_secure(ctx: Context, question: Question) -> Mailing | None:
    """YES: every copy goes its way as secure mail, and the sender gets the receipt. None where nothing is left."""
    sender, message = _parties(ctx, question)
    ctx = ctx.of_mail(message.queue_id)  # not of the mail that answers
    waiting = {copy.address: copy for copy in asked_copies(ctx, question)}
    if not waiting:
        return None
    _close(ctx, question, Answer.YES, sender.address)

    def keep(
        reader: Address, state: CopyState, *, account_id: int | None = None, invitation_id: int | None = None
    ) -> Copy:
        return copies.settle(ctx, waiting[reader.key], state, account_id=account_id, invitation_id=invitation_id)

    said = _said(ctx, question)
    practice = ctx.site.practice(sender.practice_id)
    mailing = Mailing(
        ctx,
        practice,
        sender,
        message.header_id,
        said.get("details", ""),
        said.get("names", {}),
        frozenset(said.get("addressees", [])),
        keep,
    )
    for copy in waiting.values():
        _drop_clear(ctx, copy)
        recipient = Recipient(copy.typed, Address(copy.address, copy.typed))
        carry_out(mailing, case_of(ctx, practice, recipient, Sign.ANSWERED))
    if mailing.waiting_senders:
        receipts.tell(mailing, message)
    return mailing


def send_plain(ctx: Context, question: Question) -> int:
    """PLAIN: the mail passes as it came; to how many."""
    sender, _ = _parties(ctx, question)
    waiting = asked_copies(ctx, question)
    _close(ctx, question, Answer.PLAIN, sender.address)
    for copy in waiting:
        for delivery in _clear(ctx, copy):
            ctx.tx.put(replace(delivery, state=DeliveryState.QUEUED, due_at=ctx.now))
        copies.destroy(ctx, copy, CopyState.PASSED)
    return len(waiting)


def discard(ctx: Context, question: Question, answer: Answer, by: str = "gateway") -> int:
    """CANCEL, or no answer: the mail is destroyed; to how many it would have gone."""
    waiting = asked_copies(ctx, question)
    _close(ctx, question, answer, by)
    for copy in waiting:
        _drop_clear(ctx, copy)
        copies.destroy(ctx, copy)
    return len(waiting)


def drop_reader(ctx: Context, copy: Copy, by: str) -> None:
    """One of those to whom a mail would have gone is not here any more; with the last of them the question is over."""
    sender = ctx.tx.get(Sender, senders.message_of(ctx, copy).sender_id or 0)
    open_ones = ctx.tx.find(Question, sender_id=sender.id, answer=None) if sender else []
    _drop_clear(ctx, copy)
    copies.destroy(ctx, copy)
    for question in open_ones:
        if copy.message_id == question.message_id and not asked_copies(ctx, question):
            _close(ctx, question, Answer.NONE, by)


def may_be_plain(question: Question) -> bool:
    """Whether PLAIN is an answer: of mail that is marked secure only its readers are asked about."""
    return question.sign is not Sign.MANY_READERS


def asked_copies(ctx: Context, question: Question) -> list[Copy]:
    """The copies that wait for the answer, of all parts in which the mail came."""
    return _copies(ctx, question, CopyState.ASKED)


def _copies(ctx: Context, question: Question, *states: CopyState) -> list[Copy]:
    sender, message = _parties(ctx, question)
    sent = {message.id, *(one.id for one in parts(ctx, sender, message.header_id, message.received_at))}
    return ctx.tx.find(Copy, order="id", message_id__in=list(sent), state__in=states)


def run_due(ctx: Context, limit: int) -> int:
    """Ask again, or give up, where an answer is missing; how many there were."""
    questions = ctx.tx.find(Question, order="due_at", due_at__le=ctx.now, limit=limit)
    for question in questions:
        again, last = _again(ctx), _last(ctx, question)
        missed = [
            day for day in again if day > question.last_step_day and _at(ctx, question.schedule_start, day) <= ctx.now
        ]
        if _at(ctx, question.schedule_start, last) <= ctx.now:
            _tell(ctx, question, "over")
            discard(ctx, question, Answer.NONE)
            continue
        if missed:
            _tell(ctx, question, "again")
            ledger.note(ctx, LedgerKind.QUESTION, question.id, "-", missed[-1])
        step = max(missed, default=question.last_step_day)
        anew = replace(question, last_step_day=step)
        ctx.tx.put(replace(anew, due_at=_due(ctx, anew)))
    return len(questions)


def wait_longer(ctx: Context, question: Question, until: datetime) -> None:
    """Its end has come during an outage: ask once more, and give up no earlier than this instant."""
    if _at(ctx, question.schedule_start, _last(ctx, question)) > ctx.now:
        return
    rhythm = ctx.site.rhythm
    day = first_day(question.schedule_start, Step(0, Event.LAPSE_DUE), until, ctx.site.zone, rhythm)
    waiting = replace(question, last_step_day=rhythm.lapse_after_days, extended_to=day)
    _tell(ctx, waiting, "again")
    ctx.tx.put(replace(waiting, due_at=_due(ctx, waiting)))


# ------------------------------------------------------------------------------------------------------------- telling


def retell(ctx: Context, sender: Sender, those: Sequence[str]) -> bool:
    """Ask, or tell, somebody else what this sender was asked and has not heard of; whether there was anything."""
    long_ago = ctx.today - timedelta(days=ctx.site.rhythm.lapse_after_days + STILL_NEWS)
    found = ctx.tx.find(Question, sender_id=sender.id, schedule_start__gt=long_ago)
    stages = [(question, _UNHEARD[question.answer]) for question in found if question.answer in _UNHEARD]
    for question, stage in stages:
        for to in those:
            _tell(ctx, question, stage, to=to)
    return bool(stages)


STILL_NEWS = 3
"""For how many days it is told that a mail was destroyed."""
_UNHEARD: dict[Answer | None, str] = {None: "again", Answer.NONE: "over"}


def _tell(ctx: Context, question: Question, stage: str, shown: str = "", to: str = "") -> None:
    sender, message = _parties(ctx, question)
    ctx = ctx.of_mail(message.queue_id)
    readers = [copy.typed for copy in _copies(ctx, question, CopyState.ASKED, CopyState.DESTROYED)]
    facts = NearMiss(
        stage=stage,
        sign=question.sign.name,
        shown=shown,
        readers=tuple(readers[:SHOWN]),
        more=len(readers) - len(readers[:SHOWN]),
        sent=message.received_at.isoformat(),
        until=(question.schedule_start + timedelta(days=_last(ctx, question))).isoformat(),
        ask_again=tuple(_again(ctx)),
        plain=may_be_plain(question),
        sender_page=senders.page_token(ctx, Purpose.SENDER_PAGE, sender.id),
    )
    reply = Token(Purpose.QUESTION, question.id)
    notices.to_sender(ctx, Notice.NEAR_MISS, sender, facts, reply=reply, answers=message.header_id, to=to)


SHOWN = 20
"""How many recipients a question names."""
_REST = re.compile(r"(?<=\w)[\s,:;|/=–—-][^\])}>]*")


def _undated(shown: str) -> str:
    """What nearly marks a mail, without what stands behind its word: that may be a birthdate."""
    short = _REST.sub(" …", shown, count=1)[:40]
    return "…" if any(map(str.isnumeric, short)) else short


# --------------------------------------------------------------------------------------------------------------- parts


def _parties(ctx: Context, question: Question) -> tuple[Sender, Message]:
    sender, message = ctx.tx.get(Sender, question.sender_id), ctx.tx.get(Message, question.message_id)
    assert sender is not None  # noqa: S101 - foreign keys hold both
    assert message is not None  # noqa: S101
    return sender, message


def _said(ctx: Context, question: Question) -> dict[str, Any]:
    """What the mail says of its recipients; nothing where the row was altered."""
    try:
        said: dict[str, Any] = json.loads(ctx.keys.open(question.details, bound_to(question.message_id)))
    except WrongKey:
        return {}
    return said


def _close(ctx: Context, question: Question, answer: Answer, by: str) -> None:
    ctx.audit(by, Act.ANSWERED_QUESTION, f"message {question.message_id}", answer.value)
    ledger.note(ctx, LedgerKind.QUESTION, question.id, answer.name, question.last_step_day)
    ctx.tx.put(replace(question, answer=answer, due_at=None))


def _clear(ctx: Context, copy: Copy) -> Sequence[Delivery]:
    return ctx.tx.find(Delivery, copy_id=copy.id, state=DeliveryState.HELD)


def _drop_clear(ctx: Context, copy: Copy) -> None:
    """Destroy the mail as it came."""
    for delivery in _clear(ctx, copy):
        ledger.note(ctx, LedgerKind.DELIVERY, delivery.id)
        ctx.tx.put(replace(delivery, state=DeliveryState.DROPPED, wrapped_key=None, ended_at=ctx.now))
        copies.drop_content(ctx, delivery.content_id)


def _again(ctx: Context) -> list[int]:
    """On which days an answer is asked for again."""
    rhythm = ctx.site.rhythm
    return sorted(day for day in set(rhythm.ask_again_days) if day < rhythm.lapse_after_days)


def _last(ctx: Context, question: Question) -> int:
    """On which day it is given up."""
    return max(ctx.site.rhythm.lapse_after_days, question.extended_to)


def _at(ctx: Context, schedule_start: date, day: int) -> datetime:
    return at_reminder_hour(schedule_start + timedelta(days=day), ctx.site.zone, ctx.site.rhythm)


def _due(ctx: Context, question: Question) -> datetime:
    """When the next step after the last one that was taken is due; the end always is."""
    day = min((day for day in _again(ctx) if day > question.last_step_day), default=_last(ctx, question))
    return _at(ctx, question.schedule_start, day)


def bound_to(message_id: int) -> str:
    """What the details of a question are bound to."""
    return f"question|{message_id}"
