"""Lists of messages: an inbox, what one has written, a conversation. Subjects are sealed under their messages' keys."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.model import Account, Copy, Message, Sender
from gateway.domain.vocabulary import GONE, CopyState
from gateway.errors import WrongKey
from gateway.flow import copies, senders
from gateway.flow.context import Context
from gateway.flow.inbox import recall

IN_INBOX = (CopyState.INBOX, *GONE)
LONGEST_TALK = 200
"""How many messages of a conversation are looked at."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list: a message in one's inbox, or one that one has written (`is_own`; then `author` got it).

    The subject was opened with the copy's own key.
    """

    copy_id: int
    message_id: int
    author: str
    practice: str
    subject: str
    received_at: datetime | None
    unread: bool = False
    answered: bool = False
    is_own: bool = False
    has_files: bool = False
    gone: str = ""
    """"recalled" or "over" if it is not there any more; `ended_at` says since when, `reason` why it was taken back."""
    ended_at: datetime | None = None
    reason: str = ""
    until: datetime | None = None
    """Until when it is kept; None: for ever."""
    broken: bool = False
    """Whether it cannot be opened: its row was altered. It may be anybody's, so that nothing is said of it."""


class Authors:
    """Who wrote some messages: a practice's senders, or the accounts that wrote them in the portal."""

    def __init__(self, ctx: Context, messages: Iterable[Message]) -> None:
        listed = list(messages)
        senders = ctx.tx.find(Sender, id__in={m.sender_id for m in listed if m.sender_id})
        accounts = ctx.tx.find(Account, id__in={m.account_id for m in listed if m.account_id and not m.sender_id})
        self._senders = {sender.id: sender for sender in senders}
        self._accounts = {account.id: account for account in accounts}

    def of(self, message: Message) -> Sender:
        """The sender who wrote it; for a message written in the portal, a sender in its author's name.

        Raises WrongKey if there is no such author: the message's row was altered.
        """
        if message.sender_id in self._senders:
            return self._senders[message.sender_id]
        author = self._accounts.get(message.account_id or 0)
        if author is None:
            raise WrongKey(f"message {message.id} has no author")
        return Sender(practice_id=message.practice_id, address=author.address, typed=author.typed, name=author.name)


# --------------------------------------------------------------------------------------------------------------- inbox


def inbox(ctx: Context, account: Account, *, skip: int = 0, limit: int = 50, only_unread: bool = False) -> list[Line]:
    """The newest messages first; so many statements, however many lines."""
    if not only_unread:
        return _received(ctx, account, newest(ctx, account, skip=skip, limit=limit))
    unread = {"account_id": account.id, "state": CopyState.INBOX, "read_at": None}
    return _received(ctx, account, ctx.tx.find(Copy, order="-id", skip=skip, limit=limit, **unread))


def count(ctx: Context, account: Account, *, unread: bool = False) -> int:
    if unread:
        return ctx.tx.count(Copy, account_id=account.id, state=CopyState.INBOX, read_at=None)
    return ctx.tx.count(Copy, account_id=account.id, state__in=IN_INBOX)


def written(ctx: Context, account: Account) -> list[int]:
    """The messages that the person has written and that are still kept, the newest first."""
    ids = [message.id for message in ctx.tx.find(Message, order="-id", account_id=account.id)]
    kept = {copy.message_id for copy in ctx.tx.find(Copy, message_id__in=ids, wrapped_key__ne=None, kept=False)}
    return [one for one in ids if one in kept]


def of(ctx: Context, account: Account, message_ids: Collection[int]) -> list[Line]:
    """The lines of these messages, as far as they are in the person's inbox or written by them, the newest first."""
    wanted = list(message_ids)
    copies = ctx.tx.find(Copy, message_id__in=wanted, account_id=account.id, state=CopyState.INBOX)
    received = {copy.message_id for copy in copies}
    messages = ctx.tx.find(Message, id__in=[one for one in wanted if one not in received], account_id=account.id)
    both = [*_received(ctx, account, copies), *own_lines(ctx, messages)]
    return sorted(both, key=lambda line: line.message_id, reverse=True)


def newest(ctx: Context, account: Account, *, skip: int = 0, limit: int | None = None) -> list[Copy]:
    """The copies in a person's inbox, with those that are gone, the latest first."""
    return ctx.tx.find(Copy, order="-id", account_id=account.id, state__in=IN_INBOX, skip=skip, limit=limit)


