"""What the calendar owes an invitation, worked out a second time and without the gateway's code.

The gateway is only as good as the moments at which it looked: one that was down, or whose clock was set over several
days at once, takes the last of what it has missed. So the clock's whole way is kept, look by look.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/London")
HOUR = time(9)
ASK_AGAIN = (1, 3)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a time, in days."""

    reminders: tuple[int, ...]
    expire: int
    grace: int
    lapse: int

    def settings(self) -> dict[str, str]:
        """As the environment of a gateway."""
        return {
            "INVITATIONS__REMINDER_DAYS": str(list(self.reminders)),
            "INVITATIONS__EXPIRE_AFTER_DAYS": str(self.expire),
            "INVITATIONS__GRACE_DAYS": str(self.grace),
            "INVITATIONS__LAPSE_AFTER_DAYS": str(self.lapse),
        }


@dataclass(frozen=True, slots=True)
class Look:
    """A gateway that was up, and able to write, looked at its clock under these rules."""

    at: datetime
    rules: Rules


@dataclass(frozen=True, slots=True)
class Due:
    """What was due, and at which look it was seen: by its number, since a clock that is set back shows a time twice."""

    notice: str
    at: datetime
    look: int


@dataclass(frozen=True, slots=True)
class Step:
    """Planned for a day: at its ninth hour, or when it is over. `ends`: nothing follows it."""

    notice: str
    day: int
    ends: bool = False
    when_over: bool = False

    @lru_cache(1 << 14)  # noqa: B019 - steps are few and small
    def at(self, begun: date) -> datetime:
        if self.when_over:
            return datetime.combine(begun + timedelta(days=self.day + 1), time(0), ZONE).astimezone(UTC)
        return datetime.combine(begun + timedelta(days=self.day), HOUR, ZONE).astimezone(UTC)


Plan = Callable[[Rules], list[Step]]


def asked(rules: Rules) -> list[Step]:
    """Of a stranger of whom nobody has said who they are."""
    again = [Step("details-again", day) for day in ASK_AGAIN if day < rules.lapse]
    return [*again, Step("lapsed", rules.lapse, ends=True)]


def invited(rules: Rules) -> list[Step]:
    """Of somebody who was invited."""
    reminders = [Step("reminder", day) for day in rules.reminders if day <= rules.expire]
    return [*reminders, Step("expired", rules.expire, ends=True, when_over=True)]


def resting(rules: Rules) -> list[Step]:
    """Of an invitation that has expired, was locked or came back."""
    return [Step("lapsed", rules.grace, ends=True)]


def owed(plan: Plan, begun: date, looks: Sequence[Look], first: int = 0) -> Iterator[Due]:
    """What is due of what began on this day, as the looks from the `first` on see it; of what was missed, the last."""
    done, rules, ahead = 0, None, []
    for number, look in enumerate(looks[first:], first):
        if look.rules != rules:
            rules, ahead = look.rules, plan(look.rules)
        missed = [step for step in ahead if (step.ends or step.day > done) and step.at(begun) <= look.at]
        if missed:
            last = max(missed, key=lambda step: (step.day, step.ends))
            yield Due(last.notice, look.at, number)
            if last.ends:
                return
            done = last.day


def day_of(at: datetime) -> date:
    return at.astimezone(ZONE).date()
