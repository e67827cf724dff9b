"""What the store keeps: one dataclass a table. vocabulary.py has the words, site.py what settings say.

Rows are immutable; `id` 0 means not stored yet. Times are aware UTC. Bytes that hold what a person wrote are sealed.
"""

from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.model_drafts import Draft, DraftFile
from gateway.domain.model_questions import Observation, Question
from gateway.domain.model_records import (
    AdminSession,
    Audit,
    AuditBatch,
    DirectoryEntry,
    LedgerEntry,
    LegalHold,
    ListedPerson,
    TryWindow,
    Worker,
)
from gateway.domain.model_search import SearchEntry, SearchIndex
from gateway.domain.vocabulary import (
    OPEN,
    CopyState,
    DeliverTo,
    DeliveryKind,
    DeliverySignal,
    DeliveryState,
    Notice,
    Relationship,
    Role,
    State,
)

# ------------------------------------------------------------------------------------------------ what the store keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Somebody who writes for a practice."""

    id: int = 0
    practice_id: str
    address: str
    typed: str
    name: str = ""
    receipt_id: int | None = None
    """The delivery of the latest receipt: one that has not left yet takes up what happens meanwhile."""
    receipts_in_a_run: int = 0
    """How many receipts went to them one soon after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A registered person; `address` is the key, `typed` what they are written to at.

    `reset_at` is when a new password was last asked for; its link is of `reset_generation`.
    """

    id: int = 0
    address: str
    typed: str
    name: str
    password_hash: str
    delivery: DeliverTo = DeliverTo.PORTAL
    practice_name: str = ""
    practice_phone: str = ""
    practice_address: str = ""
    language: str = "en"
    created_at: datetime
    reset_generation: int = 1
    reset_at: datetime | None = None

    @property
    def is_erased(self) -> bool:
        """Whether only the row is left, to which messages point that others keep."""
        return not self.typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What one practice awaits of one address.

    `schedule_start` is day 0 of its state's schedule, `last_step_day` the day of the last step that was taken in it,
    0 for none; `due_at`, when the next step is due, is derived from these. `extended_to` is the day to which an outage
    has moved its end, 0 if none has. `wrong_birthdates` are those of this round, `wrong_birthdates_before` those of
    earlier rounds. `generation` rises when the link is replaced. `details_by` is the sender whose details stand.
    `asked_at` is when a new link was last asked for, `opened_at` when somebody with the link first answered what is
    asked there.
    """

    id: int = 0
    practice_id: str
    address: str
    typed: str
    name: str = ""
    state: State = State.AWAITING
    relationship: Relationship | None = None
    role: Role | None = None
    birthdate_digest: bytes | None = None
    wrong_birthdates: int = 0
    wrong_birthdates_before: int = 0
    generation: int = 1
    schedule_start: date
    last_step_day: int = 0
    due_at: datetime | None = None
    details_by: int | None = None
    account_id: int | None = None
    created_at: datetime
    changed_at: datetime
    delivery_signal: DeliverySignal | None = None
    delivery_signal_at: datetime | None = None
    asked_at: datetime | None = None
    opened_at: datetime | None = None
    extended_to: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is not over: there is at most one such for an address and a practice, and it is the latest."""
        return self.state in OPEN

    @property
    def who(self) -> str:
        """How people are told of this person."""
        return f"{self.name} <{self.typed}>" if self.name else self.typed


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingSender:
    """A sender who waits for an invitation to be accepted."""

    id: int = 0
    invitation_id: int
    sender_id: int
    withdrawn: bool = False
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One secure message: its content is sealed once, under a key of its own that every copy wraps anew.

    `sender_id` is set where a practice's sender wrote it, `account_id` where it was written in the portal.
    `reply_to_id` is the message that this one answers. `has_files` says whether it seems to bring files. `ends_at` is
    when its author wants it gone from inboxes, `wants_receipt` whether they asked to be told when it is opened.
    `hides_readers`: it was written to many, who are not to see each other's addresses. `queue_id` is the name under
    which it was taken in, empty where it was written in the portal.
    """

    id: int = 0
    practice_id: str
    sender_id: int | None = None
    account_id: int | None = None
    reply_to_id: int | None = None
    header_id: str
    subject: bytes
    content_id: str
    size: int
    received_at: datetime
    has_files: bool = False
    ends_at: datetime | None = None
    wants_receipt: bool = False
    hides_readers: bool = False
    queue_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One recipient's copy of a message. Destroying `wrapped_key` destroys the copy.

    `expires_at` is until when it is kept in an inbox; `ended_at` when it left it; `reason` why, sealed, for the reader.
    `kept`: it has ended for everybody, but a legal hold keeps its key.
    """

    id: int = 0
    message_id: int
    address: str
    typed: str
    state: CopyState
    invitation_id: int | None = None
    account_id: int | None = None
    wrapped_key: bytes | None = None
    read_at: datetime | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    reason: bytes | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Where sealed octets lie: in the row when small, else in a spool file of this name."""

    id: str
    inline: bytes | None = None
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One outgoing mail to one recipient.

    `hop` is empty for the next hop, else the domain of a relay. `facts` are what a notice is written from, sealed;
    `sender_id` is the sender to whom it is said. `claimed_by` is the worker that has it in hand until `lease_until`.
    `queue_id` is that of the mail that passes here, or that has brought this one about; `ended_at` is when it was sent,
    given up or dropped.
    """

    id: int = 0
    kind: DeliveryKind
    notice: Notice | None = None
    hop: str = ""
    mail_from: str = ""
    recipient: str
    content_id: str = ""
    wrapped_key: bytes | None = None
    facts: bytes | None = None
    invitation_id: int | None = None
    copy_id: int | None = None
    sender_id: int | None = None
    state: DeliveryState = DeliveryState.QUEUED
    attempts: int = 0
    created_at: datetime
    due_at: datetime
    lease_until: datetime | None = None
    claimed_by: str = ""
    last_reply: str = ""
    queue_id: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Commands that wait for a YES: `lines` are sealed."""

    id: int = 0
    sender_id: int
    invitation_id: int | None = None
    lines: bytes
    done_at: datetime | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A sender lets an address of the same practice act for them."""

    id: int = 0
    sender_id: int
    address: str
    typed: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChange:
    """A person's wish to have their account at another address; `done_at` it was, `stopped_at` it was called back."""

    id: int = 0
    account_id: int
    old_address: str
    old_typed: str
    new_address: str
    new_typed: str
    asked_at: datetime
    done_at: datetime | None = None
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser; `digest` is the hash of its cookie, `agent` what the browser calls itself."""

    id: int = 0
    digest: bytes
    account_id: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey of an account's (WebAuthn): with it a person signs in, or takes the second step."""

    id: int = 0
    account_id: int
    credential: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """An account's one-time codes (RFC 6238): their secret, sealed, and the last time step whose code was used."""

    id: int = 0
    account_id: int
    secret: bytes
    last_step: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCode:
    """The digest of a code that is good once."""

    id: int = 0
    account_id: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The fingerprint of a mail that was taken in already."""

    id: int = 0
    fingerprint: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """A fact about the database itself."""

    id: int = 0
    name: str
    value: bytes


TABLES: tuple[type, ...] = (
    *(Sender, Account, Invitation, WaitingSender, Message, Copy, Content),
    *(Delivery, Confirmation, Question, Observation, Delegation, Draft, DraftFile),
    *(Session, Passkey, Codes, RecoveryCode, Audit, Fingerprint, Meta, AddressChange, Worker),
    *(SearchIndex, SearchEntry),
    *(AuditBatch, LegalHold, ListedPerson, DirectoryEntry, LedgerEntry, AdminSession, TryWindow),
)
