"""An invited or registered person answers our mail by mail: nobody reads there, and yet nothing is lost.

Their words are sealed for who wrote to them, who are told at once and read them on their page. The person hears once a
day that nobody reads there, and what to do in an emergency; a program that answers for them hears nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.model import Account, Content, Copy, Invitation, Message, Sender, WaitingSender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import Audience, CopyState, DeliverySignal, Notice, Purpose, State
from gateway.errors import TooLarge, TooMany, WrongKey
from gateway.flow import copies, notices, senders
from gateway.flow.context import Context
from gateway.flow.counting import count_today
from gateway.flow.facts import Answered, NobodyReads
from gateway.flow.inbound.acceptance import Acceptance
from gateway.flow.inbound.recipient_case import RecipientCase
from gateway.flow.inbound.understand import IncomingMail
from gateway.flow.invitations import invite
from gateway.flow.standing import Token
from gateway.mail.automatic import NO_ANSWER, automatic, surely_automatic

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


@dataclass(frozen=True, slots=True)
class _Talk:
    """Whose mail it is that came, and for whom. `answers` is the message that it answers, where that is known."""

    invitation: Invitation | None
    practice: Practice
    own: Address
    name: str
    told: list[tuple[WaitingSender, Sender]]
    token: Token
    answers: Message | None = None

    @property
    def id(self) -> str:
        """What is counted by."""
        return f"{self.practice.id}|{self.own.key}"


def hear(acceptance: Acceptance, case: RecipientCase) -> None:
    """Keep what somebody answers, and tell who wrote to them. Raises TooLarge, TooMany."""
    ctx, incoming = acceptance.ctx, acceptance.incoming
    talk = _talk(ctx, case.recipient.token)
    if talk is None:
        return
    kind = automatic(incoming.head, incoming.submission.mail_from)
    if surely_automatic(incoming.head, incoming.submission.mail_from):
        if kind not in NO_ANSWER:
            invite.note_signal(ctx, talk.invitation, DeliverySignal.AWAY)
        return
    if talk.invitation and talk.told:
        _keep(acceptance, talk, talk.invitation)
        _tell(ctx, talk, talk.invitation)
    ctx.audit(talk.own.key, Act.ANSWERED_BY_MAIL, f"practice {talk.practice.id}", kind)
    if not kind and count_today(ctx, f"nobody reads|{talk.id}", 1):
        _say_that_nobody_reads(ctx, talk, incoming)


def _talk(ctx: Context, token: str) -> _Talk | None:
    """What the token stands for."""
    if invitation := ctx.opened(token, Purpose.ANSWER, Invitation):
        return _with_invitee(ctx, invitation)
    copy = ctx.opened(token, Purpose.READER, Copy)
    return _with_reader(ctx, copy) if copy else None


def _with_invitee(ctx: Context, invitation: Invitation) -> _Talk:
    practice, own = ctx.site.practice(invitation.practice_id), Address(invitation.address, invitation.typed)
    token = Token(Purpose.ANSWER, invitation.id)
    return _Talk(invitation, practice, own, invitation.name, senders.waiting(ctx, invitation), token)


def _with_reader(ctx: Context, copy: Copy) -> _Talk | None:
    """A registered person answers the mail that announced a message: for its author alone.

    They are told on the page that the practice's invitation has; who never had one hears that nobody reads there.
    """
    message, account = senders.message_of(ctx, copy), ctx.tx.get(Account, copy.account_id or 0)
    sender = ctx.tx.get(Sender, message.sender_id or 0)
    if sender is None or account is None or account.is_erased:
        return None
    invitation = senders.latest_invitation(ctx, sender.practice_id, copy.address)
    told = [(senders.wait_for(ctx, invitation, sender), sender)] if invitation else []
    practice, own = ctx.site.practice(sender.practice_id), Address(account.address, account.typed)
    return _Talk(invitation, practice, own, account.name, told, Token(Purpose.READER, copy.id), message)


def _keep(acceptance: Acceptance, talk: _Talk, invitation: Invitation) -> None:
    ctx, incoming = acceptance.ctx, acceptance.incoming
    if acceptance.forms.secure and acceptance.forms.secure.size > MOST_OCTETS:
        raise TooLarge
    if not count_today(ctx, f"answers kept|{talk.id}", MOST_KEPT):
        raise TooMany
    sealed = acceptance.sealed()
    message = ctx.tx.add(
        Message(
            practice_id=talk.practice.id,
            reply_to_id=talk.answers.id if talk.answers else None,
            header_id=incoming.message_id,
            subject=ctx.keys.seal_under(sealed.data_key, incoming.head.subject.encode()),
            content_id=sealed.content_id,
            size=sealed.size,
            received_at=ctx.now,
            has_files=incoming.head.has_files,
            queue_id=ctx.queue_id,
        )
    )
    ctx.tx.add(
        Copy(
            message_id=message.id,
            address=invitation.address,
            typed=invitation.typed,
            state=CopyState.TO_SENDERS,
            invitation_id=invitation.id,
            wrapped_key=ctx.keys.wrap(sealed.data_key, copies.bound_to(message, copies.of_invitation(invitation.id))),
            expires_at=copies.kept_until(ctx, message),
        )
    )


def _tell(ctx: Context, talk: _Talk, invitation: Invitation) -> None:
    turn = count_today(ctx, f"answers told|{talk.id}", MOST_TOLD)
    for waiting_sender, sender in talk.told if turn else ():
        facts = Answered(
            person=senders.standing(ctx, invitation, waiting_sender),
            last_of=MOST_TOLD if turn == MOST_TOLD else 0,
        )
        reply = Token(Purpose.WAITING_SENDER, waiting_sender.id)
        notices.to_sender(ctx, Notice.ANSWERED, sender, facts, reply=reply, invitation=invitation)


def _say_that_nobody_reads(ctx: Context, talk: _Talk, incoming: IncomingMail) -> None:
    """To whoever wrote; but a link goes to the person's own address alone."""
    practice, invitation = talk.practice, talk.invitation
    to = incoming.author.address if incoming.author else talk.own
    if to.domain == ctx.site.domain:
        return  # RFC 3834 §2: nobody talks to themselves
    is_own = to.key == talk.own.key
    account = ctx.tx.one(Account, address=to.key) if is_own else None
    link = invitation if invitation and is_own and invitation.state is State.INVITED else None
    facts = NobodyReads(
        emergency=practice.emergency,
        inviters=tuple(senders.display(sender) for _, sender in talk.told),
        invite=Token(Purpose.INVITE, link.id, link.generation) if link else "",
        has_account=account is not None,
    )
    queued = notices.QueuedNotice(
        notice=Notice.NOBODY_READS,
        audience=Audience.INVITEE,
        practice=practice.name,
        to_name=talk.name if is_own else "",
        language=account.language if account else practice.language,
        reply=talk.token,
        answers=incoming.message_id,
        facts=facts,
    )
    notices.queue(ctx, queued, to.typed, invitation)


