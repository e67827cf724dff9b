"""The one world of the tests: a practice, its people, and a gateway without edges that they write to.

A test says what somebody does, lets mail leave, and looks at what arrived:

    async def test_a_stranger_is_asked_about(world):
        await world.receive(mail(to="pat@home.example"))
        assert kinds(await world.deliver()) == ["receipt"]

The flows, the ciphers and the portal are the real ones; the store lies in memory unless a test brings another. Mail
reads as its facts (`FakeRenderer`) unless a test brings `TEMPLATES`.
"""

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from gateway.domain.address import address
from gateway.domain.model import TABLES, Account, Content, Delivery, Invitation, Message, Sender
from gateway.domain.model_questions import Question
from gateway.domain.site import Practice, Site
from gateway.domain.vocabulary import (
    Audience,
    CopyState,
    DeliveryKind,
    Details,
    Notice,
    Purpose,
    Relationship,
    Role,
)
from gateway.edge.accept import accept_mail
from gateway.edge.render import Templates
from gateway.flow import copies, senders
from gateway.flow.accounts import registration
from gateway.flow.administration import attention
from gateway.flow.context import Context, Desk
from gateway.flow.inbound import observe, question
from gateway.flow.inbound.mail_receiver import MailReceiver
from gateway.flow.inbound.understand import Submission
from gateway.flow.inbox import messages
from gateway.flow.invitations import due_steps, invite
from gateway.flow.outbound import deliver
from gateway.flow.outbound.write_out import PreparedDelivery, Writer
from gateway.flow.upkeep import chain, heads
from gateway.mail import parse
from gateway.portal.app import create_app, open_portal
from gateway.portal.mail.indexing import index_messages
from gateway.portal.passwords import Passwords
from gateway.portal.turns import Asker
from gateway.ports import Outcome, Rendered, Renderer, Sealed
from gateway.testing import FakeClock, FakeRandom, FakeRenderer, MemoryContent, MemoryStore, fake_keys
from tests.browser import PASSWORD, URL, Browser
from tests.reading import SECRET, Mail

RIVERSIDE = Practice("riverside", "Riverside Family Practice", ("riverside.example",))
HILLSIDE = Practice("hillside", "Hillside Surgery", ("hillside.example",))
SITE = Site(
    name="Riverside Secure Mail",
    domain="secure.riverside.example",
    portal_url=URL,
    zone=ZoneInfo("Europe/London"),
    practices=(RIVERSIDE, HILLSIDE),
    relay_domains=frozenset({"hospital.example"}),
    postmaster="postmaster@riverside.example",
)
BOT = f"bot@{SITE.domain}"
ADA = "Dr Ada <ada@riverside.example>"
BEA = "Dr Bea <bea@riverside.example>"
CLEO = "Cleo <cleo@riverside.example>"
OMAR = "Dr Omar <omar@hillside.example>"
PAT = "Pat <pat@home.example>"
BORN, WRONG = date(1980, 2, 3), date(1981, 4, 5)
PATIENT = Details(Relationship.PATIENT, birthdate=BORN)
COLLEAGUE_HERE = Details(Relationship.COLLEAGUE_HERE, Role.CLINICIAN)
COLLEAGUE_ELSEWHERE = Details(Relationship.COLLEAGUE_ELSEWHERE)
PATIENT_TAG = "secure patient 1980-02-03"
RESULTS = (
    b"From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: Your results\r\n"
    b"Message-ID: <results@riverside.example>\r\n\r\nAll is well.\r\nSee <https://riverside.example>.\r\n"
)
OK = Outcome(250, "2.0.0 Ok")
_NUMBERS = itertools.count(1)


@cache
def templates(site: Site = SITE) -> Templates:
    """What a site's mails and pages are written from; compiled once, since that takes longer than most tests."""
    return Templates(site)


TEMPLATES = templates()


