"""Understanding a mail that came in, as far as that goes without the store: from its head, while its body arrives.

Whom it was sent to is judged before anything of it is read: what is said to a token that was made up, or by a stranger
to the bot, can have no effect, and is not read.
"""

import hashlib
from dataclasses import dataclass, replace

from gateway.domain.address import Address, address
from gateway.domain.commands import is_command
from gateway.domain.decide import Action, own_address
from gateway.domain.site import Practice, Site
from gateway.domain.vocabulary import Purpose
from gateway.errors import BadAddress, BadRecipient, EndlessHead, Looping, NotASender
from gateway.mail import headers, parse
from gateway.mail.authentication import dmarc_passed
from gateway.mail.automatic import STRONG_NOTES, automatic, surely_automatic
from gateway.mail.bounces import Bounce, bounce
from gateway.mail.parse import Head, Mailbox
from gateway.mail.reply import Unread, typed
from gateway.mail.secure_mark import Marked, read_marks
from gateway.ports import Keys

MOST_RECEIVED = 100  # RFC 5321 §6.3
_OPENED_BY = {
    Action.COMMAND: (Purpose.WAITER, Purpose.MESSAGE, Purpose.SENDER, Purpose.CONFIRM),
    Action.REPLY: (Purpose.REPLY,),
    Action.BOUNCE: (Purpose.BOUNCE,),
}
"""For what a token at each kind of address must have been made."""
_NO_MARKS = Marked(secure=False, details="", subject="", tagged=False)


@dataclass(frozen=True, slots=True)
class Submission:
    """What an SMTP client handed in, and what is known of the client.

    `trusted`: it may relay. `authenticated`: its user has proved who they are.
    """

    mail_from: str
    recipients: tuple[str, ...]
    trusted: bool
    authenticated: bool = False
    authserv_id: str = ""
    """The mail server whose Authentication-Results are believed; empty for none."""
    login: str = ""
    """Who has signed in: an address, or `*@domain` for a mail server; empty for nobody."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT: its address as compared (None where only a mail server can read it) and as typed."""

    typed: str
    address: Address | None
    gateway: Action | None = None
    token: str = ""
    is_heard: bool = True
    """Whether what is said to it can have any effect."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail as far as it can be understood without the store."""

    submission: Submission
    opening: bytes
    """The mail's first octets: its head, and whatever came along with it."""
    head: Head
    message_id: str
    author: Mailbox | None
    """The one mailbox that wrote it; several authors are none."""
    marks: Marked
    recipients: tuple[Recipient, ...]
    practice: Practice | None
    fingerprint: bytes = b""
    lines: tuple[str, ...] = ()
    """What was typed, in a command."""
    unread: Unread = Unread.NO
    """Why that is nothing."""
    report: Bounce | None = None
    """What it says, in a bounce."""
    is_vouched_for: bool = False
    """Whether the mail server that we believe says that its author wrote it; asked of commands alone."""

    @property
    def is_heard(self) -> bool:
        """Whether the mail can have any effect."""
        return any(r.is_heard for r in self.recipients)

    @property
    def needs_clear(self) -> bool:
        """Whether anybody gets it as it came."""
        passes = not self.marks.secure and any(r.gateway is None for r in self.recipients)
        return passes or any(r.gateway is Action.POSTMASTER for r in self.recipients)

    @property
    def needs_secure(self) -> bool:
        """Whether anybody gets it as secure mail, without tag and Bcc."""
        held = self.marks.secure and any(r.gateway is None for r in self.recipients)
        return held or any(r.gateway is Action.REPLY for r in self.recipients)

    @property
    def is_read_here(self) -> bool:
        """Whether the gateway itself is spoken to: by a command or a bounce."""
        return speaks_to_us(self.recipients)


def recipients(site: Site, keys: Keys, submission: Submission) -> tuple[Recipient, ...]:
    """Whom a mail was sent to, and who of them hears it: known from its envelope.

    Raises BadRecipient, and NotASender where a secure reply can only be refused: who does not know the token that
    opens it is told as much as who may not use it.
    """
    found = tuple(_judged(recipient_of(site, typed), keys, submission) for typed in submission.recipients)
    if any(one.gateway is Action.REPLY and not one.is_heard for one in found):
        raise NotASender
    return found


def _judged(recipient: Recipient, keys: Keys, submission: Submission) -> Recipient:
    if recipient.gateway not in _OPENED_BY:
        return recipient
    comes_in = submission.trusted or recipient.gateway is Action.BOUNCE
    token, purposes = recipient.token, _OPENED_BY[recipient.gateway]
    opens = not token or any(_opens(keys, token, purpose) for purpose in purposes)
    return replace(recipient, is_heard=comes_in and opens)


