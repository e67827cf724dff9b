"""Understanding a mail that came in, as far as that goes without the store: from its head, while its body arrives."""

import hashlib
from dataclasses import dataclass, replace

from gateway.domain.address import Address, address
from gateway.domain.decide import Action, own_address
from gateway.domain.site import Practice, Site
from gateway.errors import BadAddress, BadRecipient, EndlessHead, Looping, NotASender
from gateway.mail import headers, parse
from gateway.mail.automatic import STRONG_NOTES, automatic
from gateway.mail.bounces import Bounce, bounce
from gateway.mail.parse import Head, Mailbox
from gateway.mail.reply import typed_lines
from gateway.mail.secure_mark import Marked, read_marks

MOST_RECEIVED = 100  # RFC 5321 §6.3


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
    report: Bounce | None = None
    """What it says, in a bounce."""

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
        return any(r.gateway in (Action.COMMAND, Action.BOUNCE) for r in self.recipients)


def understand(site: Site, submission: Submission, opening: bytes) -> Draft:
    """Read a mail's head. Raises EndlessHead, Looping, NotASender, BadRecipient."""
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
        tuple(recipient_of(site, typed) for typed in submission.recipients),
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
    kinds = {recipient.gateway for recipient in draft.recipients}
    return replace(
        draft,
        lines=_command_lines(draft, text) if Action.COMMAND in kinds else (),
        report=_report(draft, text) if Action.BOUNCE in kinds else None,
    )


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


def _command_lines(draft: Draft, text: bytes) -> tuple[str, ...]:
    """What was typed; a mail with an empty body says it in its subject, as a `mailto:` button does."""
    lines = typed_lines(text)
    subject = draft.head.subject.strip()
    return lines or ((subject,) if subject and not subject.lower().startswith("re:") else ())
