"""Taking mail in: from octets as they arrive to the incoming mail and its sealed forms, outside of transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.domain.site import Site
from gateway.errors import GatewayError, NotShown, Unreadable
from gateway.flow.inbound import forms, stamps, understand
from gateway.flow.inbound.understand import IncomingMail, Recipient, Submission
from gateway.mail import parse
from gateway.mail.bounds import ENCRYPTED_OCTETS, HEAD_OCTETS, READ_OCTETS
from gateway.ports import ContentStore, ContentWriter, Keys, Sealed

if TYPE_CHECKING:
    import hashlib

LONG_HEAD = 16_384
"""Octets: a head up to this, longer than mail systems write, is read in some milliseconds, whatever it is made of."""
_END_OF_HEAD = b"\r\n\r\n"
_BLANK = 8
"""Octets in which blank lines are looked for that stand before a head by mistake."""


@dataclass(frozen=True, slots=True)
class SealedForms:
    """The sealed forms in which the mail may leave: as it came, and as secure mail."""

    clear: Sealed | None = None
    secure: Sealed | None = None


@contextmanager
def reading() -> Iterator[None]:
    """Read a mail. Raises GatewayError: Unreadable where our own reading fails by mistake, as it would the next time.

    Such a mail is refused for good: it must not come back for ever, nor keep other mail waiting.
    """
    try:
        yield
    except (GatewayError, OSError, MemoryError):  # these say nothing of the mail
        raise
    except Exception as error:
        raise Unreadable from error


class MailReceiver:
    """One mail while it arrives. Its head is understood once it is whole; from then on its body is sealed bit by bit,
    in the forms in which it is to leave. Of a mail that can have no effect nothing is kept or read.

    A refusal is kept until the end, since that is where a client hears it. `trace` is our Received field.
    """

    def __init__(self, site: Site, keys: Keys, content: ContentStore, submission: Submission, trace: str) -> None:
        self._site, self._keys = site, keys
        self._content = content
        self._submission = submission
        self._trace = trace
        self._recipients: tuple[Recipient, ...] = ()
        self._opening = bytearray()
        self._incoming: IncomingMail | None = None
        self._refusal: GatewayError | None = None
        self._clear: ContentWriter | None = None
        self._secure: ContentWriter | None = None
        self._is_spilt = False
        self._read = bytearray()
        self._read_most = 0
        self._digest: hashlib._Hash
        try:
            with reading():
                self._recipients = understand.recipients(site, keys, submission)
        except GatewayError as refusal:
            self._refusal = refusal

    def feed(self, octets: bytes) -> None:
        """The next octets of the content."""
        if self._refusal or not self._is_heard:
            return
        try:
            with reading():
                if self._incoming is None:
                    self._gather(octets)
                else:
                    self._add(octets)
        except GatewayError as error:
            self.refuse(error)

    def refuse(self, error: GatewayError) -> None:
        """Nothing of this mail is kept, whatever is still to come; `finish` will raise the error."""
        self._refusal = self._refusal or error
        self.abandon()

    def finish(self) -> tuple[IncomingMail, SealedForms]:
        """All has arrived. Raises what speaks against the mail (GatewayError), and has then kept nothing.

        Then it is to be synced, before its transaction; or abandoned, where that failed.
        """
        try:
            if self._refusal:
                raise self._refusal
            if not self._is_heard:
                return understand.unheard(self._submission, self._recipients), SealedForms()
            with reading():
                if self._incoming is None:
                    self._open()
                return self._finished()
        except BaseException:
            self.abandon()
            raise

    @property
    def queue_id(self) -> str:
        """The name under which it is taken in."""
        return self._submission.queue_id

    @property
    def _is_heard(self) -> bool:
        return any(one.is_heard for one in self._recipients)

    @property
    def is_laborious(self) -> bool:
        """Whether reading on may take long: its head is still to be understood, or it is said to the gateway itself."""
        if self._refusal or not self._is_heard:
            return False
        return self._incoming is None or self._incoming.is_read_here

    def takes_long(self, octets: bytes) -> bool:
        """Whether a mail that consists of these octets may take more than some milliseconds to understand."""
        has_short_head = octets.find(_END_OF_HEAD, 0, LONG_HEAD) >= 0
        return self.is_laborious and (understand.speaks_to_us(self._recipients) or not has_short_head)

    @property
    def is_spilt(self) -> bool:
        """Whether some of it lies not in its row, and is to be synced."""
        return self._is_spilt

    def sync(self) -> None:
        """Have what lies not in its row stored. Raises StoreFull, StoreBusy, and has then kept nothing."""
        try:
            for writer in filter(None, (self._clear, self._secure)):
                writer.sync()
        except GatewayError:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Leave nothing behind."""
        for writer in filter(None, (self._clear, self._secure)):
            writer.abandon()
        self._clear = self._secure = None
        self._opening.clear()
        self._read.clear()

    def _gather(self, octets: bytes) -> None:
        """Add to the head until it is whole; one that is longer than is read is whole enough to be refused."""
        seen = len(self._opening)
        self._opening += octets
        opening = self._opening
        begun = len(opening) - len(opening[:_BLANK].lstrip(b"\r\n") + opening[_BLANK:])  # blank lines stand before it
        ended = opening.find(_END_OF_HEAD, max(seen - len(_END_OF_HEAD) + 1, begun)) >= 0
        if ended or len(opening) > HEAD_OCTETS:
            self._open()

    def _open(self) -> None:
        """Understand the head."""
        opening = bytes(self._opening)
        if self._submission.must_show:
            self._prove(opening)
            if not self._is_heard:
                return
        incoming = understand.understand(self._site, self._submission, self._recipients, opening)
        incoming = stamps.stamped(self._site, self._keys, incoming)
        self._incoming = replace(incoming, opening=b"")
        self._digest = understand.fingerprinted(incoming)
        self._opening.clear()
        if incoming.needs_clear:
            self._clear = self._content.writer()
            self._clear.write(forms.clear_form(incoming, self._trace))
        if incoming.needs_secure:
            self._secure = self._content.writer()
            self._secure.write(forms.secure_form(incoming, self._trace))
        if incoming.is_read_here or incoming.needs_secure:
            self._read += opening
            self._read_most = READ_OCTETS if incoming.is_read_here else len(opening) + ENCRYPTED_OCTETS

    def _prove(self, opening: bytes) -> None:
        """A client that serves others, too, is a stranger unless the mail carries the site's word. Raises NotShown."""
        if stamps.shows_word(self._site, parse.head(opening)):
            return
        if any(one.gateway is None for one in self._recipients):
            raise NotShown
        self._submission = replace(self._submission, trusted=False)
        self._recipients = understand.recipients(self._site, self._keys, self._submission)

    def _add(self, octets: bytes) -> None:
        self._digest.update(octets)
        if self._clear:
            self._clear.write(octets)
        if self._secure:
            self._secure.write(octets)
        if self._read:
            self._read += octets[: max(self._read_most - len(self._read), 0)]

    def _finished(self) -> tuple[IncomingMail, SealedForms]:
        assert self._incoming is not None  # noqa: S101 - `_open` made it
        incoming = replace(self._incoming, fingerprint=self._digest.digest())
        if self._read:
            incoming = understand.read(self._site, incoming, bytes(self._read))
        clear, secure = (writer.finish() if writer else None for writer in (self._clear, self._secure))
        self._is_spilt = any(sealed is not None and sealed.inline is None for sealed in (clear, secure))
        return incoming, SealedForms(clear, secure)
