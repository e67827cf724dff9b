"""What the store keeps of mail that nobody has decided on yet, or that was only looked at; the rest is in model.py."""

from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.intent import Sign
from gateway.domain.vocabulary import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a sender is asked about a mail of theirs before it goes anywhere: was it meant to be secure, are all meant.

    `details` is what the mail says of its recipient, and how it names people, sealed. `schedule_start`,
    `last_step_day`, `due_at` and `extended_to` as in an invitation.
    """

    id: int = 0
    sender_id: int
    message_id: int
    sign: Sign
    details: bytes
    answer: Answer | None = None
    schedule_start: date
    last_step_day: int = 0
    due_at: datetime | None
    created_at: datetime
    extended_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What would have become of a mail for one recipient, at a site that only observes."""

    id: int = 0
    at: datetime
    author: str
    recipient: str
    action: str
    reason: str
