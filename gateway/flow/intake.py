"""One mail on its way through one transaction: what it turns into, each thing made when it is first needed."""

from dataclasses import dataclass, field, replace

from gateway.domain.address import Address
from gateway.domain.model import Copy, Delivery, Message, Sender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState
from gateway.flow import deliver, hold, people
from gateway.flow.case import Case
from gateway.flow.context import Context
from gateway.flow.mailing import Mailing
from gateway.flow.outlook_recall import Recalled
from gateway.flow.take_in import Exits
from gateway.flow.understand import Draft
from gateway.mail.parse import Mailbox
from gateway.mail.wishes import ends_at, wants_receipt
from gateway.ports import Sealed


@dataclass(slots=True)
class Intake:
    """A mail and the rows that it brings."""

    ctx: Context
    draft: Draft
    exits: Exits
    tokens: list[str] = field(default_factory=list)
    """Of the addresses at which it speaks to the gateway."""
    asked: list[Case] = field(default_factory=list)
    """The recipients about whom its sender is asked."""
    recalled: list[Recalled] = field(default_factory=list)
    """From whom a mail is taken back."""
    _added: set[str] = field(default_factory=set)
    """The contents that have a row."""
    _sender: Sender | None = None
    _taken: hold.Taken | None = None
    _mailing: Mailing | None = None

    @property
    def practice(self) -> Practice:
        assert self.draft.practice is not None  # noqa: S101 - `understand` refused secure mail without one
        return self.draft.practice

    @property
    def author(self) -> Mailbox:
        assert self.draft.author is not None  # noqa: S101 - as above
        return self.draft.author

    def sender(self) -> Sender:
        """The author's row, looked up when it is first needed."""
        if self._sender is None:
            self._sender = people.sender_row(self.ctx, self.practice, self.author.address, self.author.name)
        return self._sender

    def secure(self, reply_to: Message | None = None) -> hold.Taken:
        """The message's row, written when it is first needed."""
        if self._taken is None:
            sealed = self.sealed()
            self._taken = hold.Taken(_store_message(self, sealed, reply_to), sealed.data_key)
        return self._taken

    def sealed(self) -> Sealed:
        """The sealed content, with a row of its own once somebody wants it."""
        sealed = self.exits.secure or self.exits.clear
        assert sealed is not None  # noqa: S101 - `needs_secure` or `needs_clear` made the edge seal it
        self._add(sealed)
        return sealed

    def mailing(self) -> Mailing:
        """The mail as secure mail, made when it is first needed."""
        if self._mailing is None:
            self._mailing = Mailing(
                self.ctx,
                self.practice,
                self.sender(),
                self.draft.message_id,
                self.draft.marks.details,
                self.draft.names,
                self.draft.addressees,
                self.keep,
            )
        return self._mailing

    @property
    def mailed(self) -> Mailing | None:
        """The same, if it was needed."""
        return self._mailing

    def keep(
        self, reader: Address, state: CopyState, *, account_id: int | None = None, invitation_id: int | None = None
    ) -> Copy:
        """A reader's copy."""
        taken = self.secure()
        return hold.add_copy(self.ctx, taken, reader, state, account_id=account_id, invitation_id=invitation_id)

    def pass_on(self, to: str, waits_for: Copy | None = None) -> None:
        """The mail as it came goes to this address; or waits until it is known what the copy beside it is.

        What its sender has encrypted goes without the tag, which may have a birthdate in it.
        """
        ctx, exits = self.ctx, self.exits
        sealed = exits.secure if self.draft.encryption and exits.secure else exits.clear
        assert sealed is not None  # noqa: S101 - `needs_clear`, or `needs_secure`, made the edge seal it
        self._add(sealed)
        passing = Delivery(
            kind=DeliveryKind.PASS,
            mail_from=self.draft.submission.mail_from,
            recipient=to,
            content_id=sealed.content_id,
            wrapped_key=ctx.keys.wrap(sealed.data_key, deliver.bound_to(sealed.content_id, to)),
            created_at=ctx.now,
            due_at=ctx.now,
        )
        if waits_for:
            passing = replace(passing, state=DeliveryState.HELD, copy_id=waits_for.id)
        ctx.tx.add(passing)

    def discard_unused(self) -> None:
        """What was sealed for nothing goes: the mail was known, or is worth nothing, or left in its other form."""
        for sealed in (self.exits.clear, self.exits.secure):
            if sealed and sealed.inline is None and sealed.content_id not in self._added:
                self.ctx.tx.discard(sealed.content_id)

    def _add(self, sealed: Sealed) -> None:
        if sealed.content_id not in self._added:
            self._added.add(sealed.content_id)
            hold.add_content(self.ctx, sealed)


def _store_message(intake: Intake, sealed: Sealed, reply_to: Message | None) -> Message:
    ctx, draft = intake.ctx, intake.draft
    end = ends_at(draft.head)
    return ctx.tx.add(
        Message(
            practice_id=intake.practice.id,
            sender_id=intake.sender().id,
            reply_to_id=reply_to.id if reply_to else None,
            header_id=draft.message_id,
            subject=ctx.keys.seal_under(sealed.data_key, draft.marks.subject.encode()),
            content_id=sealed.content_id,
            size=sealed.size,
            received_at=ctx.now,
            has_files=draft.head.has_files,
            hides_readers=draft.crowded,
            ends_at=end if end and end > ctx.now else None,
            wants_receipt=ctx.site.open_receipts and wants_receipt(draft.head, intake.author.address),
        )
    )
