"""A registered person reads what was sent to them, and answers."""

from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.domain.acts import Act
from gateway.domain.address import Address, address
from gateway.domain.model import Account, Content, Copy, Delivery, Message, Sender
from gateway.domain.vocabulary import Audience, CopyState, DeliveryKind, Details, Notice, Purpose, Relationship, State
from gateway.errors import WrongKey
from gateway.flow import copies, notices, search_index, senders
from gateway.flow.context import Context
from gateway.flow.facts import NewMessage, Opened
from gateway.flow.inbox import lines
from gateway.flow.inbox.lines import Authors, Line, newest
from gateway.flow.invitations import invite
from gateway.flow.standing import Token
from gateway.ports import Sealed

RECENT = 500
"""How many messages are looked through for those whom a person may write to; older ones can still be answered."""


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A message that its reader or author has opened: all but its content, which `content` and `data_key` open."""

    line: Line
    author_address: str
    header_id: str
    content: Content
    data_key: bytes
    addressed: bytes = b""
    """The field that belongs before the content."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message written in the portal, sealed before the transaction."""

    sealed: Sealed
    subject: str
    header_id: str
    has_files: bool = False


def own_message(ctx: Context, account: Account, message_id: int, how: Act = Act.VIEWED_OWN) -> OpenedMessage | None:
    """Open a message that the person wrote, as long as it is kept. Raises WrongKey for one whose row was altered."""
    message = ctx.tx.one(Message, id=message_id, account_id=account.id)
    line = next(iter(lines.own_lines(ctx, [message])), None) if message else None
    copy = ctx.tx.get(Copy, line.copy_id) if line else None
    content = ctx.tx.get(Content, message.content_id) if message else None
    if not (message and line and copy and content):
        return None
    if line.broken:
        raise WrongKey(f"message {message.id} was altered")
    ctx.audit(account.address, how, f"message {message.id}")
    return OpenedMessage(line, account.typed, message.header_id, content, copies.data_key(ctx, copy, message))


def note_file(ctx: Context, account: Account, copy_id: int, index: int) -> None:
    """A file of a message leaves the portal: one that is saved, or a picture that the message shows."""
    ctx.audit(account.address, Act.OPENED_FILE, f"copy {copy_id}", str(index))


def note_original(ctx: Context, account: Account, copy_id: int) -> None:
    """A whole message leaves the portal as it came."""
    ctx.audit(account.address, Act.SAVED_ORIGINAL, f"copy {copy_id}")


def peek(ctx: Context, account: Account, copy_id: int) -> tuple[Content, bytes] | None:
    """The content of a message that the reader has opened, for what belongs to its page, and its data key."""
    copy = _own(ctx, account, copy_id)
    content = ctx.tx.get(Content, senders.message_of(ctx, copy).content_id) if copy and copy.read_at else None
    return (content, copies.data_key(ctx, copy)) if copy and content else None


def open_message(ctx: Context, account: Account, copy_id: int, how: Act = Act.VIEWED) -> OpenedMessage | None:
    """Open one of the reader's own messages: every view is audited, the first one marks it as read.

    None for another person's message as for none at all. Raises WrongKey for one whose row was altered.
    """
    copy = _own(ctx, account, copy_id)
    if copy is None:
        return None
    message = senders.message_of(ctx, copy)
    content = ctx.tx.get(Content, message.content_id)
    if content is None:
        return None
    ctx.audit(account.address, how, f"copy {copy.id}")
    if copy.read_at is None:
        copy = ctx.tx.put(replace(copy, read_at=ctx.now))
        if message.wants_receipt:
            _tell_opened(ctx, copy, message, account)
    author = _sender(ctx, message)
    answered = ctx.tx.count(Message, reply_to_id=message.id, account_id=account.id) > 0
    line = lines.line(ctx, copy, message, author, answered=answered)
    key, before = copies.data_key(ctx, copy), copies.addressed(message, copy)
    return OpenedMessage(line, author.typed, message.header_id, content, key, before)


def reply(ctx: Context, account: Account, copy_id: int, written: Written) -> Message | None:
    """Answer the sender of one of the reader's own messages."""
    copy = _own(ctx, account, copy_id)
    if copy is None:
        return None
    answered = senders.message_of(ctx, copy)
    return _send(ctx, account, _sender(ctx, answered), written, answered)


def holds(ctx: Context, account: Account, copy_id: int) -> bool | None:
    """Whether the reader's own message can still be read; None for another person's as for none at all."""
    copy = ctx.tx.one(Copy, id=copy_id, account_id=account.id)
    return copy.state is CopyState.INBOX if copy else None


def correspondents(ctx: Context, account: Account) -> list[Sender]:
    """The senders of the newest messages, as many as `RECENT`: to them the account may write."""
    copies = newest(ctx, account, limit=RECENT)
    messages = ctx.tx.find(Message, id__in=[copy.message_id for copy in copies])
    return ctx.tx.find(Sender, order="name", id__in={m.sender_id for m in messages if m.sender_id})


