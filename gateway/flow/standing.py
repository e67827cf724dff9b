"""How a person stands with a practice, as mails and pages are told it."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from gateway.domain.vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class Token:
    """A token among the facts: what it opens; the real one takes its place when a mail is written."""

    purpose: Purpose
    row: int
    generation: int = 1


class Why(StrEnum):
    """Why something about a person was not done, or in which order their birthdate was read."""

    NONE = ""
    AMBIGUOUS = "ambiguous"
    IMPOSSIBLE = "impossible"
    FUTURE = "future"
    TOO_OLD = "too_old"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    SEVERAL = "several"
    OUTSIDE = "outside"
    MISSPELT = "misspelt"
    USED_UP = "used_up"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    UNPROVED = "unproved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a person stands: names, state, dates; nothing of any mail.

    `until` is the last day on which an open invitation may be accepted, `ends` the day of the planned end in any state,
    `next` that of the next planned step. `token` and `page` are there for a sender who waits for them.
    """

    who: str = ""
    name: str = ""
    address: str = ""
    state: str = ""
    relationship: str = ""
    role: str = ""
    since: str = ""
    changed: str = ""
    until: str = ""
    ends: str = ""
    next: str = ""
    reminders: tuple[str, ...] = ()
    waiting: bool = False
    delivery_signal: str = ""
    delivery_signal_on: str = ""
    at_my_practice: bool = False
    tries_left: int | None = None
    wrong: int = 0
    token: Token | str = ""
    page: Token | str = ""

    @classmethod
    def of(cls, standing: "Standing", **more: Any) -> Self:
        """The same person, with what this kind of facts says besides."""
        return cls(**{one.name: getattr(standing, one.name) for one in fields(Standing)}, **more)
