"""An invited person answers our mail by mail: nobody reads there, and yet nothing that they say is lost.

Their words are sealed for those who wait for them, who are told at once and read them on their page. The invitee hears
once a day that nobody reads there, and what to do in an emergency; a program that answers for them hears nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.address import Address
from gateway.domain.model import Account, Content, Copy, Invitation, Message, Sender, Waiter
from gateway.domain.vocabulary import Audience, CopyState, Heard, Notice, Purpose, State
from gateway.errors import TooLarge, TooMany, WrongKey
from gateway.flow import deliver, hold, invite, notices, people
from gateway.flow.case import Case
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.intake import Intake
from gateway.flow.understand import Draft
from gateway.mail.automatic import NO_ANSWER, automatic
from gateway.mail.letters import no_letter

MOST_OCTETS = 10_000_000
"""Of one answer: some photographs."""
MOST_KEPT = 20
"""Answers to one invitation that a day takes; the next ones are for the other mail server to keep until tomorrow."""
MOST_TOLD = 5
"""Of how many a day those who wait are told; the last one says that more may come."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that a sender reads: `content` and `data_key` open what it says."""

    copy_id: int
    received_at: datetime
    content: Content
    data_key: bytes


def hear(intake: Intake, case: Case) -> None:
    """Keep what an invitee says, and tell those who wait. Raises TooLarge, TooMany."""
    ctx, draft = intake.ctx, intake.draft
    row = ctx.keys.row_of(case.recipient.token, Purpose.ANSWER)  # that it holds was seen before the mail was read
    invitation = ctx.tx.get(Invitation, row) if row else None
    if invitation is None:
        return
    kind = automatic(draft.head, draft.submission.mail_from)
    if _is_surely_automatic(draft):
        if kind not in NO_ANSWER:
            deliver.note(ctx, invitation, Heard.AWAY)
        return
    if waiting := people.waiting(ctx, invitation):
        _keep(intake, invitation)
        _tell(ctx, invitation, waiting)
    ctx.audit("invitee", "answered by mail", f"invitation {invitation.id}", kind)
    if not kind and count_today(ctx, f"nobody reads|{invitation.id}", 1):
        _say_that_nobody_reads(ctx, invitation, draft)


def _is_surely_automatic(draft: Draft) -> bool:
    """Whether no person wrote it, by sure signs alone: what a person may have written is kept."""
    mail_from = draft.submission.mail_from.strip("<> ")
    submitted = draft.head.get("auto-submitted").partition(";")[0].strip().lower()
    is_marked = submitted not in ("", "no")  # RFC 3834 §5
    return not mail_from or is_marked or no_letter(draft.head, mail_from, archived=False) is not None


def _keep(intake: Intake, invitation: Invitation) -> None:
    ctx, draft = intake.ctx, intake.draft
    if intake.exits.secure and intake.exits.secure.size > MOST_OCTETS:
        raise TooLarge
    if not count_today(ctx, f"answers kept|{invitation.id}", MOST_KEPT):
        raise TooMany
    sealed = intake.sealed()
    message = ctx.tx.add(
        Message(
            practice_id=invitation.practice_id,
            header_id=draft.message_id,
            subject=ctx.keys.seal_under(sealed.data_key, draft.head.subject.encode()),
            content_id=sealed.content_id,
            size=sealed.size,
            received_at=ctx.now,
            has_files=draft.head.has_files,
        )
    )
    ctx.tx.add(
        Copy(
            message_id=message.id,
            address=invitation.address,
            typed=invitation.typed,
            state=CopyState.TO_SENDERS,
            invitation_id=invitation.id,
            wrapped_key=ctx.keys.wrap(sealed.data_key, hold.bound_to(message, _holder(invitation.id))),
            expires_at=hold.kept_until(ctx, message),
        )
    )


def _holder(invitation_id: int) -> str:
    """Whoever waits holds it, wherever the invitation moves."""
    return f"invitation {invitation_id}"


def _tell(ctx: Context, invitation: Invitation, waiting: list[tuple[Waiter, Sender]]) -> None:
    turn = count_today(ctx, f"answers told|{invitation.id}", MOST_TOLD)
    for waiter, sender in waiting if turn else ():
        facts = {"person": people.standing(ctx, invitation, waiter), "last_of": MOST_TOLD if turn == MOST_TOLD else 0}
        reply = notices.token(Purpose.WAITER, waiter.id)
        notices.to_sender(ctx, Notice.ANSWERED, sender, facts, reply=reply, invitation=invitation)


def _say_that_nobody_reads(ctx: Context, invitation: Invitation, draft: Draft) -> None:
    """To whoever wrote; but a link goes to the invitee's own address alone."""
    practice = ctx.site.practice(invitation.practice_id)
    to = draft.author.address if draft.author else Address(invitation.address, invitation.typed)
    if to.domain == ctx.site.domain:
        return  # RFC 3834 §2: nobody talks to themselves
    is_own = to.key == invitation.address
    has_link = is_own and invitation.state is State.INVITED
    facts: dict[str, Any] = {
        "practice": practice.name,
        "emergency": practice.emergency,
        "inviters": [people.display(sender) for _, sender in people.waiting(ctx, invitation)],
        "invite": notices.token(Purpose.INVITE, invitation.id, invitation.generation) if has_link else "",
        "has_account": is_own and ctx.tx.one(Account, address=to.key) is not None,
    }
    letter = notices.Letter(
        Notice.NOBODY_READS,
        Audience.INVITEE,
        to_name=invitation.name if is_own else "",
        language=practice.language,
        reply=notices.token(Purpose.ANSWER, invitation.id)["$token"],
        answers=draft.message_id,
        facts=facts,
    )
    notices.queue(ctx, letter, to.typed, invitation)


# ------------------------------------------------------------------------------------------------------- reading them


def readable(ctx: Context, sender: Sender, invitation: Invitation) -> list[Copy]:
    """The answers that came while this sender waited for the invitee, the latest first."""
    waiter = invite.waiter_of(ctx, invitation, sender)
    if waiter is None:
        return []
    kept = reversed(people.answers(ctx, invitation))
    return [copy for copy in kept if people.message_of(ctx, copy).received_at >= waiter.since]


def count(ctx: Context, invitation: Invitation) -> int:
    """How many answers are kept of an invitee's."""
    return ctx.tx.count(Copy, invitation_id=invitation.id, state=CopyState.TO_SENDERS)


def read(ctx: Context, sender: Sender, invitation_id: int, most: int) -> list[Said]:
    """Open an invitee's latest answers; each view is in the audit. An altered row costs itself."""
    invitation = ctx.tx.get(Invitation, invitation_id)
    copies = readable(ctx, sender, invitation)[:most] if invitation else []
    return [answer for copy in copies if (answer := _opened(ctx, sender, copy))]


def _opened(ctx: Context, sender: Sender, copy: Copy) -> Said | None:
    message = people.message_of(ctx, copy)
    content = ctx.tx.get(Content, message.content_id)
    try:
        key = hold.data_key(ctx, copy, message, _holder(copy.invitation_id or 0))
    except WrongKey:
        ctx.audit("gateway", "could not open", f"copy {copy.id}")
        return None
    ctx.audit(sender.address, "viewed an answer", f"copy {copy.id}")
    return Said(copy.id, message.received_at, content, key) if content else None
