"""Those who write, and those who are written to; each enters into the ledger what they may expect."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Protocol

from tests.soak import calendar, visits
from tests.soak.agenda import Agenda
from tests.soak.calendar import day_of, owed
from tests.soak.ledger import Kind, Ledger
from tests.soak.mailroom import REPORT
from tests.soak.site import GONE, REFUSED, Site

LARGE = 150_000
"""Octets of a mail whose content lies in a file of its own."""
VOUCHED = "mx.riverside.example; dmarc=pass header.from=riverside.example"
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
UNSAID = (Fate.UNKNOWN, Fate.SAID_LATER)


@dataclass(slots=True)
class Town:
    """All the people, what they share, and who has an account by now."""

    site: Site
    ledger: Ledger
    agenda: Agenda
    chance: random.Random
    registered: list[str] = field(default_factory=list)
    messages: dict[str, list[str]] = field(default_factory=dict)
    """The subjects that each address has been promised to find in its inbox."""
    strangers: "list[Stranger]" = field(default_factory=list)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    _numbers: "Iterator[int]" = field(default_factory=lambda: count(1))

    @property
    def now(self) -> datetime:
        return self.site.served.now

    def later(self, hours: float, what: str, act: "Act", *, is_visit: bool = False) -> None:
        self.agenda.add(self.now + timedelta(hours=hours), what, act, is_visit=is_visit)

    def number(self) -> int:
        return next(self._numbers)

    def post(self, number: int, author: str, subject: str, text: str, *to: str, name: str = "") -> str:
        """A mail, by the Postfix in front or straight to the gateway, offered until it is taken; its Message-ID."""
        name = name or f"<{number}.{len(self.ledger.promises)}@riverside.example>"
        head = f"From: Dr {number} <{author}>\r\nTo: {', '.join(to)}\r\nSubject: {subject}\r\nMessage-ID: {name}\r\n"
        octets = f"{head}\r\n{text}\r\n".encode()
        port = self.site.front.port if self.chance.random() < 0.7 else self.site.served.smtp_port

        def offer() -> None:
            if not self.site.offer(port, octets, name, author, *to):
                raise LookupError("the mail was not taken")

        self.later(0, f"a mail to {to}", offer)
        return name

    def promise_message(self, kind: Kind, subject: str, to: str) -> None:
        self.messages.setdefault(to, []).append(subject)
        self.ledger.promise(kind, f"inbox {subject}", to)

    def read_all(self) -> None:
        """Everybody who has an account looks into their inbox."""
        portal = self.site.served.portal
        for person, subjects in self.messages.items():
            try:
                found = visits.readable(visits.sign_in(portal, person), portal, subjects)
            except (OSError, LookupError) as reason:
                self.ledger.notes.append(f"{person} cannot read their messages: {reason}")
                continue
            for subject, times in found.items():
                for number in range(times):
                    self.ledger.came(f"inbox {subject}", person, str(number))


class Act(Protocol):
    def __call__(self) -> object: ...


# ---------------------------------------------------------------------------------------------------- without strangers


def ordinary(town: Town) -> None:
    """Mail that passes, now and then a large one, or one to two people."""
    number, chance = town.number(), town.chance
    to = [f"p{number}.{one}@home.example" for one in range(chance.choice((1, 1, 1, 2)))]
    text = "Just a line.\r\n" * (LARGE // 14 if chance.random() < 0.1 else 5)
    name = town.post(number, f"dr{number}@riverside.example", f"Rota {number:05}", text, *to)
    for one in to:
        town.ledger.promise(Kind.PASSED, name, one)


def refused(town: Town) -> None:
    number = town.number()
    author = f"dr{number}@riverside.example"
    town.post(number, author, f"Rota {number:05}", "Just a line.", f"p{number}@{REFUSED}")
    town.ledger.promise(Kind.REPORTED, REPORT, author)


def to_registered(town: Town) -> None:
    """Secure mail to somebody with an account; before there is one, ordinary mail."""
    if not town.registered:
        return ordinary(town)
    number = town.number()
    to, subject = town.chance.choice(town.registered), f"Results {number:05}"
    town.post(number, f"dr{number}@riverside.example", f"[secure] {subject}", visits.body(subject), to)
    town.promise_message(Kind.INBOX, subject, to)
    town.ledger.promise(Kind.ANNOUNCED, "new-message", to)
    return None


def by_mailbox(town: Town) -> None:
    """A command that lands in the bot's own mailbox."""
    number = town.number()
    author = f"dr{number}@riverside.example"
    octets = (
        f"Return-Path: <{author}>\r\nAuthentication-Results: {VOUCHED}\r\nFrom: Dr {number} <{author}>\r\n"
        f"To: bot@secure.riverside.example\r\nSubject: list\r\nMessage-ID: <{number}@riverside.example>\r\n\r\nLIST\r\n"
    )

    def put() -> None:
        town.site.dovecot.put(octets.encode())
        town.ledger.promise(Kind.FETCHED, "transcript", author)

    town.later(0, "a command for the mailbox", put)


