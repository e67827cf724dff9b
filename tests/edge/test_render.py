"""Every notice, rendered from the facts that the real flows queue."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from gateway.domain.commands import Verb
from gateway.domain.model import (
    Account,
    Audience,
    Copy,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Invitation,
    Notice,
    Practice,
    Purpose,
    Sender,
    Site,
)
from gateway.edge.render import Templates, day, mailto, reflowed
from gateway.flow import answer, deliver, notices, receive, register, remind, understand, verbs
from gateway.flow.context import Desk
from gateway.ports import Outcome, Rendered
from gateway.testing import FakeClock, MemoryContent, MemoryStore, fake_keys

SITE = Site(
    name="Riverside Secure Mail",
    domain="secure.riverside.example",
    portal_url="https://secure.riverside.example",
    zone=ZoneInfo("Europe/London"),
    practices=(
        Practice("riverside", "Riverside Family Practice", ("riverside.example",)),
        Practice("hillside", "Hillside Clinic", ("hillside.example",)),
    ),
    relay_domains=frozenset({"hospital.example"}),
)
ADA, CLEO, PAT, OMAR = (
    "Dr Ada <ada@riverside.example>",
    "Cleo <cleo@riverside.example>",
    "Pat <pat@home.example>",
    "Dr Omar <omar@hillside.example>",
)
BORN, WRONG = date(1980, 2, 3), date(1981, 4, 5)
SECRET = "haemoglobin"
WRITTEN = {
    (Notice.RECEIPT, Audience.SENDER),
    (Notice.DETAILS_AGAIN, Audience.SENDER),
    (Notice.CONFIRM, Audience.SENDER),
    (Notice.TRANSCRIPT, Audience.SENDER),
    (Notice.LOCKED, Audience.SENDER),
    (Notice.EXPIRED, Audience.SENDER),
    (Notice.LAPSED, Audience.SENDER),
    (Notice.CANCELLED, Audience.SENDER),
    (Notice.UNDELIVERABLE, Audience.SENDER),
    (Notice.ACCEPTED, Audience.SENDER),
    (Notice.INVITATION, Audience.INVITEE),
    (Notice.REMINDER, Audience.INVITEE),
    (Notice.NEW_MESSAGE, Audience.ACCOUNT),
    (Notice.UNDELIVERABLE, Audience.ACCOUNT),
}
CODES = {
    *("invited", "corrected", "reinvited", "already_invited", "accepted_already", "reminded", "cancelled"),
    *("cancelled_already", "too_late", "details_needed", "details_stand", "doubt", "used_up", "invite_again"),
    *("not_possible", "not_found", "which_person", "nothing_to_confirm", "status", "list", "directory"),
    *("patients", "help", "unknown"),
}


class Links(HTMLParser):
    """The links, the words and the elements of an HTML mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.hrefs.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class Mail:
    """A notice as it was queued and as it reads."""

    def __init__(self, letter: notices.Letter, facts: dict[str, Any], rendered: Rendered) -> None:
        self.letter, self.facts, self.rendered = letter, facts, rendered
        self.kind = (letter.notice, letter.audience)
        self.html = Links(rendered.html)

    def __repr__(self) -> str:
        return f"Mail({self.rendered.subject!r})"


class Story:
    """A gateway without edges: mail goes in, days pass, notices come out rendered."""

    def __init__(self, templates: Templates | None = None) -> None:
        self.clock, self.keys, self.content = FakeClock(), fake_keys(), MemoryContent()
        self.store = MemoryStore()
        self.desk = Desk(self.store, SITE, self.keys, self.clock)
        self.templates = templates or Templates(SITE)
        self.mails: list[Mail] = []
        self._mails_written = 0

    async def write(self, author: str, *to: str, tag: str = "secure", body: str = SECRET, trusted: bool = True) -> None:
        """A mail is handed in; secure unless the tag is empty."""
        self._mails_written += 1
        subject = f"Subject: [{tag}] {SECRET}\r\n" if tag else ""
        octets = (
            f"From: {author}\r\nTo: {', '.join(to)}\r\n{subject}Message-ID: <{self._mails_written}@riverside.example>"
            f"\r\n\r\n{body}\r\n"
        ).encode()
        recipients = tuple(re.sub(r".*<|>", "", one) for one in to)
        submission = understand.Submission(octets, "ada@riverside.example", recipients, trusted)
        draft = understand.understand(SITE, submission)
        exits = receive.Exits(
            self.content.put(octets) if draft.needs_clear else None,
            self.content.put(octets) if draft.needs_secure else None,
        )
        await self.desk.do(receive.accept, draft, exits)
        await self.collect()

    async def say(self, body: str, *, author: str = ADA, token: str = "", **more: Any) -> Mail:
        """A command; the first notice that it brings."""
        count = len(self.mails)
        local = f"bot+{token}" if token else "bot"
        await self.write(author, f"{local}@{SITE.domain}", tag="", body=body, **more)
        return self.mails[count]

    async def sender_token(self) -> str:
        return self.keys.token(Purpose.SENDER, (await self._one(Sender)).id)

    async def pass_days(self, days: int) -> None:
        for _ in range(days):
            self.clock.advance(days=1)
            await self.desk.do(remind.run_due, 100)
            await self.collect()

    async def try_birthdate(self, born: date = WRONG, times: int = 1) -> None:
        for _ in range(times):
            await self.desk.do(register.check, self.link(), register.Proof(birthdate=born))
        await self.collect()

    async def accept(self, born: date = BORN) -> Account:
        account = await self.desk.do(register.register, self.link(), register.Proof(birthdate=born), "Pat", "hash")
        assert account
        await self.collect()
        return account

    def link(self) -> str:
        return next(mail.facts["invite"] for mail in reversed(self.mails) if "invite" in mail.facts)

    async def bounce(self, kind: DeliveryKind, notice: Notice | None = None) -> None:
        row = await self._one(Delivery, kind=kind, notice=notice)
        await self.desk.do(deliver.record, row, Outcome(550, "5.1.1 no such user"), b"")
        await self.collect()

    async def collect(self) -> None:
        """Render what was queued since the last time."""
        rows = await self.store.read(lambda tx: tx.find(Delivery, kind=DeliveryKind.NOTICE))
        self.mails += [self._render(row) for row in rows[len(self.mails) :]]

    def _render(self, row: Delivery) -> Mail:
        letter = notices.unseal(self.keys, row)
        token = notices.resolve(self.keys, {"$token": letter.reply}) if letter.reply else ""
        facts = {
            **notices.resolve(self.keys, letter.facts),
            "to_name": letter.to_name,
            "to": row.recipient,
            "speaks_for": letter.speaks_for,
            "reply_to": f"bot+{token}@{SITE.domain}" if token else "",
        }
        return Mail(letter, facts, self.templates.mail(letter.notice, letter.audience, letter.language, facts))

    async def _one(self, table: type, **where: Any) -> Any:
        found = await self.store.read(lambda tx: tx.one(table, **where))
        assert found
        return found

    def last(self, notice: Notice) -> Mail:
        return next(mail for mail in reversed(self.mails) if mail.letter.notice is notice)
