"""A whole practice in memory: real flows, real ciphers, a memory store, and mail as it would be rendered."""

import itertools
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.model import Delivery
from gateway.domain.site import Practice, Site
from gateway.flow import deliver, receive, remind
from gateway.flow.context import Desk
from gateway.flow.take_in import Taking
from gateway.flow.understand import Submission
from gateway.flow.write_out import Writer
from gateway.ports import Outcome
from gateway.testing import FakeClock, FakeRenderer, MemoryContent, MemoryStore, fake_keys

SITE = Site(
    name="Riverside Secure Mail",
    domain="secure.riverside.example",
    portal_url="https://secure.riverside.example",
    zone=ZoneInfo("Europe/London"),
    practices=(
        Practice("riverside", "Riverside Family Practice", ("riverside.example",)),
        Practice("hillside", "Hillside Surgery", ("hillside.example",)),
    ),
    relay_domains=frozenset({"hospital.example"}),
    postmaster="postmaster@riverside.example",
)
_NUMBERS = itertools.count(1)
OK = Outcome(250, "2.0.0 Ok")


def mail(
    to="pat@home.example",
    subject="[secure] Your results",
    body="All is well.",
    sender="Dr Ada <ada@riverside.example>",
    **more,
):
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = more.pop("message_id", f"<{next(_NUMBERS)}@riverside.example>")
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(body)
    return bytes(message)


@dataclass
class House:
    """The gateway's inside, driven as its edges drive it."""

    site: Site = SITE
    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    content: MemoryContent = field(default_factory=MemoryContent)
    sent: list[tuple[Delivery, EmailMessage, bytes]] = field(default_factory=list)

    def __post_init__(self):
        self.keys = fake_keys()
        self.desk = Desk(self.store, self.site, self.keys, self.clock)
        self.writer = Writer(self.site, self.keys, self.content, FakeRenderer())

    async def receive(self, octets, *recipients, mail_from="ada@riverside.example", trusted=True, **client):
        recipients = recipients or tuple(a.strip() for a in message_from_bytes(octets)["To"].split(","))
        taking = Taking(
            self.site, self.content, Submission(mail_from, recipients, trusted, **client), "Received: by us\r\n"
        )
        taking.feed(octets)
        draft, exits = taking.finish()
        return await self.desk.do(receive.accept, draft, exits)

    async def deliver(self, outcome=OK):
        """Send all that is due; the new mails."""
        fresh = []
        while parcels := await self.desk.do(deliver.claim, 50):
            for parcel in parcels:
                octets = self.writer.octets(parcel)
                await self.desk.do(deliver.record, parcel.delivery, outcome, octets)
                fresh.append((parcel.delivery, message_from_bytes(octets, policy=policy.default), octets))
        self.sent += fresh
        return [message for _, message, _ in fresh]

    async def days(self, count):
        """Let days go by, one by one, as the ticker does."""
        for _ in range(count):
            self.clock.advance(days=1)
            await self.tick()

    async def tick(self):
        while await self.desk.do(remind.run_due, 100):
            pass

    async def reply(self, notice, *lines, sender="Dr Ada <ada@riverside.example>", **client):
        """Answer a notice as its reader's mail client would; the answers that come back."""
        octets = mail(notice["Reply-To"], f"Re: {notice['Subject']}", "\r\n".join(lines), sender)
        await self.receive(octets, mail_from=sender.split("<")[-1].strip(">"), **client)
        return await self.deliver()

    async def rows(self, table, **where):
        return await self.store.read(lambda tx: tx.find(table, **where))


def kinds(messages):
    return sorted(message["X-Gateway-Notice"] or "" for message in messages)


def text(message):
    return message.get_body(("plain",)).get_content()


@pytest.fixture
def house():
    return House()
