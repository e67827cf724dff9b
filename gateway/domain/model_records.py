"""What is kept so that the gateway can be accounted for: the audit, legal holds, who is listed, who
serves, what was destroyed.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.vocabulary import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Who did what to which, when and from where; `mac` makes an altered row show."""

    id: int = 0
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str = ""
    place: str = ""
    mac: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBatch:
    """Rows of the audit that were sealed together; `head` is a keyed digest of the batch and of the head before it.

    `marks` name each row in order (domain/audit_chain.py); once retention has removed the rows (`forgotten`), they say
    when.
    """

    id: int = 0
    at: datetime
    first_row: int
    last_row: int
    marks: bytes
    forgotten: bool = False
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """While it stands, nothing of a person (`address`) or of a practice is destroyed; one of the two is empty.

    `follows` is the hold that this one belongs to, where the person has another address by now.
    """

    id: int = 0
    address: str = ""
    practice_id: str = ""
    reason: str
    follows: int | None = None
    placed_by: str
    placed_at: datetime
    released_by: str = ""
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """Somebody whom a practice's people list names: they write for it, and are colleagues there."""

    id: int = 0
    practice_id: str
    address: str
    typed: str
    name: str = ""
    role: Role | None = None
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the site's directory (LDAP) says of an address; nothing of one that it does not know."""

    practice_id: str = ""
    name: str = ""
    role: Role | None = None
    has_secure_mail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEntry:
    """What the site's directory (LDAP) last said of an address; `practice_id` is empty where it knows nobody there."""

    id: int = 0
    address: str
    practice_id: str = ""
    name: str = ""
    role: Role | None = None
    has_secure_mail: bool = False
    looked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSession:
    """An administrator who looks at the administrator's pages, or a link that lets one in: then `digest` is empty.

    `digest` is the hash of its cookie, `name` who it was given to: a user of this machine, or an address.
    """

    id: int = 0
    name: str
    digest: bytes = b""
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that serves; `beats` is how often it has shown that it lives, `seen_at` when it last did."""

    id: int = 0
    name: str
    beats: int
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TryWindow:
    """How often something, such as signing in, was tried since a first time; `digest` stands for who tries what."""

    id: int = 0
    digest: bytes
    since: datetime
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A line on its way to the ledger file: what was destroyed, which no restored backup may bring back."""

    id: int = 0
    at: datetime
    kind: str
    subject: str
