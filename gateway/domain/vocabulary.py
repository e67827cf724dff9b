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
    """The kinds of mail that the gateway itself writes (`X-Gateway-Notice`), and when each goes to whom it is for."""

    RECEIPT = "receipt"
    """somebody has sent secure mail that waits for a person without an account: it says so, and asks who they are"""
    DIGEST = "digest"
    """somebody has sent several of them in a short time: one mail tells of all"""
    NEAR_MISS = "near-miss"
    """a mail is almost marked as secure, or goes to many strangers: did they mean it so"""
    OBSERVED = "observed"
    """each day, while the gateway only observes: what it would have done"""
    ATTENTION = "attention"
    """at most once a day, while something needs a person"""
    AUDIT_HEAD = "audit-head"
    """each day, where `audit.heads_to` is an address: the head of the audit's chain"""
    READ = "read"
    """their message was opened for the first time, and they had asked for a read receipt"""
    DETAILS_AGAIN = "details-again"
    """nobody has said for one day, and for three, who the person is"""
    CONFIRM = "confirm"
    """a command needs a YES first: who wrote it is not proved, or it looks like a slip"""
    TRANSCRIPT = "transcript"
    """they have written commands to us: what became of each line"""
    INVITATION = "invitation"
    """their sender has said who they are: the link to their message"""
    REMINDER = "reminder"
    """they have not accepted on days 3, 15 and 30, or their sender said REMIND"""
    LOCKED = "locked"
    """the birthdate was wrong three times"""
    EXPIRED = "expired"
    """nobody accepted the invitation by its last day"""
    LAPSED = "lapsed"
    """held mail was destroyed unread: nobody said who the person is, or invited them again in time"""
    CANCELLED = "cancelled"
    """their mail was withdrawn, on their page or by an administrator"""
    UNDELIVERABLE = "undeliverable"
    """mail to this address came back for good"""
    ACCEPTED = "accepted"
    """the person has registered, and can read"""
    ANSWERED = "answered-notice"
    """an invitee has answered by mail: their sender reads it on their page"""
    NOBODY_READS = "nobody-reads"
    """they have answered our mail, which may go unread: what to do in an emergency"""
    UNHEARD = "unheard"
    """what we have to say to a sender comes back: somebody else at the practice is told"""
    ASKED_AGAIN = "asked-again"
    """somebody with a dead link asks for a new invitation"""
    SENDER_LINK = "sender-link"
    """somebody opened an old link to a sender's page, and asked for a new one"""
    NEW_MESSAGE = "new-message"
    """a message has come into their inbox"""
    REPLY = "reply"
    """an answer from the portal, carried to a practice's own mail server"""
    PASSWORD_RESET = "password-reset"  # noqa: S105 - a kind of notice
    """they asked for a new password"""
    ACCOUNT_CHANGED = "account-changed"
    """their password, codes or passkeys were changed"""
    NEW_ADDRESS = "new-address"
    """they gave a new address, which has to be confirmed"""
    ADDRESS_CHANGED = "address-changed"
    """to the old address: it was, or will be, replaced"""
    RETURNED = "returned"
    """the gateway is taken out of use: the mail that was held goes back to whoever wrote it"""
    CLOSING = "closing"
    """the gateway is taken out of use: the invitation is over, or until when they can save their messages"""


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
