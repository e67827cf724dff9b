"""A gateway without edges, whose notices are rendered: for tests of what people read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from gateway.domain.address import address
from gateway.domain.lifecycle import Event
from gateway.domain.model import Account, AddressChange, Copy, Delivery, Invitation, Sender
from gateway.domain.site import Practice, Site
from gateway.domain.vocabulary import Audience, DeliveryKind, Notice, Purpose
from gateway.edge.render import Templates
from gateway.flow import account as accounts
from gateway.flow import deliver, invite, new_address, receive, register, release, remind
from gateway.flow.ask_again import ask_again
from gateway.flow.context import Desk
from gateway.flow.sender_page import by_page, renew
from gateway.flow.take_in import Taking
from gateway.flow.understand import Submission
from gateway.flow.write_out import Parcel, Writer
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
BEA = "Dr Bea <bea@riverside.example>"
BORN, WRONG = date(1980, 2, 3), date(1981, 4, 5)
SECRET = "haemoglobin"
PATIENT_TAG = "secure patient 1980-02-03"
TEMPLATES = Templates(SITE)


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
        return " ".join("".join(self.words).split())


@dataclass(frozen=True)
class Mail:
    """A notice: what it was written from, and how it reads."""

    notice: Notice
    audience: Audience
    facts: Mapping[str, Any]
    rendered: Rendered

    @cached_property
    def html(self) -> Links:
        return Links(self.rendered.html)


class Story:
    """A gateway without edges: mail goes in, days pass, notices come out rendered."""

    def __init__(self, templates: Templates | None = None) -> None:
        self.clock, self.keys, self.content = FakeClock(), fake_keys(), MemoryContent()
        self.store = MemoryStore()
        self.desk = Desk(self.store, SITE, self.keys, self.clock)
        self.templates = templates or TEMPLATES
        self.authenticated = False
        self.mails: list[Mail] = []
        self.octets: list[bytes] = []
        self._writer = Writer(SITE, self.keys, self.content, self)
        self._mails_written = 0

    async def write(self, author: str, *to: str, tag: str = "secure", body: str = SECRET) -> None:
        """A mail is handed in; secure unless the tag is empty."""
        self._mails_written += 1
        subject = f"Subject: [{tag}] {SECRET}\r\n" if tag else ""
        octets = (
            f"From: {author}\r\nTo: {', '.join(to)}\r\n{subject}Message-ID: <{self._mails_written}@riverside.example>"
            f"\r\n\r\n{body}\r\n"
        ).encode()
        recipients = tuple(re.sub(r".*<|>", "", one) for one in to)
        submission = Submission("ada@riverside.example", recipients, trusted=True, authenticated=self.authenticated)
        taking = Taking(SITE, self.content, submission, "Received: by us\r\n")
        taking.feed(octets)
        draft, exits = taking.finish()
        await self.desk.do(receive.accept, draft, exits)
        await self.collect()

    async def say(self, body: str, *, author: str = ADA, token: str = "") -> Mail:
        """A command; the first notice that it brings."""
        count = len(self.mails)
        local = f"bot+{token}" if token else "bot"
        await self.write(author, f"{local}@{SITE.domain}", tag="", body=body)
        return self.mails[count]

    async def sender_token(self) -> str:
        return self.keys.token(Purpose.SENDER, (await self.one(Sender)).id)

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
        row = await self.one(Delivery, kind=kind, notice=notice)
        await self.desk.do(deliver.record, row, Outcome(550, "5.1.1 no such user"), b"")
        await self.collect()

    async def collect(self) -> None:
        """Write out what was queued since the last time."""
        rows = await self.store.read(lambda tx: tx.find(Delivery, kind=DeliveryKind.NOTICE))
        for row in rows[len(self.mails) :]:
            self.octets.append(self._writer.octets(Parcel(row)))

    def mail(self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any]) -> Rendered:
        """The writer's Renderer, which keeps what it is given."""
        rendered = self.templates.mail(notice, audience, language, facts)
        self.mails.append(Mail(notice, audience, facts, rendered))
        return rendered

    async def one(self, table: type, **where: Any) -> Any:
        found = await self.store.read(lambda tx: tx.one(table, **where))
        assert found
        return found

    def last(self, notice: Notice) -> Mail:
        return next(mail for mail in reversed(self.mails) if mail.notice is notice)