# -------------------------------------------------------------------------------------------------------- conversation


def conversation(ctx: Context, account: Account, message_id: int) -> list[Line]:
    """What was written before and after a message, as far as the person may see it, the oldest first."""
    message = ctx.tx.get(Message, message_id)
    exchanged = {one.id: one for one in _exchanged(ctx, message)} if message else {}
    own = [one for one in exchanged.values() if one.account_id == account.id]
    copies = ctx.tx.find(Copy, message_id__in=list(exchanged), account_id=account.id, state=CopyState.INBOX)
    lines = [*_received(ctx, account, copies), *own_lines(ctx, own)]
    return sorted(lines, key=lambda line: line.message_id)


def _exchanged(ctx: Context, message: Message) -> list[Message]:
    """The message that began it, and all answers, of whomever."""
    first = message
    for _ in range(LONGEST_TALK):
        before = ctx.tx.get(Message, first.reply_to_id) if first.reply_to_id else None
        if before is None:
            break
        first = before
    found, last = [first], [first]
    while last and len(found) < LONGEST_TALK:
        last = ctx.tx.find(Message, reply_to_id__in=[one.id for one in last], limit=LONGEST_TALK - len(found))
        found += last
    return found


# --------------------------------------------------------------------------------------------------------------- lines


def _received(ctx: Context, account: Account, copies: list[Copy]) -> list[Line]:
    messages = {message.id: message for message in ctx.tx.find(Message, id__in=[copy.message_id for copy in copies])}
    authors = Authors(ctx, messages.values())
    answers = ctx.tx.find(Message, account_id=account.id, reply_to_id__in=list(messages))
    answered = {answer.reply_to_id for answer in answers}
    return [_received_line(ctx, copy, messages.get(copy.message_id), authors, answered) for copy in copies]


def _received_line(
    ctx: Context, copy: Copy, message: Message | None, authors: Authors, answered: Collection[int | None]
) -> Line:
    """A line of an inbox; what cannot be opened costs this line, and no other."""
    try:
        if message is None:
            return broken_line(copy)
        return line(ctx, copy, message, authors.of(message), answered=message.id in answered)
    except WrongKey:
        return broken_line(copy)


def own_lines(ctx: Context, messages: list[Message]) -> Iterator[Line]:
    """A line for each message that one has written, as long as its key is not destroyed."""
    copies = {copy.message_id: copy for copy in ctx.tx.find(Copy, message_id__in=[one.id for one in messages])}
    known = ctx.tx.find(Sender, address__in={copy.address for copy in copies.values()})
    names = {(sender.address, sender.practice_id): senders.display(sender) for sender in known}
    for message in messages:
        copy = copies.get(message.id)
        if copy and copy.wrapped_key and not copy.kept:
            to = names.get((copy.address, message.practice_id), copy.typed)
            yield _own_line(ctx, copy, message, to)


def _own_line(ctx: Context, copy: Copy, message: Message, to: str) -> Line:
    try:
        subject = _subject(ctx, copy, message)
    except WrongKey:
        return replace(broken_line(copy), is_own=True)
    return Line(
        copy_id=copy.id,
        message_id=message.id,
        author=to,
        practice=ctx.site.practice(message.practice_id).name,
        subject=subject,
        received_at=message.received_at,
        is_own=True,
        has_files=message.has_files,
    )


def broken_line(copy: Copy) -> Line:
    """The line of a message that cannot be opened."""
    return Line(copy.id, copy.message_id, "", "", "", None, broken=True)


def line(ctx: Context, copy: Copy, message: Message, author: Sender, *, answered: bool) -> Line:
    """The line of one message in an inbox."""
    return Line(
        copy_id=copy.id,
        message_id=message.id,
        author=senders.display(author),
        practice=ctx.site.practice(message.practice_id).name,
        subject="" if copy.state in GONE else _subject(ctx, copy, message),
        received_at=message.received_at,
        unread=copy.read_at is None and copy.state not in GONE,
        answered=answered,
        has_files=message.has_files,
        gone=copy.state.value if copy.state in GONE else "",
        ended_at=copy.ended_at,
        reason=recall.reason_of(ctx, copy),
        until=copy.expires_at,
    )


def _subject(ctx: Context, copy: Copy, message: Message) -> str:
    return ctx.keys.open_under(copies.data_key(ctx, copy, message), message.subject).decode()