def write(ctx: Context, account: Account, sender_id: int, written: Written) -> Message | None:
    """Write anew to one of the account's correspondents."""
    sender = next((known for known in correspondents(ctx, account) if known.id == sender_id), None)
    return _send(ctx, account, sender, written, None) if sender else None


def deliver_to_inbox(ctx: Context, taken: copies.Taken, account: Account, author: str, practice: str) -> Copy:
    """Put a copy straight into a registered person's inbox, and tell them that it is there."""
    reader = Address(account.address, account.typed)
    copy = copies.add_copy(ctx, taken, reader, CopyState.INBOX, account_id=account.id)
    announce(ctx, copy, account, author, practice)
    return copy


def announce(ctx: Context, copy: Copy, account: Account, author: str, practice: str) -> None:
    """Tell a person that a message lies in their inbox, who wrote it, and until when it is kept."""
    facts = NewMessage(author=author, copy_id=copy.id, until=_last_day(ctx, copy))
    reply = Token(Purpose.READER, copy.id)
    notices.to_account(ctx, Notice.NEW_MESSAGE, account, author, facts, reply, practice)


def _last_day(ctx: Context, copy: Copy) -> str:
    """The last whole day on which a message can be read; "" where it is kept for ever."""
    if copy.expires_at is None:
        return ""
    return (copy.expires_at.astimezone(ctx.site.zone).date() - timedelta(days=1)).isoformat()


# ------------------------------------------------------------------------------------------------------------ parts


def _tell_opened(ctx: Context, copy: Copy, message: Message, account: Account) -> None:
    """The read receipt that the author asked for, once: to their own address, and it says nothing of the mail."""
    sender = ctx.tx.get(Sender, message.sender_id or 0)
    if sender is None:
        return
    facts = Opened(reader=account.typed, header_id=message.header_id, name=account.name)
    queued = notices.QueuedNotice(notice=Notice.READ, audience=Audience.SENDER, facts=facts, to_name=sender.name)
    ctx.tx.add(
        Delivery(
            kind=DeliveryKind.DISPOSITION,
            recipient=sender.typed,
            facts=notices.seal(ctx.keys, queued, sender.typed),
            created_at=ctx.now,
            due_at=ctx.now,
            queue_id=message.queue_id,
        )
    )
    ctx.audit("gateway", Act.TOLD_OPENED, f"copy {copy.id}")


def _own(ctx: Context, account: Account, copy_id: int) -> Copy | None:
    return ctx.tx.one(Copy, id=copy_id, account_id=account.id, state=CopyState.INBOX)


def _sender(ctx: Context, message: Message) -> Sender:
    return Authors(ctx, [message]).of(message)


def _send(ctx: Context, account: Account, to: Sender, written: Written, answered: Message | None) -> Message:
    """Send it, once: what a form says that is sent twice has the same Message-ID."""
    before = ctx.tx.one(Message, account_id=account.id, header_id=written.header_id)
    if before:
        ctx.tx.discard(written.sealed.content_id)
        return before
    message = ctx.tx.add(
        Message(
            practice_id=to.practice_id,
            account_id=account.id,
            reply_to_id=answered.id if answered else None,
            header_id=written.header_id,
            subject=ctx.keys.seal_under(written.sealed.data_key, written.subject.encode()),
            content_id=written.sealed.content_id,
            size=written.sealed.size,
            received_at=ctx.now,
            has_files=written.has_files,
        )
    )
    copies.add_content(ctx, written.sealed)
    search_index.expect(ctx, account.id, message.id)
    ctx.audit(account.address, Act.WROTE, f"message {message.id}")
    _hand_over(ctx, copies.Taken(message, written.sealed.data_key), account, to)
    return message


def _hand_over(ctx: Context, taken: copies.Taken, author: Account, to: Sender) -> None:
    """To the practice's own mailbox where the way there is safe; otherwise the sender reads it in the portal too."""
    practice = ctx.site.practice(to.practice_id)
    recipient = address(practice.read_by(address(to.typed)))
    if ctx.site.replies_may_travel and recipient.domain in practice.domains:
        copy = copies.add_copy(ctx, taken, recipient, CopyState.SENT)
        ctx.tx.add(
            Delivery(
                kind=DeliveryKind.REPLY,
                notice=Notice.REPLY,
                recipient=recipient.typed,
                copy_id=copy.id,
                created_at=ctx.now,
                due_at=ctx.now,
            )
        )
        return
    account = ctx.tx.one(Account, address=recipient.key)
    if account:
        deliver_to_inbox(ctx, taken, account, author.name, practice.name)
        return
    invitation = senders.latest_invitation(ctx, practice.id, recipient.key)
    if invitation is None or not invitation.is_open:
        invitation = invite.open_for(ctx, practice, recipient, to.name, before=invitation)
    copies.add_copy(ctx, taken, recipient, CopyState.HELD, invitation_id=invitation.id)
    if invitation.state is State.AWAITING:
        senders.wait_for(ctx, invitation, to)
        invite.give_details(ctx, invitation, to, Details(Relationship.COLLEAGUE_HERE))
