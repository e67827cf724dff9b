"""Understanding a mail that came in, as far as that goes without the store: from its head, while its body arrives.

Whom it was sent to is judged before anything of it is read: what is said to a token that was made up, or by a stranger
to the bot, can have no effect, and is not read.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.domain.address import Address, address
from gateway.domain.commands import is_command
from gateway.domain.decide import NEAR, Action, own_address
from gateway.domain.intent import Sign
from gateway.domain.site import Practice, Site
from gateway.domain.vocabulary import Purpose
from gateway.errors import BadAddress, BadRecipient, DeadReplyAddress, EndlessHead, Looping, NotASender
from gateway.mail import parse, secure_mark
from gateway.mail.authentication import dmarc_passed
from gateway.mail.automatic import STRONG_NOTES, automatic, surely_automatic
from gateway.mail.bounces import Bounce, bounce
from gateway.mail.encrypted import Encryption, encryption
from gateway.mail.headers import Change
from gateway.mail.parse import Head, Mailbox
from gateway.mail.recalling import may_recall, recalled
from gateway.mail.reply import Unread, typed
from gateway.mail.secure_mark import Marked
from gateway.mail.table import commands_in
from gateway.ports import Keys

MOST_RECEIVED = 100  # RFC 5321 §6.3
MANY = 10
"""From so many visible recipients on, each reader's copy names that reader alone."""
_OPENED_BY = {
    Action.COMMAND: (Purpose.WAITING_SENDER, Purpose.MESSAGE, Purpose.SENDER, Purpose.CONFIRM, Purpose.QUESTION),
    Action.REPLY: (Purpose.REPLY,),
    Action.BOUNCE: (Purpose.BOUNCE,),
}
"""For what a token at each kind of address must have been made."""
ANSWERED_BY_ANYBODY = (Purpose.ANSWER, Purpose.READER)
"""The tokens of mails that people outside get, who answer them by mail."""
_NO_MARKS = Marked(Sign.NONE)


@dataclass(frozen=True, slots=True)
class Submission:
    """What an SMTP client handed in; whether it may relay (`trusted`), and its user has proved who they are."""

    mail_from: str
    recipients: tuple[str, ...]
    trusted: bool
    authenticated: bool = False
    authserv_id: str = ""
    """The mail server whose Authentication-Results are believed; empty for none."""
    login: str = ""
    """Who has signed in: an address, or `*@domain` for a mail server; empty for nobody."""
    must_show: bool = False
    """Whether it is trusted only if it carries the site's word (stamps.py): its client serves others, too."""
    queue_id: str = ""  # the name under which it is taken in, as its client hears it


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
class IncomingMail:
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
    blemishes: tuple[Change, ...] = ()
    """The fields that a reader of secure mail does not get, each with what they get instead."""
    crowded: bool = False
    """Whether it names so many recipients that none of them is to see the others."""
    passes: bool = False
    """Whether it passes whatever it is: the site only observes."""
    refused: str = ""
    """The reply with which such a mail would have been refused."""
    stamps: tuple[Change, ...] = ()
    """The fields that it loses in any case, and in `stamp` the one that it gets (stamps.py)."""
    stamp: str = ""
    fingerprint: bytes = b""
    lines: tuple[str, ...] = ()
    """What was typed, in a command."""
    rows: tuple[str, ...] = ()
    """What a table that is attached says, a command for each row."""
    unread: Unread = Unread.NO
    """Why that is nothing."""
    recalls: str | None = None
    """The subject of the mail that it is to take back, in a recall of Outlook's."""
    report: Bounce | None = None
    """What it says, in a bounce."""
    encryption: Encryption = Encryption.NONE
    """How its sender has encrypted it, for readers' own keys."""
    may_be_listed: bool = False
    """Whether only the store knows for which practice its author writes, if for any; `practice` is then by domain."""
    is_vouched_for: bool = False
    """Whether the mail server that we believe says that its author wrote it; asked of commands alone."""

    @property
    def is_heard(self) -> bool:
        """Whether the mail can have any effect."""
        return any(r.is_heard for r in self.recipients)

    @property
    def may_go_on(self) -> bool:
        """Whether it might be part of a secure talk, though it has no mark: the store knows."""
        return not self.marks.secure and self.marks.sign.is_letter and self.may_be_ours and bool(self.answers)

    @property
    def may_be_ours(self) -> bool:
        """Whether its author writes for a practice, as far as that is known."""
        return self.practice is not None or self.may_be_listed

    @property
    def answers(self) -> tuple[str, ...]:
        """The Message-IDs of the mail that it goes on with."""
        return self.head.answers

    @property
    def names(self) -> Mapping[str, str]:
        """How its author named the visible recipients, by address."""
        return {one.address.key: one.name for one in self.head.visible if one.name}

    @property
    def addressees(self) -> frozenset[str]:
        """The keys of all whom it names, or was sent to."""
        sent_to = (one.address.key for one in self.recipients if one.address and one.gateway is None)
        return frozenset([*sent_to, *(one.address.key for one in self.head.visible)])

    @property
    def needs_clear(self) -> bool:
        """Whether anybody gets it as it came."""
        may_report = self.may_be_listed and self.practice is None and not self.submission.mail_from
        is_clear = self.passes or not self.marks.secure or may_report
        return (is_clear and any(r.gateway is None for r in self.recipients)) or any(
            r.gateway is Action.POSTMASTER for r in self.recipients
        )

    @property
    def needs_secure(self) -> bool:
        """Whether anybody gets it as secure mail, in a form of its own: without tag and Bcc."""
        return self.needs_practice or any(r.gateway is Action.HEAR for r in self.recipients)

    @property
    def needs_practice(self) -> bool:
        """Whether only somebody who writes for a practice may send it."""
        perhaps = self.marks.asks or (self.may_go_on and bool(self.blemishes))
        held = (self.marks.secure or perhaps) and any(r.gateway is None for r in self.recipients)
        return (held and not self.passes) or any(r.gateway is Action.REPLY for r in self.recipients)

    @property
    def is_read_here(self) -> bool:
        """Whether the gateway itself is spoken to: by a command, a bounce, or a recall."""
        return speaks_to_us(self.recipients) or (self.may_be_ours and may_recall(self.head))

    @property
    def depends_on_author(self) -> bool:
        """Whether it makes a difference for which practice its author writes, if for any."""
        spoken_to = any(one.gateway is not None and one.is_heard for one in self.recipients)
        return self.marks.secure or self.marks.asks or self.may_go_on or spoken_to or may_recall(self.head)