def _opens(keys: Keys, token: str, purpose: Purpose) -> bool:
    row = keys.row_of(token, purpose)
    return row is not None and keys.holds(token, purpose, row)


def speaks_to_us(recipients: tuple[Recipient, ...]) -> bool:
    """Whether the gateway itself is to read what is said."""
    return any(one.is_heard and one.gateway in (Action.COMMAND, Action.BOUNCE) for one in recipients)


def unheard(submission: Submission, recipients: tuple[Recipient, ...]) -> Draft:
    """A mail that can have no effect, of which nothing is read."""
    return Draft(submission, b"", parse.head(b""), "", None, _NO_MARKS, recipients, None)


def understand(site: Site, submission: Submission, recipients: tuple[Recipient, ...], opening: bytes) -> Draft:
    """Read a mail's head. Raises EndlessHead, Looping, NotASender."""
    head = parse.head(opening)
    if not head.complete:
        raise EndlessHead  # a mark, or a second From, might stand in what was not read
    if head.received > MOST_RECEIVED:
        raise Looping
    authors = head.authors
    author = authors[0] if len(authors) == 1 else None
    draft = Draft(
        submission,
        opening,
        head,
        head.message_id,
        author,
        _marks(site, submission, head),
        recipients,
        site.practice_of(author.address) if author else None,
    )
    if draft.needs_secure and draft.practice is None:
        raise NotASender
    return draft


def fingerprinted(draft: Draft) -> "hashlib._Hash":
    """The running digest that tells this mail from others; the rest of the body is to be added (see parse)."""
    return parse.fingerprint(draft.opening, draft.head)


def read(draft: Draft, text: bytes) -> Draft:
    """Take in what is said to the gateway itself; `text` is as much of the mail as is worth reading."""
    heard = {recipient.gateway for recipient in draft.recipients if recipient.is_heard}
    if Action.BOUNCE in heard:
        draft = replace(draft, report=_report(draft, text))
    if Action.COMMAND in heard and draft.practice and not surely_automatic(draft.head, draft.submission.mail_from):
        lines, unread = _command_lines(draft, text)
        draft = replace(draft, lines=lines, unread=unread, is_vouched_for=_is_vouched_for(draft))
    return draft


def _is_vouched_for(draft: Draft) -> bool:
    client = draft.submission
    return client.trusted and dmarc_passed(draft.head, client.authserv_id)


def _report(draft: Draft, text: bytes) -> Bounce | None:
    """What came back says, unless somebody's own mail program says that it answers for them."""
    return None if automatic(draft.head, draft.submission.mail_from) in STRONG_NOTES else bounce(text)


def clear_form(draft: Draft, trace: str) -> bytes:
    """The opening byte for byte under our trace field (RFC 5321 §4.4)."""
    return headers.prepend(draft.opening, trace)


def secure_form(draft: Draft, trace: str) -> bytes:
    """The opening as its readers get it: without the tag, and without Bcc."""
    octets = draft.opening
    if any(one.name == "bcc" for one in draft.head.fields):
        octets = headers.without(octets, frozenset({"bcc"}))
    if draft.marks.tagged:
        octets = headers.with_subject(octets, draft.marks.subject)
    return headers.prepend(octets, trace)


def recipient_of(site: Site, typed: str) -> Recipient:
    """One RCPT as it is understood. Raises BadRecipient for an address of our own domain that nobody has."""
    try:
        read = address(typed)
    except BadAddress:
        return Recipient(typed, None)
    if read.domain != site.domain:
        return Recipient(typed, read)
    own = own_address(read, site.domain)
    if own is None:
        raise BadRecipient
    return Recipient(typed, read, *own)


def _marks(site: Site, submission: Submission, head: Head) -> Marked:
    marks = site.marks
    if marks.always and not submission.mail_from:
        marks = replace(marks, always=False)  # a bounce is nobody's secure mail; it passes
    return read_marks(head, marks)


def _command_lines(draft: Draft, text: bytes) -> tuple[tuple[str, ...], Unread]:
    """What was typed; a mail with an empty body says it in its subject, as a `mailto:` button does."""
    said = typed(text)
    subject = draft.head.subject.strip()
    is_said_above = said.unread in (Unread.EMPTY, Unread.BELOW) and is_command(subject)
    return ((subject,), Unread.NO) if is_said_above else (said.lines, said.unread)
