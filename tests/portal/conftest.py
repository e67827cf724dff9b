"""A portal with sample people, and a browser that knows it only from outside."""

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import httpx2
import pytest
from argon2 import PasswordHasher
from selectolax.lexbor import LexborHTMLParser

from gateway.domain.address import address
from gateway.domain.model import TABLES, Account, Invitation, Message
from gateway.domain.site import Practice, Site
from gateway.domain.vocabulary import CopyState, Details, Purpose, Relationship, Role
from gateway.edge.render import Templates
from gateway.flow import hold, invite, people, release
from gateway.flow.context import Desk
from gateway.mail import parse
from gateway.portal.app import create_app
from gateway.portal.passwords import Passwords
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import FakeClock, FakeRandom, MemoryContent, MemoryStore, fake_keys

URL = "https://secure.riverside.example"
PASSWORD = "correct horse battery"
RIVERSIDE = Practice("riverside", "Riverside Family Practice", ("riverside.example",))
HILLSIDE = Practice("hillside", "Hillside Surgery", ("hillside.example",))
SITE = Site("Riverside Secure Mail", "secure.riverside.example", URL, ZoneInfo("Europe/London"), (RIVERSIDE, HILLSIDE))
PATIENT = Details(Relationship.PATIENT, birthdate=date(1980, 2, 3))
COLLEAGUE_HERE = Details(Relationship.COLLEAGUE_HERE, Role.CLINICIAN)
COLLEAGUE_ELSEWHERE = Details(Relationship.COLLEAGUE_ELSEWHERE)
RESULTS = (
    b"From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: Your results\r\n"
    b"Message-ID: <results@riverside.example>\r\n\r\nAll is well.\r\nSee <https://riverside.example>.\r\n"
)


class World:
    """A portal over a store, with what its other parts would have put there."""

    def __init__(self, store, content, max_upload=100_000):
        self.store, self.content, self.clock, self.keys = store, content, FakeClock(), fake_keys()
        self.desk = Desk(store, SITE, self.keys, self.clock)
        self.max_upload = max_upload
        self.scanner, self.sign_ins = None, {}
        self.remake()

    def remake(self):
        """The portal anew, after the desk has changed."""
        self.app = create_app(
            self.desk,
            self.content,
            FakeRandom(),
            Templates(self.desk.site),
            URL,
            self.max_upload,
            self.scanner,
            self.sign_ins,
        )

    async def invited(self, details, to="pat@home.example", raw=RESULTS, sender="ada@riverside.example", name="Dr Ada"):
        """Somebody has written to a stranger and said who they are; the invitation as it stands now."""
        sealed = self.content.put(raw)
        return await self.desk.do(_held, address(to), sealed, address(sender), name, details)

    async def registered(self, to="pat@home.example", name="Pat", password=PASSWORD):
        """An account made elsewhere."""
        password_hash = await Passwords().hash(password)
        at = address(to)
        row = Account(
            address=at.key, typed=at.typed, name=name, password_hash=password_hash, created_at=self.clock.now()
        )
        return await self.store.write(lambda tx: tx.add(row))

    async def written(self, account, raw=RESULTS, subject="Your results"):
        """A message in the account's inbox; its copy."""
        sealed = self.content.put(raw)
        return await self.desk.do(_delivered, account, sealed, subject, raw)

    def link(self, invitation):
        return f"/invite/{self.keys.token(Purpose.INVITE, invitation.id, invitation.generation)}"

    async def rows(self, table, **where):
        return await self.store.read(lambda tx: tx.find(table, **where))

    async def invitation(self, invitation):
        return (await self.rows(Invitation, id=invitation.id))[0]

    async def everything(self):
        """The whole of the store, to see that nothing changed."""
        return {table: await self.rows(table) for table in TABLES}

    def browser(self, **options):
        return Browser(self.app, **options)


def _taken(ctx, sealed, sender, subject, raw=b""):
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
    hold.add_content(ctx, sealed)
    return hold.Taken(ctx.tx.add(message), sealed.data_key)


def _held(ctx, to, sealed, author, name, details):
    practice = ctx.site.practice_of(author)
    sender = people.sender_row(ctx, practice, author, name)
    invitation = people.latest_invitation(ctx, practice.id, to.key)
    if invitation is None or not invitation.is_open:
        invitation = invite.open_for(ctx, practice, to, before=invitation)
    people.wait_for(ctx, invitation, sender)
    taken = _taken(ctx, sealed, sender, "Your results")
    hold.add_copy(ctx, taken, to, CopyState.HELD, invitation_id=invitation.id)
    return invite.give_details(ctx, invitation, sender, details) if details else invitation


def _delivered(ctx, account, sealed, subject, raw):
    sender = people.sender_row(ctx, RIVERSIDE, address("ada@riverside.example"), "Dr Ada")
    taken = _taken(ctx, sealed, sender, subject, raw)
    return release.deliver_to_inbox(ctx, taken, account, "Dr Ada", RIVERSIDE.name)


@dataclass
class Browser:
    """Follows links and sends back the forms that it was shown, hidden fields and all."""

    app: object
    host: str = "192.0.2.1"
    response: httpx2.Response | None = None

    def __post_init__(self):
        transport = httpx2.ASGITransport(self.app, client=(self.host, 1234))
        self.client = httpx2.AsyncClient(transport=transport, base_url=URL, follow_redirects=True)

    async def go(self, path, **options):
        self.response = await self.client.get(path, **options)
        return self

    async def press(self, button, files=None, **typed):
        """Fill in the form that has this button, and press it."""
        form, pressed = self._form_with(button)
        data = _values(form)
        if pressed.attributes.get("name"):
            data[pressed.attributes["name"]] = pressed.attributes["value"]
        data |= typed
        target = self.response.url.join(form.attributes["action"])
        self.response = await self.client.post(target, data=data, files=files)
        return self

    def _form_with(self, label):
        for form in self.page.css("form"):
            for button in form.css("button"):
                if button.text().strip().startswith(label):
                    return form, button
        raise AssertionError(f"no button {label!r} on this page: {self.text}")

    @property
    def page(self):
        return LexborHTMLParser(self.response.text)

    @property
    def status(self):
        return self.response.status_code

    @property
    def path(self):
        return self.response.url.path

    @property
    def heading(self):
        return _squeezed(self.page.css_first("h1").text())

    @property
    def text(self):
        return _squeezed(self.page.css_first("main").text(separator=" "))

    async def sign_in(self, email="pat@home.example", password=PASSWORD):
        await self.go("/sign-in")
        return await self.press("Sign in", email=email, password=password)


def _values(form):
    data = {}
    for field in form.css("input, textarea"):
        kind, name = field.attributes.get("type"), field.attributes.get("name")
        if kind == "file" or (kind == "radio" and "checked" not in field.attributes):
            continue
        data[name] = field.text() if field.tag == "textarea" else field.attributes.get("value") or ""
    return data


def _squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """The same argon2id, with less work: what the real work is has a test of its own."""
    monkeypatch.setattr("gateway.portal.passwords.PasswordHasher", lambda: PasswordHasher(1, 8, 1))


@pytest.fixture
async def world(request, tmp_path):
    if getattr(request, "param", "memory") == "memory":
        yield World(MemoryStore(), MemoryContent())
        return
    database = open_database(tmp_path / "gateway.db")
    migrate(database)
    content = SpooledContent(tmp_path / "spool")
    store = SqliteStore(database, content)
    yield World(store, content)
    await store.close()


@pytest.fixture
def browser(world):
    return world.browser()