# ------------------------------------------------------------------------------------------------------- reading them


def readable(ctx: Context, sender: Sender, invitation: Invitation) -> list[Copy]:
    """The answers that came while this sender waited for the invitee, the latest first."""
    waiting_sender = invite.waiting_sender_of(ctx, invitation, sender)
    if waiting_sender is None:
        return []
    kept = [(copy, senders.message_of(ctx, copy)) for copy in reversed(senders.answers(ctx, invitation))]
    came = [(copy, message) for copy, message in kept if message.received_at >= waiting_sender.since]
    return [copy for copy, message in came if _is_for(ctx, message, sender)]


def _is_for(ctx: Context, message: Message, sender: Sender) -> bool:
    """Whether it answers all who wait, or this sender's own message."""
    answered = ctx.tx.get(Message, message.reply_to_id) if message.reply_to_id else None
    return answered is None or answered.sender_id == sender.id


def count(ctx: Context, invitation: Invitation) -> int:
    """How many answers are kept of an invitee's."""
    return ctx.tx.count(Copy, invitation_id=invitation.id, state=CopyState.TO_SENDERS)


def read(ctx: Context, sender: Sender, invitation_id: int, most: int) -> list[Said]:
    """Open an invitee's latest answers; each view is in the audit. An altered row costs itself."""
    invitation = ctx.tx.get(Invitation, invitation_id)
    copies = readable(ctx, sender, invitation)[:most] if invitation else []
    return [answer for copy in copies if (answer := _opened(ctx, sender, copy))]


def _opened(ctx: Context, sender: Sender, copy: Copy) -> Said | None:
    message = senders.message_of(ctx, copy)
    content = ctx.tx.get(Content, message.content_id)
    try:
        key = copies.data_key(ctx, copy, message, copies.of_invitation(copy.invitation_id or 0))
    except WrongKey:
        ctx.audit("gateway", Act.COULD_NOT_OPEN, f"copy {copy.id}")
        return None
    ctx.audit(sender.address, Act.VIEWED_ANSWER, f"copy {copy.id}")
    return Said(copy.id, message.received_at, content, key) if content else None