def mail(
    to: str = "pat@home.example",
    subject: str = "[secure] Your results",
    body: str = "All is well.",
    sender: str = ADA,
    **more: str,
) -> bytes:
    """A mail as a client writes it; `more` are other fields, with _ for -."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = more.pop("message_id", f"<{next(_NUMBERS)}@riverside.example>")
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return bytes(message)


def bare(person: str) -> str:
    """The address alone of "Name <address>"."""
    return re.sub(r".*<|>", "", person)


@dataclass
class World:
    """The gateway's inside, driven as its edges drive it; `mails` are the notices that it wrote, oldest first."""

    renderer: Renderer = field(default_factory=FakeRenderer)
    site: Site = SITE
    store: Any = field(default_factory=MemoryStore)
    content: Any = field(default_factory=MemoryContent)
    clock: FakeClock = field(default_factory=FakeClock)
    keys: Any = field(default_factory=fake_keys)
    authenticated: bool = False
    """whether what `write` hands in comes over an authenticated session"""
    max_upload: int = 100_000
    scanner: Any = None
    painter: Any = None
    sign_ins: dict[str, Any] = field(default_factory=dict)
    sent: list[tuple[Delivery, EmailMessage, bytes]] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    octets: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = Desk(self.store, self.site, self.keys, self.clock)
        self.writer = Writer(self.site, self.keys, self.content, self)
        self._written: set[int] = set()

    # ------------------------------------------------------------------------------------------------------- mail in

    async def receive(
        self,
        octets: bytes,
        *recipients: str,
        mail_from: str = "ada@riverside.example",
        trusted: bool = True,
        **client: Any,
    ) -> Any:
        """A mail is handed in, to those in its To: unless others are named."""
        recipients = recipients or tuple(a.strip() for a in message_from_bytes(octets)["To"].split(","))
        submission = Submission(mail_from, recipients, trusted, **client)
        receiver = MailReceiver(self.site, self.keys, self.content, submission, "Received: by us\r\n")
        receiver.feed(octets)
        incoming, forms = receiver.finish()
        receiver.sync()
        return await accept_mail(self.desk, incoming, forms)

    async def write(self, author: str, *to: str, tag: str = "secure", body: str = SECRET) -> None:
        """A mail is handed in, and the notices that it brings are written; it is secure unless the tag is empty."""
        subject = f"Subject: [{tag}] {SECRET}\r\n" if tag else ""
        head = f"From: {author}\r\nTo: {', '.join(to)}\r\n{subject}Message-ID: <{next(_NUMBERS)}@riverside.example>\r\n"
        octets = f"{head}\r\n{body}\r\n".encode()
        await self.receive(octets, *map(bare, to), authenticated=self.authenticated)
        await self.collect()

    async def say(self, body: str, *, author: str = ADA, token: str = "") -> Mail:
        """A command; the first notice that it brings."""
        count = len(self.mails)
        await self.write(author, BOT.replace("@", f"+{token}@") if token else BOT, tag="", body=body)
        return self.mails[count]

    async def reply(self, notice: EmailMessage, *lines: str, sender: str = ADA, **client: Any) -> list[EmailMessage]:
        """Answer a notice as its reader's mail client would; the answers that come back."""
        octets = mail(notice["Reply-To"], f"Re: {notice['Subject']}", "\r\n".join(lines), sender)
        await self.receive(octets, mail_from=bare(sender), **client)
        return await self.deliver()

    def later(self) -> None:
        """So much time goes by that what comes next is no part of the same run of mails."""
        self.clock.advance(minutes=2)

    # ------------------------------------------------------------------------------------------------------ mail out

    async def deliver(self, outcome: Outcome = OK) -> list[EmailMessage]:
        """Send all that is due; the new mails."""
        fresh = []
        while prepared_deliveries := await self.desk.do(deliver.claim, 50):
            for prepared in prepared_deliveries:
                octets = self.writer.octets(prepared)
                self._written.add(prepared.delivery.id)
                await self.desk.do(deliver.record, prepared.delivery, outcome, octets)
                fresh.append((prepared.delivery, message_from_bytes(octets, policy=policy.default), octets))
        self.sent += fresh
        return [message for _, message, _ in fresh]

    async def collect(self) -> None:
        """Write out the notices that were queued since the last time, and leave them in the queue."""
        for row in await self.rows(Delivery, kind__in=[DeliveryKind.NOTICE, DeliveryKind.RETURN]):
            if row.id not in self._written and row.facts:
                self._written.add(row.id)
                self.octets.append(self.writer.octets(await self._prepared(row)))

    async def _prepared(self, row: Delivery) -> PreparedDelivery:
        if not row.wrapped_key:
            return PreparedDelivery(row)
        key = self.keys.unwrap(row.wrapped_key, copies.bound_to_passing(row.content_id, row.recipient))
        return PreparedDelivery(row, await self.one(Content, id=row.content_id), key)

    async def bounce(self, kind: DeliveryKind, notice: Notice | None = None) -> None:
        """The next hop refuses such a mail for good."""
        row = await self.one(Delivery, kind=kind, notice=notice)
        await self.desk.do(deliver.record, row, Outcome(550, "5.1.1 no such user"), b"")
        await self.collect()

    def mail(self, notice: Notice, audience: Audience, language: str, facts: Mapping[str, Any]) -> Rendered:
        """The writer's Renderer: it keeps what it is given."""
        rendered = self.renderer.mail(notice, audience, language, facts)
        self.mails.append(Mail(notice, audience, facts, rendered))
        return rendered

    def last(self, notice: Notice) -> Mail:
        return next(mail for mail in reversed(self.mails) if mail.notice is notice)

    # ---------------------------------------------------------------------------------------------------------- time

    async def days(self, count: int) -> None:
        """Let days go by, one by one, as the ticker does."""
        for _ in range(count):
            self.clock.advance(days=1)
            await self.tick()

    async def tick(self) -> None:
        for due in (due_steps.run_due, question.run_due, observe.report_due, attention.report_due, heads.report_due):
            while await self.desk.do(due, 100):
                pass
        while await self.desk.do(chain.seal):
            pass

    # ------------------------------------------------------------------------------------------------------ invitees

    async def invited(
        self,
        details: Details | None,
        to: str = "pat@home.example",
        raw: bytes = RESULTS,
        sender: str = "ada@riverside.example",
        name: str = "Dr Ada",
    ) -> Invitation:
        """Somebody has written to a stranger and said who they are; the invitation as it stands now."""
        sealed = self.content.put(raw)
        return await self.desk.do(_held, address(to), sealed, address(sender), name, details)

    async def registered(self, to: str = "pat@home.example", name: str = "Pat", password: str = PASSWORD) -> Account:
        """An account made elsewhere."""
        password_hash = await Passwords().hash(password, Asker("tests"))
        at = address(to)
        row = Account(
            address=at.key, typed=at.typed, name=name, password_hash=password_hash, created_at=self.clock.now()
        )
        return await self.store.write(lambda tx: tx.add(row))

    async def written(self, account: Account, raw: bytes = RESULTS, subject: str = "Your results") -> Any:
        """A message in the account's inbox; its copy."""
        sealed = self.content.put(raw)
        return await self.desk.do(_delivered, account, sealed, subject, raw)

    def link(self, invitation: Invitation) -> str:
        """The path of an invitation's link."""
        return f"/invite/{self.keys.token(Purpose.INVITE, invitation.id, invitation.generation)}"

    def newest_token(self) -> str:
        """The token in the newest notice that links to an invitation."""
        return next(mail.facts["invite"] for mail in reversed(self.mails) if "invite" in mail.facts)

    async def try_birthdate(self, born: date = WRONG, times: int = 1) -> None:
        for _ in range(times):
            await self.desk.do(registration.check, self.newest_token(), registration.Proof(birthdate=born))
        await self.collect()

    async def accept(self, born: date = BORN) -> Account:
        proof = registration.Proof(birthdate=born)
        account = await self.desk.do(registration.register, self.newest_token(), proof, "Pat", "hash")
        assert account
        await self.collect()
        return account

    # --------------------------------------------------------------------------------------------------------- looking

    async def rows(self, table: type, **where: Any) -> list[Any]:
        return await self.store.read(lambda tx: tx.find(table, **where))

    async def one(self, table: type, **where: Any) -> Any:
        """The first such row, which must be there."""
        found = await self.store.read(lambda tx: tx.one(table, **where))
        assert found
        return found

    async def kept(self, copy: Any) -> bytes:
        """A copy's octets, as its reader would get them."""
        message = await self.one(Message, id=copy.message_id)
        content = await self.one(Content, id=message.content_id)
        key = await self.desk.ask(copies.data_key, copy, message)
        return copies.addressed(message, copy) + self.content.get(content.id, content.inline, key)

    async def invitation(self, invitation: Invitation) -> Invitation:
        """As it is now."""
        return await self.one(Invitation, id=invitation.id)

    async def sender_token(self) -> str:
        return self.keys.token(Purpose.SENDER, (await self.one(Sender)).id)

    async def question_token(self) -> str:
        """Of the newest question about a mail."""
        return self.keys.token(Purpose.QUESTION, max(one.id for one in await self.rows(Question)))

    async def everything(self) -> dict[type, list[Any]]:
        """The whole of the store, to see that nothing changed."""
        return {table: await self.rows(table) for table in TABLES}

    # ---------------------------------------------------------------------------------------------------------- portal

    async def index(self) -> int:
        """Read what is new for the search indexes."""
        return await index_messages(self.desk, self.content, FakeRandom())

    @cached_property
    def app(self) -> Any:
        """The portal."""
        url = self.desk.site.portal_url
        portal = open_portal(
            self.desk,
            self.content,
            FakeRandom(),
            templates(self.desk.site),
            url,
            self.max_upload,
            self.scanner,
            self.sign_ins,
            painter=self.painter,
        )
        return create_app(portal, url)

    def remake(self) -> None:
        """The portal anew, after the desk or what it was made from has changed."""
        self.__dict__.pop("app", None)

    def browser(self, **options: Any) -> Browser:
        return Browser(self.app, url=self.desk.site.portal_url, **options)


