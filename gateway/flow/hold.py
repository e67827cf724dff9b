"""Copies of secure messages: kept sealed, released, destroyed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.address import Address
from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.domain.vocabulary import CopyState
from gateway.flow.context import Context
from gateway.ports import Sealed


@dataclass(frozen=True, slots=True)
class Taken:
    """A message whose row is written, with the key that its copies wrap."""

    message: Message
    data_key: bytes


def add_content(ctx: Context, sealed: Sealed) -> None:
    """Write the row of content that was sealed before the transaction."""
    ctx.tx.add(Content(id=sealed.content_id, inline=sealed.inline, size=sealed.size))


def bound_to(message_id: int, address_key: str) -> str:
    """What a copy's wrapped key is bound to."""
    return f"copy|{message_id}|{address_key}"


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
    wrapped = ctx.keys.wrap(taken.data_key, bound_to(taken.message.id, recipient.key))
    copy = Copy(
        message_id=taken.message.id,
        address=recipient.key,
        typed=recipient.typed,
        state=state,
        account_id=account_id,
        invitation_id=invitation_id,
        wrapped_key=wrapped,
        expires_at=_kept_until(ctx) if state is CopyState.INBOX else None,
    )
    return ctx.tx.add(copy)


def data_key(ctx: Context, copy: Copy) -> bytes:
    """The key of a copy's content. Raises WrongKey for a destroyed copy."""
    return ctx.keys.unwrap(copy.wrapped_key or b"", bound_to(copy.message_id, copy.address))


def release(ctx: Context, copy: Copy, account_id: int | None) -> Copy:
    """Put a held copy into its reader's inbox."""
    ctx.audit("gateway", "released", f"copy {copy.id}")
    released = replace(copy, state=CopyState.INBOX, account_id=account_id, expires_at=_kept_until(ctx))
    return ctx.tx.put(released)


def _kept_until(ctx: Context) -> datetime | None:
    """Until when what comes into an inbox now is kept."""
    return ctx.now + timedelta(days=ctx.site.keep_days) if ctx.site.keep_days else None


def destroy(ctx: Context, copy: Copy, state: CopyState = CopyState.DESTROYED, reason: bytes | None = None) -> Copy:
    """Destroy a copy's key, and the content with its last copy."""
    ended = replace(copy, state=state, wrapped_key=None, expires_at=None, ended_at=ctx.now, reason=reason)
    destroyed = ctx.tx.put(ended)
    message = ctx.tx.get(Message, copy.message_id)
    if message:
        drop_content(ctx, message.content_id)
    ctx.audit("gateway", "destroyed", f"copy {copy.id}", state.value)
    return destroyed


def drop_content(ctx: Context, content_id: str) -> None:
    """Remove content that nobody holds a key to any more."""
    messages = [message.id for message in ctx.tx.find(Message, content_id=content_id)]
    copies = ctx.tx.count(Copy, message_id__in=messages, wrapped_key__ne=None) if messages else 0
    if not copies and not ctx.tx.count(Delivery, content_id=content_id, wrapped_key__ne=None):
        ctx.tx.remove(Content, id=content_id)
