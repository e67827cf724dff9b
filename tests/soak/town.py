"""The people, what they share, and the mail that needs no invitation; each enters what may be expected of it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from tests.soak import visits
from tests.soak.agenda import Agenda
from tests.soak.ledger import Kind, Ledger
from tests.soak.mailroom import REPORT
from tests.soak.site import REFUSED, Site

if TYPE_CHECKING:
    from tests.soak.strangers import Stranger

LARGE = "A line more.\r\n" * 11_000
"""What is added to a mail so that its content lies in a file of its own."""
VOUCHED = "mx.riverside.example; dmarc=pass header.from=riverside.example"
Act = Callable[[], object]


@dataclass(slots=True)
class Town:
    """All the people, what they share, and who has an account by now."""

    site: Site
    ledger: Ledger
    agenda: Agenda
    chance: random.Random
    """What the calendar of incidents is drawn from; people have their own, so that waiting moves nothing else."""
    seed: int
    registered: list[str] = field(default_factory=list)
    messages: dict[str, list[str]] = field(default_factory=dict)
    """The subjects that each address has been promised to find in its inbox."""
    strangers: "list[Stranger]" = field(default_factory=list)
    kept_files: int = 0
    """Large messages that lie in an inbox, each in a file of its own: they are kept, and count as no growth."""
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def now(self) -> datetime:
        return self.site.served.now

    def later(self, hours: float, what: str, act: Act, *, any_time: bool = False) -> None:
        self.agenda.add(self.now + timedelta(hours=hours), what, act, any_time=any_time)

    def number(self) -> int:
        return next(self._numbers)

    def chance_of(self, number: int, what: str) -> random.Random:
        """What is left to chance about one mail: the same whenever it is asked."""
        return random.Random(f"{self.seed} {number} {what}")  # noqa: S311 - a story, not a secret

    def post(self, number: int, author: str, subject: str, text: str, *to: str) -> str:
        """A mail, by the Postfix in front or straight to the gateway, offered until it is taken; its Message-ID."""
        name = f"<{number}.{len(self.ledger.promises)}@riverside.example>"
        head = f"From: Dr {number} <{author}>\r\nTo: {', '.join(to)}\r\nSubject: {subject}\r\nMessage-ID: {name}\r\n"
        octets = f"{head}\r\n{text}\r\n".encode()
        in_front = self.chance_of(number, "way").random() < 0.7
        port = self.site.front.port if in_front else self.site.served.smtp_port

        def offer() -> None:
            if not self.site.offer(port, octets, name, author, *to):
                raise LookupError("the mail was not taken")

        self.later(0, f"a mail to {to}", offer, any_time=True)
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


# ---------------------------------------------------------------------------------------------------- without strangers


def ordinary(town: Town) -> None:
    """Mail that passes, now and then a large one, or one to two people."""
    number = town.number()
    chance = town.chance_of(number, "ordinary")
    to = [f"p{number}.{one}@home.example" for one in range(chance.choice((1, 1, 1, 2)))]
    text = LARGE if chance.random() < 0.1 else "Just a line."
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
        ordinary(town)
        return
    number = town.number()
    to, subject = town.chance_of(number, "reader").choice(town.registered), f"Results {number:05}"
    town.post(number, f"dr{number}@riverside.example", f"[secure] {subject}", visits.body(subject), to)
    town.promise_message(Kind.INBOX, subject, to)
    town.ledger.promise(Kind.ANNOUNCED, "new-message", to)
    chance = town.chance_of(number, "read")
    if chance.random() < 0.4:
        portal = town.site.served.portal
        read = partial(visits.read, portal, to, subject)
        town.later(chance.uniform(1, 30), f"{to} reads {subject}", read, any_time=True)


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
