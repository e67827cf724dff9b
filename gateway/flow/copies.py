"""Copies of secure messages: kept sealed, released, destroyed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.acts import Act
from gateway.domain.address import Address
from gateway.domain.ledger import LedgerKind
from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.domain.vocabulary import CopyState
from gateway.errors import WrongKey
from gateway.flow import ledger, legal_holds, search_index
from gateway.flow.context import Context
from gateway.mail.encoding import field
from gateway.ports import Sealed


@dataclass(frozen=True, slots=True)
class Taken:
    """A message whose row is written, with the key that its copies wrap."""

    message: Message
    data_key: bytes


def add_content(ctx: Context, sealed: Sealed) -> None:
    """Write the row of content that was sealed before the transaction."""
    ctx.tx.add(Content(id=sealed.content_id, inline=sealed.inline, size=sealed.size))


def at_address(key: str) -> str:
    """The holder of a copy that is no account's yet, or never will be."""
    return f"address {key}"


def in_account(account_id: int) -> str:
    """The holder of a copy in an inbox."""
    return f"account {account_id}"


def of_invitation(invitation_id: int) -> str:
    """The holder of an invitee's answer: whoever waits, wherever the invitation moves."""
    return f"invitation {invitation_id}"


def possible_holders(copy: Copy) -> list[str]:
    """All who may hold it, for the keys' rotation: what its row says, whatever has become of it, and nobody else."""
    account = [in_account(copy.account_id)] if copy.account_id else []
    waiting = [of_invitation(copy.invitation_id)] if copy.invitation_id else []
    return [*account, at_address(copy.address), *waiting]


def bound_to(message: Message, holder: str) -> str:
    """What a copy's wrapped key is bound to: the message, who wrote it, and whose copy it is.

    Rows can be altered by whoever gets at the database; a row that names another account, address, message or author
    opens nothing.
    """
    return f"copy|{message.id}|{message.sender_id or 0}|{message.account_id or 0}|{holder}"


def bound_to_passing(content_id: str, recipient: str) -> str:
    """What the wrapped key of a mail that passes through is bound to."""
    return f"delivery|{content_id}|{recipient}"


def add_copy(
    ctx: Context,
    taken: Taken,
    recipient: Address,
    state: CopyState,
    *,
    account_id: int | None = None,
    invitation_id: int | None = None,
) -> Copy:
    """One recipient's copy, with a wrapped key of its own."""
    holder = in_account(account_id) if account_id else at_address(recipient.key)
    wrapped = ctx.keys.wrap(taken.data_key, bound_to(taken.message, holder))
    copy = Copy(
        message_id=taken.message.id,
        address=recipient.key,
        typed=recipient.typed,
        state=state,
        account_id=account_id,
        invitation_id=invitation_id,
        wrapped_key=wrapped,
        expires_at=kept_until(ctx, taken.message) if state is CopyState.INBOX else None,
    )
    if account_id and state is CopyState.INBOX:
        search_index.expect(ctx, account_id, taken.message.id)
    return ctx.tx.add(copy)


def settle(
    ctx: Context, copy: Copy, state: CopyState, *, account_id: int | None = None, invitation_id: int | None = None
) -> Copy:
    """Put a copy about which its sender was asked where the decision has it."""
    if account_id:
        return release(ctx, copy, account_id, held_for=copy.address)
    return ctx.tx.put(replace(copy, state=state, invitation_id=invitation_id))


def data_key(ctx: Context, copy: Copy, message: Message | None = None, holder: str = "") -> bytes:
    """The key of a copy's content, for whoever its row says holds it, or for a `holder` who is known otherwise.

    `message` is the copy's, where it is at hand. Raises WrongKey for a copy that has ended, though a legal hold may
    keep its key, and for an altered row.
    """
    if copy.kept:
        raise WrongKey(f"copy {copy.id} has ended")
    return kept_key(ctx, copy, message, holder)