def _taken(ctx: Context, sealed: Sealed, sender: Sender, subject: str, raw: bytes = b"") -> copies.Taken:
    message = Message(
        practice_id=sender.practice_id,
        sender_id=sender.id,
        header_id="<results@riverside.example>",
        subject=ctx.keys.seal_under(sealed.data_key, subject.encode()),
        content_id=sealed.content_id,
        size=sealed.size,
        received_at=ctx.now,
        has_files=parse.head(raw).has_files,
    )
    copies.add_content(ctx, sealed)
    return copies.Taken(ctx.tx.add(message), sealed.data_key)


def _held(ctx: Context, to: Any, sealed: Sealed, author: Any, name: str, details: Details | None) -> Invitation:
    practice = ctx.site.practice_of(author)
    sender = senders.sender_row(ctx, practice, author, name)
    invitation = senders.latest_invitation(ctx, practice.id, to.key)
    if invitation is None or not invitation.is_open:
        invitation = invite.open_for(ctx, practice, to, before=invitation)
    senders.wait_for(ctx, invitation, sender)
    taken = _taken(ctx, sealed, sender, "Your results")
    copies.add_copy(ctx, taken, to, CopyState.HELD, invitation_id=invitation.id)
    return invite.give_details(ctx, invitation, sender, details) if details else invitation


def _delivered(ctx: Context, account: Account, sealed: Sealed, subject: str, raw: bytes) -> Any:
    sender = senders.sender_row(ctx, RIVERSIDE, address("ada@riverside.example"), "Dr Ada")
    taken = _taken(ctx, sealed, sender, subject, raw)
    return messages.deliver_to_inbox(ctx, taken, account, "Dr Ada", RIVERSIDE.name)
