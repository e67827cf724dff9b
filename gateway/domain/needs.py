"""What can need a person: each kind with its words. `gateway status`, the daily digest and the administrator's page say
the same of the same thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.translatable import Translatable, say


class NeedKind(StrEnum):
    """What needs a person."""

    NOT_SERVING = "not serving"
    LISTENER = "listener"
    DAMAGED = "damaged"
    DISK = "disk"
    CLOCK = "clock"
    HOP_DOWN = "hop down"
    OVERDUE = "overdue"
    TRIED_LONG = "tried long"
    SET_ASIDE = "set aside"
    PAUSED = "paused"
    STEPS_LATE = "steps late"
    TIMED_WORK = "timed work"
    BACKUP_OLD = "backup old"
    LEDGER_COPY = "ledger copy"
    CERTIFICATE = "certificate"
    DIRECTORY = "directory"
    MAILBOX = "mailbox"
    SENDER_DOMAIN = "sender domain"
    KEYS = "keys"


class Worse(StrEnum):
    """When a need has become worse. That it lasts longer is not worse: then it is told again after a while."""

    NEVER = "never"
    MORE = "more"
    """with each one more"""
    HALVED = "halved"
    """with each half of what was left that is gone"""


@dataclass(frozen=True, slots=True)
class NeedSpec:
    """`what` is so, with `%(subject)s` and `%(number)s` of the need; what a person can `do`, and by which `command`.

    `varies`: its subject is no name, and another one is no other need.
    """

    what: Translatable
    do: Translatable
    command: str = ""
    worse: Worse = Worse.NEVER
    varies: bool = False


NEEDS: Mapping[NeedKind, NeedSpec] = {
    NeedKind.NOT_SERVING: NeedSpec(
        say("Nobody serves: no mail is taken in, and none is sent."), say("Start the gateway."), "gateway serve"
    ),
    NeedKind.LISTENER: NeedSpec(
        say("Nothing answers where mail or pages are served: %(subject)s."),
        say("The log says why. Start the gateway anew once that is mended."),
    ),
    NeedKind.DAMAGED: NeedSpec(
        say("The database is damaged: %(subject)s."),
        say("See what is lost, then restore a backup."),
        "gateway doctor",
        varies=True,
    ),
    NeedKind.DISK: NeedSpec(
        say("The disk is nearly full: only %(number)s MB are free. Once it is full, mail is refused."),
        say("Make room on the disk of the database."),
        worse=Worse.HALVED,
    ),
    NeedKind.CLOCK: NeedSpec(
        say("The clock of this machine is behind: mail was taken in at %(subject)s, which is still to come."),
        say("Set the clock right, and have it kept right (NTP)."),
        varies=True,
    ),
    NeedKind.HOP_DOWN: NeedSpec(
        say("This mail server cannot be reached: %(subject)s."),
        say("Look whether it runs, and whether this machine may connect to it. Mail for it waits meanwhile."),
        "gateway queue list",
    ),
    NeedKind.OVERDUE: NeedSpec(
        say("Mail is not sent in time: the oldest should have left %(number)s hours ago."),
        say("See what waits. If nothing leaves at all, the log says why."),
        "gateway queue list",
    ),
    NeedKind.TRIED_LONG: NeedSpec(
        say("Mail has been tried again and again for %(number)s hours. The last answer was: %(subject)s."),
        say("See what its mail server answers, and mend that."),
        "gateway queue list",
        varies=True,
    ),
    NeedKind.SET_ASIDE: NeedSpec(
        say("Mails were set aside because they could not be prepared, or came back from their sender: %(number)s."),
        say("The log says what went wrong. Once that is mended, have them tried again, or drop them."),
        "gateway queue list --set-aside",
        worse=Worse.MORE,
    ),
    NeedKind.PAUSED: NeedSpec(
        say("Mails are paused: %(number)s."), say("Release them, or drop them."), "gateway queue list --state paused"
    ),
    NeedKind.STEPS_LATE: NeedSpec(
        say("Invitations have a step that is long due, such as a reminder or their end: %(number)s."),
        say("The log says why. Start the gateway anew once that is mended."),
    ),
    NeedKind.TIMED_WORK: NeedSpec(
        say("Reminders are not sent, and nothing expires."),
        say("The log says why. Start the gateway anew once that is mended."),
    ),
    NeedKind.BACKUP_OLD: NeedSpec(
        say("The last backup is %(number)s days old."), say("Have one taken each day."), "gateway backup"
    ),
    NeedKind.LEDGER_COPY: NeedSpec(
        say("A copy of the ledger cannot be written: %(subject)s."),
        say("Connect its disk again, or take it out of ledger.copies."),
    ),
    NeedKind.CERTIFICATE: NeedSpec(
        say("A certificate ends in %(number)s days: %(subject)s."),
        say("Renew it, then have the gateway read its settings anew (systemctl reload gateway)."),
        worse=Worse.HALVED,
    ),
    NeedKind.DIRECTORY: NeedSpec(
        say("The directory of people does not answer: %(subject)s."),
        say("Look whether it runs, and whether its password is still good."),
        "gateway check",
    ),
    NeedKind.MAILBOX: NeedSpec(
        say("The mailbox of the bot cannot be read: %(subject)s."),
        say("Look whether its server runs, and whether its password is still good."),
        "gateway check",
    ),
    NeedKind.KEYS: NeedSpec(
        say("A key that was retired is in use again: %(subject)s."), say("Look at the keys."), "gateway keys list"
    ),
    NeedKind.SENDER_DOMAIN: NeedSpec(
        say("The domain of a practice is not known to DNS, so nobody can be answered there: %(subject)s."),
        say("Look whether it is written right in the settings, and whether it is still paid for."),
    ),
}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that needs a person; `since` None where nobody knows."""

    kind: NeedKind
    since: datetime | None = None
    subject: str = ""
    number: int = 0
    node: str = ""
    """Which node has seen it, where there are several."""

    @property
    def values(self) -> dict[str, object]:
        """What its words speak of."""
        return {"subject": self.subject, "number": self.number}

    @property
    def key(self) -> str:
        """What tells it from other needs; what was found there (behind a comma) may differ from time to time."""
        if NEEDS[self.kind].varies:
            return self.kind
        return f"{self.kind}|{self.subject.partition(', ')[0]}" + (f"|{self.node}" if self.node else "")

    def is_worse_than(self, number: int) -> bool:
        """Whether it has become worse since it was told with this number."""
        match NEEDS[self.kind].worse:
            case Worse.MORE:
                return self.number > number
            case Worse.HALVED:
                return self.number < number and self.number * 2 <= number
        return False

    @property
    def what(self) -> str:
        return seen_by(self.node, NEEDS[self.kind].what % self.values)

    @property
    def do(self) -> str:
        return NEEDS[self.kind].do

    @property
    def command(self) -> str:
        return NEEDS[self.kind].command

    @property
    def line(self) -> str:
        """All of it in one line, in English; times are UTC."""
        since = f" (since {self.since:%Y-%m-%d %H:%M} UTC)" if self.since else ""
        return f"{self.kind}: {self.what.rstrip('.')}{since}. {self.do}{f' {self.command}' if self.command else ''}"


def seen_by(node: str, what: str) -> str:
    """What is so, and at which node, if it is said of one."""
    return f"{node}: {what}" if node else what
