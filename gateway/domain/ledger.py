"""The ledger: what was destroyed and what was sent, in numbers and keyed digests, so that a restore can follow it.

It holds no address, no subject and nothing of any content.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LedgerKind(StrEnum):
    """What a line tells; its subject is words with blanks between them."""

    COPY = "copy"
    """a copy has ended: its number, the state it ended in, and "gone", or "kept" where a legal hold keeps its key"""
    DELIVERY = "delivery"
    """a mail was given up: its number"""
    DRAFT = "draft"
    """a draft was discarded: its number"""
    ACCOUNT = "account"
    """an account was erased: its number"""
    PERSON = "person"
    """an erased person was taken out of a row: its table and number"""
    QUESTION = "question"
    """how far a question has come: its number, the answer or "-", the day of its last step"""
    INVITATION = "invitation"
    """where an invitation stands: see `InvitationStanding`"""
    HOLD = "hold"
    """a legal hold was placed or released: a `HoldLine`"""
    KEY = "key"
    """a key was "rotated" to, so that all is sealed under it, or "retired": its letter, and which of the two"""
    SENT = "sent"
    """a hop has taken these mails: a `Sent` for each"""
    BEGINS = "begins"
    """what follows continues behind a line that is not here: that line's mac, and why it is not"""
    RESTORED = "restored"
    """a backup was restored: its name"""


class Gap(StrEnum):
    """Why a ledger begins behind its first line."""

    KEPT = "kept"
    """older lines have served their time"""
    LOST = "lost"
    """they are missing: the file was lost, or an older one was put in its place"""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line; `mac` is a keyed digest of it and of the `mac` before, in hexadecimal."""

    number: int
    at: datetime
    kind: str
    subject: str
    mac: str

    @property
    def hands_on(self) -> str:
        """The mac that the next line continues."""
        return self.subject.split()[0] if self.kind == LedgerKind.BEGINS else self.mac

    @property
    def is_gap(self) -> bool:
        """Whether lines before this one are missing that should be there."""
        return self.kind == LedgerKind.BEGINS and self.subject.endswith(Gap.LOST)


@dataclass(frozen=True, slots=True)
class LedgerPosition:
    """How far a ledger has come."""

    number: int = 0
    mac: str = ""

    def __str__(self) -> str:
        return f"{self.number} {self.mac}".rstrip()

    @classmethod
    def read(cls, text: str) -> "LedgerPosition":
        """Raises ValueError."""
        number, _, mac = text.partition(" ")
        return cls(int(number), mac)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The lines of a ledger, oldest first, up to the first that is not as it was written; `fault` says what it is."""

    lines: Sequence[LedgerLine] = ()
    fault: str = ""

    @property
    def end(self) -> LedgerPosition:
        return LedgerPosition(self.lines[-1].number, self.lines[-1].hands_on) if self.lines else LedgerPosition()

    def lacks(self, since: LedgerPosition) -> str:
        """Why it does not tell all that happened since then; "" where it does."""
        if self.fault:
            return self.fault
        if self.end.number < since.number:
            return f"it is an older one: it ends with line {self.end.number}, and line {since.number} had been written"
        first = self.lines[0].number if self.lines else 0
        if first > max(since.number, 1):
            return f"it begins with line {first}, and line {since.number} is needed"
        known = next((line for line in self.lines if line.number == since.number), None)
        if since.number and (known is None or known.hands_on != since.mac):
            return f"it is the ledger of another database: its line {since.number} is not the one that had been written"
        gap = next((line for line in self.lines if line.is_gap and line.number > since.number), None)
        return f"lines before {gap.number} are missing" if gap else ""

    def leaves_out(self, other: "Ledger") -> str:
        """What another ledger tells and this one does not, from which line on; "" where this one tells all of it.

        What has served its time here counts as told, where the two meet later on.
        """
        told = {line.number: line.hands_on for line in self.lines}
        meet = any(told.get(line.number) == line.hands_on for line in other.lines)
        served_until = self.lines[0].number if meet and self.lines[0].subject.endswith(f" {Gap.KEPT}") else 0
        for line in other.lines:
            if line.number >= served_until and told.get(line.number) != line.hands_on:
                is_told = line.number in told
                return f"from line {line.number} on it tells {'something else' if is_told else 'more'}"
        return other.fault


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that a hop has taken. `about` is the invitation (i17) or the copy (c5) it speaks of."""

    delivery: int
    created: int
    """When it was queued, in microseconds since 1970."""
    kind: str
    notice: str
    about: str
    recipient: str
    """A keyed digest of its recipient, in hexadecimal."""

    def __str__(self) -> str:
        return ",".join((str(self.delivery), str(self.created), self.kind, self.notice, self.about, self.recipient))

    @classmethod
    def read(cls, word: str) -> "Sent":
        """Raises ValueError."""
        delivery, created, *rest = word.split(",")
        return cls(int(delivery), int(created), *rest)


@dataclass(frozen=True, slots=True)
class HoldLine:
    """That a legal hold was placed, or else released; `digest` is a keyed one of its practice's id or its address."""

    is_placed: bool
    on_practice: bool
    digest: str

    def __str__(self) -> str:
        done, whom = "placed" if self.is_placed else "released", "practice" if self.on_practice else "person"
        return f"{done} {whom} {self.digest}"

    @classmethod
    def read(cls, subject: str) -> "HoldLine":
        """Raises ValueError."""
        done, whom, digest = subject.split()
        return cls(done == "placed", whom == "practice", digest)


@dataclass(frozen=True, slots=True)
class InvitationStanding:
    """What of an invitation a restore must not fall behind: an older link, more tries, a step taken twice."""

    id: int
    state: str
    generation: int
    schedule_start: str
    last_step_day: int
    extended_to: int
    wrong_birthdates: int
    wrong_birthdates_before: int

    def __str__(self) -> str:
        return " ".join(str(getattr(self, name)) for name in self.__slots__)

    @classmethod
    def read(cls, subject: str) -> "InvitationStanding":
        """Raises ValueError."""
        number, state, generation, start, *counts = subject.split()
        return cls(int(number), state, int(generation), start, *map(int, counts))
