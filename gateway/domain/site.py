"""What settings say, as far as flows may know: a site, its practices, how mail is marked, the rhythm of invitations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from gateway.domain.address import Address
from gateway.domain.birthdate import Order
from gateway.domain.intent import Encrypted, NearMiss
from gateway.domain.machines import is_never_read


class Writing(Protocol):
    """Whom some addresses write for."""

    @property
    def domains(self) -> Sequence[str]: ...

    @property
    def senders(self) -> Sequence[str]: ...


W = TypeVar("W", bound=Writing)


def practice_of(practices: Sequence[W], sender: Address) -> W | None:
    """For which of them this address writes: an exact address first, since practices may share a domain."""
    named = (p for p in practices if sender.key in p.senders)
    by_domain = (p for p in practices if sender.domain in p.domains)
    return next(named, None) or next(by_domain, None)


@dataclass(frozen=True, slots=True)
class Practice:
    """A clinic: who writes for it is known by exact address first, then by domain."""

    id: str
    name: str
    domains: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    language: str = "en"
    colour: str = ""
    """The colour of its pages, as `#rrggbb`."""
    logo: str = ""
    """The picture at the head of its pages, as a `data:` URL."""
    managers: tuple[str, ...] = ()
    """Keys of addresses: who sees how far the whole practice's invitations come."""
    delegates: tuple[tuple[str, str], ...] = ()
    """Keys of addresses: who may act, and for whom."""
    fallback: str = ""
    """The key of an address: who is asked where the sender is a machine, or mail to them does not arrive."""
    machines: tuple[str, ...] = ()
    """Keys of addresses: senders whose mail nobody reads, besides those that are called so."""
    emergency: str = ""
    """What somebody in need is to do, for whoever answers a mail that nobody reads; "" for our own words."""
    date_order: Order = Order.UNSET
    """How 09/07/1941 is read in what its senders write; unset: they are asked."""

    def owns(self, address: Address) -> bool:
        """Whether the address lies in one of the practice's own domains or is one of its named senders."""
        return address.domain in self.domains or address.key in self.senders

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """Who hears, and may answer, in the place of a sender who does not."""
        return (self.fallback,) if self.fallback else self.managers

    def read_by(self, sender: Address) -> str:
        """The address at which somebody reads what is said to this sender."""
        is_machine = sender.key in self.machines or is_never_read(sender)
        return self.stand_ins[0] if is_machine and self.stand_ins else sender.typed


@dataclass(frozen=True, slots=True)
class Marks:
    """How a sender says that a mail is secure, and what becomes of mail that almost says so."""

    always: bool = False
    tags: tuple[str, ...] = ("[secure]", "[seguro]", "[sécurisé]", "[sicher]")
    headers: tuple[tuple[str, str], ...] = ()
    near_miss: NearMiss = NearMiss.ASK
    encrypted: Encrypted = Encrypted.PASS
    exempt: frozenset[str] = frozenset()
    """Keys of addresses that get journal reports."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The days and counts of an invitation's life; days are calendar days in the site's zone."""

    reminder_days: tuple[int, ...] = (3, 15, 30)
    expire_after_days: int = 30
    birthdate_attempts: int = 3
    reminder_hour: int = 9
    ask_again_days: tuple[int, ...] = (1, 3)
    lapse_after_days: int = 7
    grace_days: int = 30
    grace_after_outage: timedelta = timedelta(hours=24)
    """How long an end is put off that has come while nobody could answer."""
    rounds: int = 3
    """How often wrong birthdates may lock one person's invitations before inviting again is refused."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days it is kept what nobody asks for any more."""

    sent: int = 30
    """To whom a mail was sent, and what the hop said of it."""
    traces: int = 180
    """That there was a message, or an invitation, which is destroyed or came to nothing."""
    audit: int = 2192


@dataclass(frozen=True, slots=True)
class Directory:
    """The site's directory of people (LDAP), as far as flows may know of it."""

    domains: frozenset[str]
    """Of whose addresses it is asked."""
    relays: frozenset[str] = frozenset()
    """Domains with a secure system in which only those have a mailbox of whom the directory says so."""
    cache: timedelta = timedelta(hours=1)
    """How long what it said of an address is believed without asking again."""
    stale: timedelta = timedelta(hours=24)
    """How long it is believed while the directory does not answer."""
    knows_practices: bool = False
    """Whether it says for which practice somebody works."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A header field by which the practice's mail server and we know each other's mail: its name, and a secret word."""

    name: str
    word: str


@dataclass(frozen=True, slots=True)
class _Known:
    """Practices as they are looked for with each mail: ten thousand, one after the other, would take longer than it."""

    by_id: Mapping[str, Practice]
    by_sender: Mapping[str, Practice]
    by_domain: Mapping[str, Practice]

    @classmethod
    def of(cls, practices: Sequence[Practice]) -> "_Known":
        """The first of those that share something, as `practice_of` has it."""
        first = practices[::-1]
        return cls(
            {one.id: one for one in first},
            {sender: one for one in first for sender in one.senders},
            {domain: one for one in first for domain in one.domains},
        )


@dataclass(frozen=True, slots=True)
class Site:
    """One gateway's policy: what flows may know of the settings."""

    name: str
    domain: str
    portal_url: str
    zone: ZoneInfo
    practices: tuple[Practice, ...]
    relay_domains: frozenset[str] = frozenset()
    marks: Marks = field(default_factory=Marks)
    rhythm: Rhythm = field(default_factory=Rhythm)
    replies_may_travel: bool = True
    """Whether an answer's content may go to a practice over the next hop: a verified or a loopback one."""
    postmaster: str = ""
    audit_heads_to: str = ""
    """The address that gets the newest head of the audit's chain each day."""
    retention: Retention = field(default_factory=Retention)
    keep_days: int = 0
    """How many days a message stays in an inbox; 0: for ever."""
    observes: bool = False
    """Whether all mail passes, and what would have become of it is only reported."""
    directory: Directory | None = None
    open_receipts: bool = True
    """Whether a sender whose mail asks for it is told when it is first opened."""
    stamp: Stamp | None = None
    """What we write into mail that leaves by the next hop."""
    tenant: Stamp | None = None
    """What the practice's mail server writes into the mail that it hands to us."""
    read_receipts: bool = False
    """Whether senders are told when their messages were read."""
    _known: "_Known" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", _Known.of(self.practices))

    @property
    def bot(self) -> str:
        return f"bot@{self.domain}"

    def practice(self, practice_id: str) -> Practice:
        """The practice of this id; one that has left the settings keeps its id as its name."""
        return self._known.by_id.get(practice_id) or Practice(practice_id, practice_id)

    def has_practice(self, practice_id: str) -> bool:
        """Whether there is such a practice in the settings."""
        return practice_id in self._known.by_id

    def language(self, practice_id: str = "") -> str:
        """What its pages speak to people who have said nothing else; without a practice, the first one's."""
        return self._known.by_id.get(practice_id, self.practices[0]).language

    def practice_of(self, sender: Address) -> Practice | None:
        """For which practice this address writes, by the settings alone; flow/who.py knows the lists as well."""
        return self._known.by_sender.get(sender.key) or self._known.by_domain.get(sender.domain)

    def day_of(self, at: datetime) -> date:
        """The local date at the site."""
        return at.astimezone(self.zone).date()

    def names_sender(self, sender: Address) -> bool:
        """Whether the settings name this very address, which nothing else can overrule."""
        return sender.key in self._known.by_sender