def kept_key(ctx: Context, copy: Copy, message: Message | None = None, holder: str = "") -> bytes:
    """As `data_key`, also of a copy that has ended and is kept by a legal hold: for an administrator alone."""
    message = message or ctx.tx.get(Message, copy.message_id)
    if message is None:
        raise WrongKey(f"copy {copy.id} has no message")
    holder = holder or (in_account(copy.account_id) if copy.account_id else at_address(copy.address))
    return ctx.keys.unwrap(copy.wrapped_key or b"", bound_to(message, holder))


def addressed(message: Message, copy: Copy) -> bytes:
    """What belongs before a message's octets: whom it is for, where its readers are not to see each other."""
    return field("To", copy.typed) if message.hides_readers else b""


def hand_over(ctx: Context, copy: Copy, before: str, after: str) -> bytes | None:
    """The copy's wrapped key for another holder. One that cannot be opened stays as it is, and costs itself alone."""
    message = ctx.tx.get(Message, copy.message_id)
    try:
        key = data_key(ctx, copy, message, before)
    except WrongKey:
        ctx.audit("gateway", Act.COULD_NOT_OPEN, f"copy {copy.id}")
        return copy.wrapped_key
    return ctx.keys.wrap(key, bound_to(message, after)) if message else None


def release(ctx: Context, copy: Copy, account_id: int, held_for: str) -> Copy:
    """Put a copy that was held for this address into its reader's inbox."""
    ctx.audit("gateway", Act.RELEASED, f"copy {copy.id}")
    wrapped = hand_over(ctx, copy, at_address(held_for), in_account(account_id))
    message = ctx.tx.get(Message, copy.message_id)
    search_index.expect(ctx, account_id, copy.message_id)
    return ctx.tx.put(
        replace(
            copy,
            state=CopyState.INBOX,
            account_id=account_id,
            wrapped_key=wrapped,
            expires_at=kept_until(ctx, message),
        )
    )


def kept_until(ctx: Context, message: Message | None) -> datetime | None:
    """Until when a message that comes into an inbox now is kept: as long as the site, and its author, have it."""
    by_site = ctx.now + timedelta(days=ctx.site.keep_days) if ctx.site.keep_days else None
    ends = [end for end in (by_site, message.ends_at if message else None) if end]
    return min(ends, default=None)


def destroy(ctx: Context, copy: Copy, state: CopyState = CopyState.DESTROYED, reason: bytes | None = None) -> Copy:
    """Destroy a copy's key, and the content with its last copy.

    Where a legal hold stands, the copy ends for everybody all the same, but its key and content stay until the hold is
    released.
    """
    kept = copy.wrapped_key is not None and legal_holds.keeps(ctx, copy)
    ended = replace(copy, state=state, expires_at=None, ended_at=copy.ended_at or ctx.now, reason=reason)
    destroyed = ctx.tx.put(replace(ended, wrapped_key=copy.wrapped_key if kept else None, kept=kept))
    message = ctx.tx.get(Message, copy.message_id)
    if message:
        search_index.forget(ctx, message.id, _without(ctx, copy, message))
        drop_content(ctx, message.content_id)
    ledger.note(ctx, LedgerKind.COPY, copy.id, state.name, "kept" if kept else "gone")
    ctx.audit("gateway", Act.KEPT_BY_HOLD if kept else Act.DESTROYED, f"copy {copy.id}", state.value)
    return destroyed


def _without(ctx: Context, copy: Copy, message: Message) -> list[int]:
    """The accounts that have this message no more with this copy gone: of several copies one account may hold two."""
    of_reader = {"message_id": message.id, "account_id": copy.account_id, "wrapped_key__ne": None, "kept": False}
    reader = copy.account_id if copy.account_id and not ctx.tx.count(Copy, **of_reader) else None
    return [one for one in (reader, message.account_id) if one]


def drop_content(ctx: Context, content_id: str) -> None:
    """Remove content that nobody holds a key to any more."""
    messages = [message.id for message in ctx.tx.find(Message, content_id=content_id)]
    copies = ctx.tx.count(Copy, message_id__in=messages, wrapped_key__ne=None) if messages else 0
    if not copies and not ctx.tx.count(Delivery, content_id=content_id, wrapped_key__ne=None):
        ctx.tx.remove(Content, id=content_id)
