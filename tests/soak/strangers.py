"""Strangers who are written to, and how it goes on with each; what they may expect is entered into the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tests.soak import calendar, visits
from tests.soak.calendar import Due, Plan, day_of, owed
from tests.soak.ledger import Kind
from tests.soak.site import GONE
from tests.soak.town import LARGE, Act, Town

SOON = timedelta(hours=1)


class Fate(StrEnum):
    """What becomes of a stranger who is written to."""

    REGISTERS = "registers"
    IGNORES = "never answers"
    TAKEN_BACK = "the sender says CANCEL"
    REMINDED = "the sender says REMIND, to no avail"
    UNKNOWN = "nobody ever says who they are"
    SAID_LATER = "the sender says later who they are"
    GONE = "has no such address"
    GUESSES = "gives three wrong birthdates"


WEIGHTS = {
    Fate.REGISTERS: 7,
    Fate.IGNORES: 4,
    Fate.TAKEN_BACK: 2,
    Fate.REMINDED: 2,
    Fate.UNKNOWN: 1,
    Fate.SAID_LATER: 2,
    Fate.GONE: 1,
    Fate.GUESSES: 1,
}
TIMED = {
    "reminder": Kind.REMINDED,
    "details-again": Kind.ASKED_AGAIN,
    "expired": Kind.EXPIRED,
    "lapsed": Kind.LAPSED,
}
"""What the calendar brings."""
UNSAID = (Fate.UNKNOWN, Fate.SAID_LATER)


@dataclass(slots=True)
class Stranger:
    """Somebody without an account, those who write to them, and how it goes on."""

    town: Town
    number: int
    fate: Fate
    authors: list[str]
    address: str
    begun: int
    """How often the gateway had looked at its clock by then."""
    said: int | None = None
    """The same when its sender had said who they are."""
    ended: int | None = None
    """The same when it was accepted, taken back or locked."""
    asked_at: datetime | None = None
    """When its sender asked for a reminder."""
    is_dead: bool = False
    """Whether its link must be dead by the end."""

    def _between(self, least: float, most: float, what: str) -> float:
        return self.town.chance_of(self.number, what).uniform(least, most)

    @property
    def subjects(self) -> list[str]:
        return [f"Results {self.number:05}{letter}" for letter in "AB"[: len(self.authors)]]

    @property
    def is_large(self) -> bool:
        return self._between(0, 1, "size") < 0.15

    def write(self) -> None:
        tag = "[secure]" if self.fate in UNSAID else "[secure patient 1980-02-03]"
        for author, subject in zip(self.authors, self.subjects, strict=True):
            text = visits.body(subject) + (f"\r\n{LARGE}" if self.is_large else "")
            self.town.post(self.number, author, f"{tag} {subject}", text, self.address)
            self._promise(Kind.RECEIPT, "receipt", author)
        if self.fate is Fate.GONE:
            self._promise(Kind.RETURNED, "undeliverable", self.authors[0])
        elif self.fate not in UNSAID:
            self._promise(Kind.INVITED, "invitation", self.address)
        if act := self._acts().get(self.fate):
            is_visit = self.fate in (Fate.REGISTERS, Fate.GUESSES)
            self.town.later(self._between(2, 40, "act"), f"{self.address} {self.fate}", act, any_time=is_visit)

    def _acts(self) -> dict[Fate, Act]:
        return {
            Fate.REGISTERS: self._register,
            Fate.GUESSES: self._guess,
            Fate.TAKEN_BACK: lambda: self._by_day(self._take_back),
            Fate.REMINDED: lambda: self._by_day(self._remind),
            Fate.SAID_LATER: lambda: self._by_day(self._say),
        }

    def _promise(self, kind: Kind, mark: str, to: str, at: datetime | None = None, *, optional: bool = False) -> None:
        self.town.ledger.promise(kind, mark, to, at, optional=optional)

    # ------------------------------------------------------------------------------------------------ what they do

    def _register(self) -> None:
        town, portal = self.town, self.town.site.served.portal
        if self._is_over():
            return
        try:
            visits.register(town.site.mailroom.link(self.address))
        except (OSError, LookupError):
            visits.sign_in(portal, self.address)  # it was, and the page that said so never came
        self.ended = len(town.site.looks)
        town.registered.append(self.address)
        town.kept_files += len(self.authors) if self.is_large else 0
        for author, subject in zip(self.authors, self.subjects, strict=True):
            self._promise(Kind.ACCEPTED, "accepted", author)
            town.promise_message(Kind.RELEASED, subject, self.address)
        if self._between(0, 1, "whether") < 0.6:
            self._promise(Kind.REPLY, "reply", self.authors[0])
            town.later(self._between(0.2, 20, "answer"), f"{self.address} answers", self._answer, any_time=True)

    def _answer(self) -> None:
        portal = self.town.site.served.portal
        visits.answer(visits.sign_in(portal, self.address), portal, self.subjects[0], "Thank you, doctor.")

    def _guess(self) -> None:
        if self._is_over():
            return
        try:
            visits.guess(self.town.site.mailroom.link(self.address))
        except (OSError, LookupError):
            self.town.site.mailroom.newest("locked", self.address)  # it was, though the page that said so never came
        self.ended = len(self.town.site.looks)
        self._promise(Kind.LOCKED, "locked", self.authors[0])
        self._promise(Kind.LOCKED, "locked", self.address)

    def _by_day(self, act: Act) -> None:
        """Senders type in office hours: far from the hours of timed work, so that no command meets it on its way."""
        site = self.town.site
        if not (11 <= self.town.now.hour < 16 and site.is_up and site.is_writable):
            raise LookupError("the office is closed, or its mail waits")
        act()

    def _take_back(self) -> None:
        if not self._is_over():
            self._command("CANCEL")
            self.ended = len(self.town.site.looks)

    def _remind(self) -> None:
        if not self._is_over():
            self._command("REMIND")
            self.asked_at = self.town.now

    def _say(self) -> None:
        if not self._is_over():
            self._command("PATIENT 1980-02-03")
            self.said = len(self.town.site.looks)
            self._promise(Kind.INVITED, "invitation", self.address)

    def _command(self, verb: str) -> None:
        """Answer the receipt."""
        author, town = self.authors[0], self.town
        receipt = town.site.mailroom.newest("receipt", author)
        town.post(self.number, author, f"Re: {receipt['Subject']}", verb, receipt["Reply-To"])
        self._promise(Kind.TRANSCRIPT, "transcript", author)

    def _is_over(self) -> bool:
        """Whether the calendar has ended it. Raises LookupError while nobody can know that it has begun."""
        plan, mark, to, since = calendar.invited, "invitation", self.address, self.said or self.begun
        if self.fate is Fate.SAID_LATER:
            plan, mark, to, since = calendar.asked, "receipt", self.authors[0], self.begun
        self.town.site.mailroom.newest(mark, to)
        begun = self.town.site.mailroom.first_date(mark, to)
        return bool(begun) and any(due.notice in ("expired", "lapsed") for due in self._owed(plan, begun, since))

    # ------------------------------------------------------------------------------------------ what they may expect

    def settle(self) -> None:
        """At the end: what the calendar has owed them all along, and that their link is dead."""
        date_of = self.town.site.mailroom.first_date
        invited = date_of("invitation", self.address)
        if invited and self.fate not in UNSAID:  # an invitation that waited for its hop may have been written anew
            invited = date_of("receipt", self.authors[0]) or invited
        if self.fate in UNSAID and (asked := date_of("receipt", self.authors[0])):
            self._owe(calendar.asked, asked, self.begun, until=self.said)
        if invited and self.fate is not Fate.GONE:
            self._settle_invited(invited)
        returned = date_of("undeliverable" if self.fate is Fate.GONE else "locked", self.authors[0])
        if returned:
            self._owe(calendar.resting, returned, self.ended or self.begun)

    def _settle_invited(self, invited: datetime) -> None:
        if self.asked_at:
            self._promise(Kind.REMINDED, "reminder", self.address, optional=self._meets_another(self.asked_at, invited))
        expired = self._owe(calendar.invited, invited, self.said or self.begun, until=self.ended)
        if expired:
            self._owe(calendar.resting, expired.at, expired.look)
        if self.ended or expired:
            self.is_dead = True
            self._promise(Kind.DEAD_LINK, "dead link", self.address)

    def _meets_another(self, asked: datetime, invited: datetime) -> bool:
        """Whether a planned reminder may have been on its way when this one was asked for, or the mail that asks late.

        No two go within an hour, and what waits for its hop is written anew instead.
        """
        planned = self._owed(calendar.invited, invited, self.said or self.begun)
        near = any(one.notice == "reminder" and abs(asked - one.at) < timedelta(days=1) for one in planned)
        return near or self._is_out(asked)

    def see_link(self) -> None:
        """Whether the link of what has ended opens nothing any more."""
        if not self.is_dead:
            return
        link = self.town.site.mailroom.link(self.address)
        if visits.Browser().open(link).status == 404:
            self.town.ledger.came("dead link", self.address, "404")

    def _owed(self, plan: Plan, begun: datetime, since: int) -> Iterator[Due]:
        """What is due by this plan, as far as the gateway has looked at its clock since."""
        looks = self.town.site.looks
        first = next((at for at in range(since, len(looks)) if looks[at].at >= begun), len(looks))
        return owed(plan, day_of(begun), looks, first)

    def _owe(self, plan: Plan, begun: datetime, since: int, until: int | None = None) -> Due | None:
        """Promise what is due by this plan; how it expired, if it did."""
        for due in self._owed(plan, begun, since):
            if until is not None and due.look >= until:
                return None
            for to in [self.address] if due.notice == "reminder" else self.authors:
                optional = until is not None and self._may_have_waited(due.at, self.town.site.looks[until - 1].at)
                optional |= due.notice == "reminder" and self._is_out(due.at)  # the next one may take its place
                self._promise(TIMED[due.notice], due.notice, to, due.at, optional=optional)
            if due.notice == "expired":
                return due
        return None

    def _may_have_waited(self, at: datetime, until: datetime) -> bool:
        """Whether it came too close to the end: before or after it, or pointless before the hop would take it."""
        return until - at < SOON or (self._is_out(at) and until - at < timedelta(days=1))

    def _is_out(self, at: datetime) -> bool:
        """Whether the hop took nothing then."""
        return any(begun - SOON <= at <= ended + SOON for begun, ended in self.town.outages)


def stranger(town: Town) -> None:
    """Secure mail to somebody new; now and then two write to them on the same day."""
    number = town.number()
    chance = town.chance_of(number, "fate")
    [fate] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    together = fate in (Fate.REGISTERS, Fate.IGNORES) and chance.random() < 0.2
    authors = [f"dr{number}{letter}@riverside.example" for letter in ("ab" if together else "a")]
    domain = GONE if fate is Fate.GONE else "home.example"
    one = Stranger(town, number, fate, authors, f"s{number}@{domain}", len(town.site.looks))
    town.strangers.append(one)
    one.write()
