"""The words of the domain: its enumerations, and the sets of states that belong together."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Relationship(StrEnum):
    """What the stranger is to the sender."""

    PATIENT = "patient"
    COLLEAGUE_HERE = "colleague_here"
    COLLEAGUE_ELSEWHERE = "colleague_elsewhere"


class DeliverTo(StrEnum):
    """Where a registered person reads: in the portal, or in the secure mail system of their own domain."""

    PORTAL = "portal"
    RELAY = "relay"


class Role(StrEnum):
    """What a colleague at the sender's own practice does there."""

    CLINICIAN = "clinician"
    STAFF = "staff"


class State(StrEnum):
    """Where an invitation stands; lifecycle.py holds the moves."""

    AWAITING = "awaiting_details"
    INVITED = "invited"
    ACCEPTED = "accepted"
    LOCKED = "locked"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


LIVE = (State.AWAITING, State.INVITED)
RESTING = (State.LOCKED, State.EXPIRED, State.UNDELIVERABLE)
"""Not live, but the sender may invite again: the held mail is kept for the grace period."""
OPEN = LIVE + RESTING


@dataclass(frozen=True, slots=True)
class Details:
    """The sender's answer to *what is this person to you?*"""

    relationship: Relationship
    role: Role | None = None
    birthdate: date | None = field(default=None, repr=False)
    """Never shown, not even in a traceback."""


class CopyState(StrEnum):
    """Where one recipient's copy of a message is."""

    HELD = "held"
    ASKED = "asked"
    """its sender is asked whether it is secure, or whether to send it at all"""
    INBOX = "inbox"
    RELAYED = "relayed"
    SENT = "sent"
    PASSED = "passed"
    """its sender said that it is ordinary mail: it left in clear"""
    RECALLED = "recalled"
    """taken back by its sender after it had been delivered"""
    TO_SENDERS = "to senders"
    """what an invitee has answered by mail: whoever waited for them then reads it on their page"""
    OVER = "over"
    """kept for as long as the site keeps messages"""
    DESTROYED = "destroyed"


GONE = (CopyState.RECALLED, CopyState.OVER)
"""Of these the reader still sees that there was one."""


class DeliveryKind(StrEnum):
    """What an outgoing mail is made of."""

    PASS = "pass"  # noqa: S105 - a kind of delivery
    RELAY = "relay"
    NOTICE = "notice"
    REPLY = "reply"
    REPORT = "report"
    DISPOSITION = "disposition"
    """a read receipt (RFC 8098)"""
    RETURN = "return"
    """a notice with the whole mail of which it speaks"""


class DeliveryState(StrEnum):
    """Where an outgoing mail stands."""

    HELD = "held"
    """it waits for its sender's word"""
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    PAUSED = "paused"
    """an administrator keeps it back: it is neither sent nor given up"""
    DROPPED = "dropped"


class Notice(StrEnum):
    """The kinds of mail that the gateway itself writes (`X-Gateway-Notice`)."""

    RECEIPT = "receipt"
    DIGEST = "digest"
    NEAR_MISS = "near-miss"
    OBSERVED = "observed"
    ATTENTION = "attention"
    AUDIT_HEAD = "audit-head"
    READ = "read"
    DETAILS_AGAIN = "details-again"
    CONFIRM = "confirm"
    TRANSCRIPT = "transcript"
    INVITATION = "invitation"
    REMINDER = "reminder"
    LOCKED = "locked"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"
    ACCEPTED = "accepted"
    ANSWERED = "answered-notice"
    NOBODY_READS = "nobody-reads"
    UNHEARD = "unheard"
    ASKED_AGAIN = "asked-again"
    SENDER_LINK = "sender-link"
    NEW_MESSAGE = "new-message"
    REPLY = "reply"
    PASSWORD_RESET = "password-reset"  # noqa: S105 - a kind of notice
    ACCOUNT_CHANGED = "account-changed"
    NEW_ADDRESS = "new-address"
    ADDRESS_CHANGED = "address-changed"
    RETURNED = "returned"
    CLOSING = "closing"


TO_INVITEE = (Notice.INVITATION, Notice.REMINDER)
"""What tells an invitee of their link."""


class Audience(StrEnum):
    """To whom a notice speaks (`X-Gateway-Audience`)."""

    SENDER = "sender"
    INVITEE = "invitee"
    ACCOUNT = "account"


class Purpose(StrEnum):
    """What a token opens; a token for one purpose is nothing for another. One letter each: it stands in the token."""

    INVITE = "i"
    """/invite/{token}; the row is an invitation"""
    WAITING_SENDER = "w"
    """bot+token: one sender and one invitation"""
    MESSAGE = "m"
    """bot+token: one sender and all the people of one mail"""
    SENDER = "s"
    """bot+token: one sender, nobody in particular"""
    INVITATION_PAGE = "v"
    """/sender/{token}: as INVITATION_SENDER; the generation is the day on which the link was made"""
    SENDER_PAGE = "t"
    """/sender/{token}: as SENDER; the generation is the day on which the link was made"""
    CONFIRM = "c"
    """bot+token: a command that waits for YES"""
    QUESTION = "q"
    """bot+token: what a sender is asked about a mail of theirs"""
    REPLY = "r"
    """reply+token: the message (written in the portal) that the sender answers"""
    ANSWER = "a"
    """reply+token: the invitation whose invitee answers by mail, whoever they write as"""
    READER = "d"
    """reply+token: the copy whose reader answers the mail that announced it"""
    BOUNCE = "b"
    """bounce+token: the delivery that came back"""
    RESET = "p"
    """/reset/{token}: an account"""
    NEW_ADDRESS = "n"
    """/profile/address/{token}: a change of address, to be confirmed"""
    ADMIN = "k"
    """/admin/enter/{token}: an administrator's page, once, for some minutes"""
    OLD_ADDRESS = "o"
    """/address/{token}: the same, to be called back"""


class Answer(StrEnum):
    """How a question about a mail ended."""

    YES = "yes"
    PLAIN = "plain"
    CANCEL = "cancel"
    NONE = "no answer"


class DeliverySignal(StrEnum):
    """What an invitee's mail system has told us since their link was sent."""

    AWAY = "away"
    """an automatic answer: they may be away"""
    DELAYED = "delayed"
    """their mail system still tries to take our mail"""
    RETURNED = "returned"
    """our mail came back, for a reason that may pass"""