# ------------------------------------------------------------------------------------------------------- a stranger


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
    ended: datetime | None = None
    """When it was accepted, taken back or locked."""
    is_dead: bool = False
    """Whether its link must be dead by the end."""

    def write(self) -> None:
        tag = "[secure]" if self.fate in UNSAID else "[secure patient 1980-02-03]"
        for author, subject in zip(self.authors, self.subjects, strict=True):
            self.town.post(self.number, author, f"{tag} {subject}", visits.body(subject), self.address)
            self._promise(Kind.RECEIPT, "receipt", author)
        if self.fate is not Fate.UNKNOWN and self.fate is not Fate.GONE:
            self._promise(Kind.INVITED, "invitation", self.address)
        if act := self._acts().get(self.fate):
            what, is_visit = f"{self.address} {self.fate}", self.fate in (Fate.REGISTERS, Fate.GUESSES)
            self.town.later(self.town.chance.uniform(2, 40), what, act, is_visit=is_visit)
        if self.fate is Fate.GONE:
            self._promise(Kind.RETURNED, "undeliverable", self.authors[0])

    @property
    def subjects(self) -> list[str]:
        return [f"Results {self.number:05}{letter}" for letter in "AB"[: len(self.authors)]]

    def _acts(self) -> "dict[Fate, Act]":
        return {
            Fate.REGISTERS: self._register,
            Fate.TAKEN_BACK: self._take_back,
            Fate.REMINDED: self._remind,
            Fate.SAID_LATER: self._say,
            Fate.GUESSES: self._guess,
        }

    def _promise(self, kind: Kind, mark: str, to: str) -> None:
        self.town.ledger.promise(kind, mark, to)

    # ------------------------------------------------------------------------------------------------ what they do

    def _register(self) -> None:
        town, portal = self.town, self.town.site.served.portal
        if self._is_over():
            return
        try:
            visits.register(town.site.mailroom.link(self.address))
        except (OSError, LookupError):
            visits.sign_in(portal, self.address)  # it was, and the page that said so never came
        self.ended = town.now
        town.registered.append(self.address)
        for author, subject in zip(self.authors, self.subjects, strict=True):
            self._promise(Kind.ACCEPTED, "accepted", author)
            town.promise_message(Kind.RELEASED, subject, self.address)
        if town.chance.random() < 0.6:
            self._promise(Kind.REPLY, "reply", self.authors[0])
            town.later(town.chance.uniform(0.2, 20), f"{self.address} answers", self._answer, is_visit=True)

    def _answer(self) -> None:
        portal = self.town.site.served.portal
        visits.answer(visits.sign_in(portal, self.address), portal, self.subjects[0], "Thank you, doctor.")

    def _guess(self) -> None:
        if self._is_over():
            return
        visits.guess(self.town.site.mailroom.link(self.address))
        self.ended = self.town.now
        self._promise(Kind.LOCKED, "locked", self.authors[0])
        self._promise(Kind.LOCKED, "locked", self.address)

    def _take_back(self) -> None:
        if not self._is_over():
            self._command("CANCEL")
            self.ended = self.town.now

    def _remind(self) -> None:
        """At three in the afternoon, far from the hour of planned reminders."""
        at = self.town.now.replace(hour=15, minute=0)
        self.town.agenda.add(at if at > self.town.now else at + timedelta(days=1), "REMIND", self._remind_now)

    def _remind_now(self) -> None:
        if not self._is_over():
            self._command("REMIND")
            self._promise(Kind.REMINDED, "reminder", self.address)

    def _say(self) -> None:
        self._command("PATIENT 1980-02-03")

    def _command(self, verb: str) -> None:
        """Answer the receipt."""
        author, town = self.authors[0], self.town
        receipt = town.site.mailroom.newest("receipt", author)
        town.post(self.number, author, f"Re: {receipt['Subject']}", verb, receipt["Reply-To"])
        self._promise(Kind.TRANSCRIPT, "transcript", author)

    def _is_over(self) -> bool:
        """Whether it has ended, by the mail that its senders have had."""
        self.town.site.mailroom.look()
        return self.town.site.mailroom.first_date("expired", self.authors[0]) is not None

    # ------------------------------------------------------------------------------------------ what they may expect

    def settle(self) -> None:
        """At the end: what the calendar has owed them all along, and that their link is dead."""
        date_of = self.town.site.mailroom.first_date
        invited = date_of("invitation", self.address)
        if self.fate in UNSAID and (asked := date_of("receipt", self.authors[0])):
            self._owe(calendar.asked, asked, until=invited)
        if invited and self.fate is not Fate.GONE:
            self._settle_invited(invited)
        returned = date_of("undeliverable" if self.fate is Fate.GONE else "locked", self.authors[0])
        if returned:
            self._owe(calendar.resting, returned)

    def _settle_invited(self, invited: datetime) -> None:
        if expired := self._owe(calendar.invited, invited, until=self.ended):
            self._owe(calendar.resting, expired)
        if self.ended or expired:
            self.is_dead = True
            self._promise(Kind.DEAD_LINK, "dead link", self.address)

    def see_link(self) -> None:
        """Whether the link of what has ended opens nothing any more."""
        if not self.is_dead:
            return
        link = self.town.site.mailroom.link(self.address)
        if visits.Browser().open(link).status == 404:
            self.town.ledger.came("dead link", self.address, "404")

    def _owe(self, plan: calendar.Plan, begun: datetime, until: datetime | None = None) -> datetime | None:
        """Promise what is due by this plan; when it expired, if it did."""
        looks = self.town.site.looks
        first = next((at for at in range(self.begun, len(looks)) if looks[at].at >= begun), len(looks))
        for due in owed(plan, day_of(begun), looks[first:]):
            if until and due.at >= until:
                return None
            self._promise_due(due, until)
            if due.notice == "expired":
                return due.at
        return None

    def _promise_due(self, due: calendar.Due, until: datetime | None) -> None:
        kinds = {"details-again": Kind.ASKED_AGAIN, "expired": Kind.EXPIRED, "lapsed": Kind.LAPSED}
        if due.notice == "reminder":
            optional = until is not None and self._may_have_waited(due.at, until)
            self.town.ledger.promise(Kind.REMINDED, due.notice, self.address, optional=optional)
        else:
            for author in self.authors:
                self._promise(kinds[due.notice], due.notice, author)

    def _may_have_waited(self, at: datetime, until: datetime) -> bool:
        """Whether the reminder may have lost its point before the hop would take it."""
        return until - at < SOON or any(
            begun - SOON <= at <= ended and until - at < timedelta(days=1) for begun, ended in self.town.outages
        )


def stranger(town: Town) -> None:
    """Secure mail to somebody new; now and then two write to them on the same day."""
    number, chance = town.number(), town.chance
    [fate] = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
    together = fate in (Fate.REGISTERS, Fate.IGNORES) and chance.random() < 0.2
    authors = [f"dr{number}{letter}@riverside.example" for letter in ("ab" if together else "a")]
    domain = GONE if fate is Fate.GONE else "home.example"
    one = Stranger(town, number, fate, authors, f"s{number}@{domain}", len(town.site.looks))
    town.strangers.append(one)
    one.write()
