"""One mail on its way through one transaction, and each of its recipients with the verdict on them."""

from dataclasses import dataclass, field
from typing import Any

from gateway.domain.address import Address
from gateway.domain.decide import Verdict
from gateway.domain.model import Account, Invitation, Message, Sender, Waiter
from gateway.domain.site import Practice
from gateway.flow import hold, people
from gateway.flow.context import Context
from gateway.flow.take_in import Exits
from gateway.flow.understand import Draft, Recipient
from gateway.mail.parse import Mailbox


@dataclass(frozen=True, slots=True)
class Case:
    """One recipient, what the store knows of them, and the verdict."""

    recipient: Recipient
    verdict: Verdict
    account: Account | None = None
    latest: Invitation | None = None
    """This practice's latest invitation of theirs, over or not."""

    @property
    def address(self) -> Address:
        assert self.recipient.address is not None  # noqa: S101 - `_case` refused it otherwise
        return self.recipient.address


@dataclass(slots=True)
class Intake:
    """A mail on its way through one transaction."""

    ctx: Context
    draft: Draft
    exits: Exits
    rows: list[dict[str, Any]] = field(default_factory=list)
    waiters: list[Waiter] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    """Of the addresses at which it speaks to the gateway."""
    _names: dict[str, str] | None = None
    _sender: Sender | None = None
    _taken: hold.Taken | None = None

    @property
    def practice(self) -> Practice:
        assert self.draft.practice is not None  # noqa: S101 - `understand` refused secure mail without one
        return self.draft.practice

    @property
    def author(self) -> Mailbox:
        assert self.draft.author is not None  # noqa: S101 - as above
        return self.draft.author

    @property
    def names(self) -> dict[str, str]:
        """How the author named the visible recipients, by address."""
        if self._names is None:
            self._names = self.draft.head.names
        return self._names

    def sender(self) -> Sender:
        """The author's row, looked up when it is first needed."""
        if self._sender is None:
            self._sender = people.sender_row(self.ctx, self.practice, self.author.address, self.author.name)
        return self._sender

    @property
    def kept(self) -> bool:
        """Whether the message has got a row."""
        return self._taken is not None

    def secure(self, reply_to: Message | None = None) -> hold.Taken:
        """The message's row, written when it is first needed."""
        if self._taken is None:
            self._taken = _store_message(self, reply_to)
        return self._taken


def _store_message(intake: Intake, reply_to: Message | None) -> hold.Taken:
    ctx, draft, sealed = intake.ctx, intake.draft, intake.exits.secure
    assert sealed is not None  # noqa: S101 - `needs_secure` made the edge seal it
    hold.add_content(ctx, sealed)
    message = Message(
        practice_id=intake.practice.id,
        sender_id=intake.sender().id,
        reply_to_id=reply_to.id if reply_to else None,
        header_id=draft.message_id,
        subject=ctx.keys.seal_under(sealed.data_key, draft.marks.subject.encode()),
        content_id=sealed.content_id,
        size=sealed.size,
        received_at=ctx.now,
        has_files=draft.head.has_files,
    )
    return hold.Taken(ctx.tx.add(message), sealed.data_key)
