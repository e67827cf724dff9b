"""What our own mail is written from: one kind of facts for each notice, queued sealed and rendered when it is sent.

Facts may be rendered by a newer gateway than the one that queued them. So a field that is added has a default, and one
that is taken away is left out when older facts are read. Days and instants are ISO 8601 texts. A token is stored as the
three numbers that it is derived from, never as itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.vocabulary import Audience, Notice
from gateway.flow.results import Result
from gateway.flow.standing import Standing, Token, Why


class Outcome(StrEnum):
    """What became of a secure mail for one recipient."""

    ASKING = "asking"
    INVITED = "invited"
    RESTING = "resting"
    INBOX = "inbox"
    RELAYED = "relayed"
    NO_ADDRESS = "no_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow(Standing):
    """One recipient of a secure mail; without an invitation only `who` is known. `reason` is the verdict's."""

    outcome: Outcome
    joined: bool = False
    why: Why = Why.NONE
    reason: str = ""


# ------------------------------------------------------------------------------------------------------------ notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one kind of notice is written from; what all of them are told stands in `QueuedNotice`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutPerson(Facts):
    """How one person stands now. `used_up`: they may not be invited again. `address`: where a mail came back from.

    `by_administrator`: it was not the sender who asked for it.
    """

    person: Standing | None = None
    used_up: bool = False
    address: str = ""
    by_administrator: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Facts):
    """What became of a secure mail, or of several."""

    people: tuple[ReceiptRow, ...]
    mails: tuple[str, ...]
    message_id: int
    asking: bool
    sender_page: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss(Facts):
    """A mail that perhaps is secure, or goes to many: `stage` is asked, again or over."""

    stage: str
    sign: str
    shown: str
    readers: tuple[str, ...]
    more: int
    sent: str
    until: str
    ask_again: tuple[int, ...]
    plain: bool
    sender_page: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Facts):
    """An invitee has answered by mail. `last_of`: this is the last of so many that are told today."""

    person: Standing
    last_of: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Facts):
    """Commands that wait for a YES, and why."""

    why: str
    lines: tuple[str, ...]
    person: Standing | None = None
    meant: str = ""
    last_of: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript(Facts):
    """What became of what a sender wrote to us; `by` is who wrote it in their place."""

    results: tuple[Result, ...]
    sender_page: Token
    by: str = ""
    last_of: int = 0
    is_last_help: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard(Facts):
    """Our mail to a sender came back: whom they wait for."""

    sender: str
    dead: str
    people: tuple[Standing, ...]
    more: int
    sender_page: Token
    answered: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderLink(Facts):
    sender_page: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideMail:
    """A mail that could not be prepared for sending."""

    id: int
    since: str
    kind: str
    to: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFact:
    """One thing that needs a person, as `domain/needs.py` has words for its kind."""

    kind: str
    since: str = ""
    subject: str = ""
    number: int = 0
    node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention(Facts):
    mails: tuple[AsideMail, ...]
    total: int
    needs: tuple[NeedFact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead(Facts):
    line: str
    """As it stands in a file of heads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedMail:
    """What would have become of a mail."""

    at: str
    author: str
    to: str
    did: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed(Facts):
    counts: Mapping[str, int]
    lines: tuple[ObservedMail, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite(Facts):
    """An invitation, or a reminder of one. `replaces`: an earlier link is dead."""

    inviters: tuple[str, ...]
    relationship: str
    until: str
    last_day: bool
    has_account: bool
    replaces: bool
    invite: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutOut(Facts):
    inviters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyReads(Facts):
    """The automatic answer to somebody who has answered our mail."""

    emergency: str
    inviters: tuple[str, ...]
    invite: Token | str
    has_account: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage(Facts):
    author: str
    copy_id: int
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned(Facts):
    """A mail that is handed back since the gateway is taken out of use: whole, if it is `enclosed`.

    It was for these `readers`; or it is what an invitee, `answer_of`, has answered by mail.
    """

    readers: tuple[str, ...]
    more: int
    sent: str
    enclosed: bool = False
    answer_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing(Facts):
    """The gateway is taken out of use. `until`: the last day on which an account can be used; "" for an invitation."""

    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanged(Facts):
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordReset(Facts):
    reset: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddress(Facts):
    """The link to confirm a new address with; or that it is `taken`."""

    confirm: Token | str
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressChanged(Facts):
    what: str
    keep: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered(Facts):
    """A message that could not be delivered to this address."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NonDelivery(Facts):
    """What a report on a mail that passed says (RFC 3464); `head` is the mail's, in base64."""

    recipient: str
    status: str
    reply: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Facts):
    """What a read receipt says (RFC 8098)."""

    reader: str
    header_id: str
    name: str


_KINDS: Mapping[Notice, type[Facts]] = {
    Notice.RECEIPT: Receipt,
    Notice.DIGEST: Receipt,
    Notice.NEAR_MISS: NearMiss,
    Notice.ANSWERED: Answered,
    Notice.CONFIRM: Confirm,
    Notice.TRANSCRIPT: Transcript,
    Notice.UNHEARD: Unheard,
    Notice.SENDER_LINK: SenderLink,
    Notice.ATTENTION: Attention,
    Notice.AUDIT_HEAD: AuditHead,
    Notice.OBSERVED: Observed,
    Notice.INVITATION: Invite,
    Notice.REMINDER: Invite,
    Notice.NOBODY_READS: NobodyReads,
    Notice.NEW_MESSAGE: NewMessage,
    Notice.RETURNED: Returned,
    Notice.CLOSING: Closing,
    Notice.ACCOUNT_CHANGED: AccountChanged,
    Notice.PASSWORD_RESET: PasswordReset,
    Notice.NEW_ADDRESS: NewAddress,
    Notice.ADDRESS_CHANGED: AddressChanged,
    Notice.READ: Opened,
}
_KINDS_FOR: Mapping[tuple[Notice, Audience], type[Facts]] = {
    (Notice.LOCKED, Audience.INVITEE): ShutOut,
    (Notice.UNDELIVERABLE, Audience.ACCOUNT): Undelivered,
}


def kind_of(notice: Notice, audience: Audience) -> type[Facts]:
    """From which facts a notice to this audience is written."""
    return _KINDS_FOR.get((notice, audience)) or _KINDS.get(notice, AboutPerson)