def recipients(site: Site, keys: Keys, submission: Submission) -> tuple[Recipient, ...]:
    """Whom a mail was sent to, and who of them hears it: known from its envelope.

    Raises BadRecipient, and DeadReplyAddress where a secure reply can only be refused: who does not know the token
    that opens it is told as much as who may not use it.
    """
    found = tuple(_judged(recipient_of(site, typed), keys, submission) for typed in submission.recipients)
    if any(one.gateway is Action.REPLY and not one.is_heard for one in found):
        raise DeadReplyAddress
    return found


def _judged(recipient: Recipient, keys: Keys, submission: Submission) -> Recipient:
    if recipient.gateway not in _OPENED_BY:
        return recipient
    if recipient.gateway is Action.REPLY and any(_opens(keys, recipient.token, one) for one in ANSWERED_BY_ANYBODY):
        return replace(recipient, gateway=Action.HEAR)  # they write from anywhere
    comes_in = submission.trusted or recipient.gateway is Action.BOUNCE
    token, purposes = recipient.token, _OPENED_BY[recipient.gateway]
    if recipient.gateway is Action.COMMAND and any(keys.is_outlived(token, purpose) for purpose in purposes):
        # Whoever answers a notice of before its key was retired is heard as if they had written without it.
        recipient, token = replace(recipient, token=""), ""
    opens = not token or any(_opens(keys, token, purpose) for purpose in purposes)
    return replace(recipient, is_heard=comes_in and opens)


def _opens(keys: Keys, token: str, purpose: Purpose) -> bool:
    row = keys.row_of(token, purpose)
    return row is not None and keys.holds(token, purpose, row)


def speaks_to_us(recipients: tuple[Recipient, ...]) -> bool:
    """Whether the gateway itself is to read what is said."""
    return any(one.is_heard and one.gateway in (Action.COMMAND, Action.BOUNCE) for one in recipients)


def unheard(submission: Submission, recipients: tuple[Recipient, ...]) -> IncomingMail:
    """A mail that can have no effect, of which nothing is read."""
    return IncomingMail(submission, b"", parse.head(b""), "", None, _NO_MARKS, recipients, None)


def understand(site: Site, submission: Submission, recipients: tuple[Recipient, ...], opening: bytes) -> IncomingMail:
    """Read a mail's head. Raises EndlessHead, Looping, NotASender."""
    head = parse.head(opening)
    passes = site.observes and not any(one.gateway for one in recipients)
    if not head.complete and not passes:
        raise EndlessHead  # a mark, or a second From, might stand in what was not read
    if head.received > MOST_RECEIVED:
        raise Looping
    author = authors[0] if len(authors := head.authors) == 1 else None
    practice = site.practice_of(author.address) if author else None
    may_be_listed = author is not None and not site.names_sender(author.address)
    marks = _marks(site, submission, recipients, head)
    if practice is None and not may_be_listed:
        marks = _of_nobody_here(marks, submission)
    may_be_secure = marks.secure or marks.asks or bool(head.answers) or any(one.gateway for one in recipients)
    crowded = may_be_secure and (head.names_many or len(head.visible) >= MANY)
    blemishes = secure_mark.blemishes(head, site.marks, tagged=marks.tagged, crowded=crowded) if may_be_secure else ()
    incoming = IncomingMail(
        submission, opening, head, head.message_id, author, marks, recipients, practice, blemishes, crowded
    )
    incoming = replace(incoming, may_be_listed=may_be_listed, passes=passes)
    return incoming if may_be_listed else _of_its_practice(incoming)


