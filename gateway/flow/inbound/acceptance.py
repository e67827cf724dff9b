"""One mail on its way through one transaction: what it turns into, each thing made when it is first needed."""

from dataclasses import dataclass, field, replace

from gateway.domain.address import Address
from gateway.domain.model import Copy, Delivery, Message, Sender
from gateway.domain.site import Practice
from gateway.domain.vocabulary import CopyState, DeliveryKind, DeliveryState
from gateway.flow import copies, senders
from gateway.flow.context import Context
from gateway.flow.inbound.mail_receiver import SealedForms
from gateway.flow.inbound.mailing import Mailing
from gateway.flow.inbound.outlook_recall import Recalled
from gateway.flow.inbound.recipient_case import RecipientCase
from gateway.flow.inbound.understand import IncomingMail
from gateway.mail.parse import Mailbox
from gateway.mail.wishes import ends_at, wants_receipt
from gateway.ports import Sealed


@dataclass(slots=True)
class Acceptance:
    """A mail and the rows that it brings."""

    ctx: Context
    incoming: IncomingMail
    forms: SealedForms
    tokens: list[str] = field(default_factory=list)
    """Of the addresses at which it speaks to the gateway."""
    asked: list[RecipientCase] = field(default_factory=list)
    """The recipients about whom its sender is asked."""
    recalled: list[Recalled] = field(default_factory=list)
    """From whom a mail is taken back."""
    _added: set[str] = field(default_factory=set)
    """The contents that have a row."""
    _sender: Sender | None = None
    _taken: copies.Taken | None = None
    _mailing: Mailing | None = None

    @property
    def practice(self) -> Practice:
        assert self.incoming.practice is not None  # noqa: S101 - `understand` refused secure mail without one
        return self.incoming.practice

    @property
    def author(self) -> Mailbox:
        assert self.incoming.author is not None  # noqa: S101 - as above
        return self.incoming.author

    def sender(self) -> Sender:
        """The author's row, looked up when it is first needed."""
        if self._sender is None:
            self._sender = senders.sender_row(self.ctx, self.practice, self.author.address, self.author.name)
        return self._sender

    def secure(self, reply_to: Message | None = None) -> copies.Taken:
        """The message's row, written when it is first needed."""
        if self._taken is None:
            sealed = self.sealed()
            self._taken = copies.Taken(_store_message(self, sealed, reply_to), sealed.data_key)
        return self._taken

    def sealed(self) -> Sealed:
        """The sealed content, with a row of its own once somebody wants it."""
        sealed = self.forms.secure or self.forms.clear
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
                self.incoming.message_id,
                self.incoming.marks.details,
                self.incoming.names,
                self.incoming.addressees,
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
        return copies.add_copy(self.ctx, taken, reader, state, account_id=account_id, invitation_id=invitation_id)

    def pass_on(self, to: str, waits_for: Copy | None = None) -> None:
        """The mail as it came goes to this address; or waits until it is known what the copy beside it is.

        What its sender has encrypted goes without the tag, which may have a birthdate in it.
        """
        ctx, forms = self.ctx, self.forms
        sealed = forms.secure if self.incoming.encryption and forms.secure else forms.clear
        assert sealed is not None  # noqa: S101 - `needs_clear`, or `needs_secure`, made the edge seal it
        self._add(sealed)
        passing = Delivery(
            kind=DeliveryKind.PASS,
            mail_from=self.incoming.submission.mail_from,
            recipient=to,
            content_id=sealed.content_id,
            wrapped_key=ctx.keys.wrap(sealed.data_key, copies.bound_to_passing(sealed.content_id, to)),
            created_at=ctx.now,
            due_at=ctx.now,
            queue_id=ctx.queue_id,
        )
        if waits_for:
            passing = replace(passing, state=DeliveryState.HELD, copy_id=waits_for.id)
        ctx.tx.add(passing)

    def discard_unused(self) -> None:
        """What was sealed for nothing goes: the mail was known, or is worth nothing, or left in its other form."""
        for sealed in (self.forms.clear, self.forms.secure):
            if sealed and sealed.inline is None and sealed.content_id not in self._added:
                self.ctx.tx.discard(sealed.content_id)

    def _add(self, sealed: Sealed) -> None:
        if sealed.content_id not in self._added:
            self._added.add(sealed.content_id)
            copies.add_content(self.ctx, sealed)


def _store_message(acceptance: Acceptance, sealed: Sealed, reply_to: Message | None) -> Message:
    ctx, incoming = acceptance.ctx, acceptance.incoming
    end = ends_at(incoming.head)
    return ctx.tx.add(
        Message(
            practice_id=acceptance.practice.id,
            sender_id=acceptance.sender().id,
            reply_to_id=reply_to.id if reply_to else None,
            header_id=incoming.message_id,
            subject=ctx.keys.seal_under(sealed.data_key, incoming.marks.subject.encode()),
            content_id=sealed.content_id,
            size=sealed.size,
            received_at=ctx.now,
            has_files=incoming.head.has_files,
            hides_readers=incoming.crowded,
            ends_at=end if end and end > ctx.now else None,
            wants_receipt=ctx.site.open_receipts and wants_receipt(incoming.head, acceptance.author.address),
            queue_id=ctx.queue_id,
        )
    )