def links_agree(mail: Mail) -> None:
    """Every web link of one form stands in the other, and for every button a line to type."""
    web = {href for href in mail.html.hrefs if href.startswith("https:")}
    assert web == set(re.findall(r"^  (https:\S+)$", mail.rendered.text, re.MULTILINE))
    for href in mail.html.hrefs:
        if href.startswith("mailto:"):
            line = parse_qs(urlsplit(href).query)["body"][0]
            assert re.search(rf"^  (\S+@\S+ )?{re.escape(line)}", mail.rendered.text, re.MULTILINE)


def is_decent(mail: Mail) -> None:
    """What every notice owes its readers."""
    whole = "\n".join((mail.rendered.subject, mail.rendered.text, mail.rendered.html))
    assert SECRET not in whole
    assert not re.search(r"1980|1981", whole)  # no birthdate, right or wrong
    assert mail.rendered.subject == mail.rendered.subject.strip() != ""
    assert "\n" not in mail.rendered.subject
    assert "$token" not in whole
    assert ("html", {"lang": "en"}) in mail.html.tags
    assert not {"img", "script", "form", "link", "iframe"} & {tag for tag, _ in mail.html.tags}
    layout = [attrs for tag, attrs in mail.html.tags if tag == "table" and "cellpadding" in attrs]
    assert all(attrs["role"] == "presentation" for attrs in layout)
    assert "\n\n\n" not in mail.rendered.text
    for line in mail.rendered.text.splitlines():
        assert len(line) <= 78 or " " not in line.strip(), line
    links_agree(mail)


def check(story: Story) -> list[Mail]:
    for mail in story.mails:
        is_decent(mail)
    return story.mails


def buttons(mail: Mail) -> list[tuple[str, str]]:
    """Each button: the address it writes to, and the line that it types."""
    links = [urlsplit(href) for href in mail.html.hrefs if href.startswith("mailto:")]
    return [(unquote(link.path), parse_qs(link.query)["body"][0]) for link in links]


async def locked() -> Story:
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.try_birthdate(times=3)
    return story


async def asked_again() -> Story:
    """Somebody holds a link that has died, and asks for a new one: of each kind of invitation."""
    story = await locked()
    await story.write(ADA, "uma@home.example", tag=PATIENT_TAG)
    for row in await story.desk.do(lambda ctx: ctx.tx.find(Invitation)):
        if row.address == "uma@home.example":
            await story.desk.do(invite.move, row, Event.CANCEL)
        await story.desk.do(ask_again, story.desk.keys.token(Purpose.INVITE, row.id, row.generation))
    await story.collect()
    return story


async def accepted() -> Story:
    """Pat registers; a later mail goes to the inbox; one to a secure domain, and Pat's answer, fail."""
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    account = await story.accept()
    await story.write(ADA, PAT)
    await story.write(ADA, "x@hospital.example")
    await story.bounce(DeliveryKind.RELAY)
    copy = await story.one(Copy, account_id=account.id)
    written = release.Written(story.content.put(b"an answer"), "Re", "<answer@secure.riverside.example>")
    await story.desk.do(release.reply, account, copy.id, written)
    await story.bounce(DeliveryKind.REPLY, Notice.REPLY)
    return story


async def cancelled_by_page() -> Story:
    story = Story()
    await story.write(ADA, PAT)
    await story.desk.do(by_page, story.mails[0].facts["people"][0]["page"], "CANCEL")
    await story.collect()
    return story


async def changed() -> Story:
    """Pat forgets her password, and changes what there is to change; Ada has an old link to her page."""
    story = await accepted()
    account = await story.one(Account)
    await story.desk.do(accounts.ask_reset, account.address)
    for change in accounts.CHANGES:
        await story.desk.do(accounts.tell, account, change)
    await _moved(story, account)
    sender = await story.one(Sender)
    made_on = story.clock.now().date().toordinal()
    await story.pass_days(8)
    await story.desk.do(renew, story.keys.token(Purpose.SENDER_PAGE, sender.id, made_on))
    await story.collect()
    return story


async def _moved(story: Story, account: Account) -> None:
    """She takes another address, tries one that has an account, and calls it all back."""
    await story.desk.do(new_address.ask, account, address("patricia@home.example"))
    change = await story.one(AddressChange)
    await story.desk.do(new_address.confirm, account, story.keys.token(Purpose.NEW_ADDRESS, change.id), 0)
    await story.desk.do(new_address.ask, await story.one(Account), address("patricia@home.example"))
    await story.desk.do(new_address.stop, story.keys.token(Purpose.OLD_ADDRESS, change.id))


async def bounced() -> Story:
    story = Story()
    await story.write(ADA, PAT, tag=PATIENT_TAG)
    await story.bounce(DeliveryKind.NOTICE, Notice.INVITATION)
    return story