def settled(incoming: IncomingMail, practice: Practice | None) -> IncomingMail:
    """The same mail, now that it is known for which practice its author writes. Raises NotASender."""
    marks = incoming.marks if practice else _of_nobody_here(incoming.marks, incoming.submission)
    return _of_its_practice(replace(incoming, practice=practice, marks=marks, may_be_listed=False))


def _of_its_practice(incoming: IncomingMail) -> IncomingMail:
    if incoming.passes:
        return _observed(incoming)
    if incoming.needs_practice and incoming.practice is None:
        raise NotASender
    return incoming


def _observed(incoming: IncomingMail) -> IncomingMail:
    """A mail that passes, whatever it is: what would have been refused is noted."""
    meant = replace(incoming, passes=False)
    unknown = NotASender if meant.needs_practice and meant.practice is None else None
    refused = unknown if incoming.head.complete else EndlessHead
    return replace(incoming, refused=refused.smtp_reply if refused else "")


def fingerprinted(incoming: IncomingMail) -> "hashlib._Hash":
    """The running digest that tells this mail from others; the rest of the body is to be added (see parse)."""
    return parse.fingerprint(incoming.opening, incoming.head)


def read(site: Site, incoming: IncomingMail, text: bytes) -> IncomingMail:
    """Take in what its body says: to the gateway itself, if anything, and whether anybody can read it on the way.

    `text` is as much of the mail as is worth reading.
    """
    if incoming.needs_secure:
        incoming = replace(incoming, encryption=encryption(incoming.head, text))
    if not incoming.is_read_here:
        return incoming
    heard = {recipient.gateway for recipient in incoming.recipients if recipient.is_heard}
    if incoming.may_be_ours:
        incoming = replace(incoming, recalls=_recalled(site, incoming, text))
    if Action.BOUNCE in heard:
        incoming = replace(incoming, report=_report(incoming, text))
    if (
        Action.COMMAND in heard
        and incoming.may_be_ours
        and not surely_automatic(incoming.head, incoming.submission.mail_from)
    ):
        lines, unread = _command_lines(incoming, text)
        rows = commands_in(text)
        incoming = replace(incoming, lines=lines, rows=rows, unread=unread, is_vouched_for=_is_vouched_for(incoming))
    return incoming


def _recalled(site: Site, incoming: IncomingMail, text: bytes) -> str | None:
    subject = recalled(incoming.head, text)
    return None if subject is None else secure_mark.bare_subject(subject, site.marks)


def _is_vouched_for(incoming: IncomingMail) -> bool:
    client = incoming.submission
    return client.trusted and dmarc_passed(incoming.head, client.authserv_id)


def _report(incoming: IncomingMail, text: bytes) -> Bounce | None:
    """What came back says, unless somebody's own mail program says that it answers for them."""
    return None if automatic(incoming.head, incoming.submission.mail_from) in STRONG_NOTES else bounce(text)


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


def _marks(site: Site, submission: Submission, recipients: tuple[Recipient, ...], head: Head) -> Marked:
    archived = all(one.address and one.address.key in site.marks.exempt for one in recipients)
    return secure_mark.read_marks(head, site.marks, submission.mail_from, trusted=submission.trusted, archived=archived)


def _of_nobody_here(marks: Marked, submission: Submission) -> Marked:
    """Mail whose author belongs to no practice: nobody can be asked about it, and from `<>` it is somebody's report."""
    if marks.sign is Sign.ALWAYS and not submission.mail_from:
        return replace(marks, sign=Sign.REPORT)
    return replace(marks, sign=Sign.NONE) if marks.sign in NEAR else marks


def _command_lines(incoming: IncomingMail, text: bytes) -> tuple[tuple[str, ...], Unread]:
    """What was typed; a mail with an empty body says it in its subject, as a `mailto:` button does."""
    said = typed(text)
    subject = incoming.head.subject.strip()
    is_said_above = said.unread in (Unread.EMPTY, Unread.BELOW) and is_command(subject)
    return ((subject,), Unread.NO) if is_said_above else (said.lines, said.unread)
