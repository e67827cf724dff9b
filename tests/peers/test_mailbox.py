"""The bot's mailbox, read from a real Dovecot: every command once, whatever becomes of the server or of us."""

import asyncio
import contextlib
import json
import signal
import ssl
from urllib.parse import parse_qs

import pytest

from gateway.admin.checks.table import inspect
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.edge.imap import mailbox as imap_mailbox
from gateway.edge.imap import session as imap_session
from gateway.edge.imap.mailbox import MailboxReader
from gateway.edge.imap.oauth import Grant, TokenError, Tokens
from gateway.edge.imap.session import MailboxError, Server, Session
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.run.metrics import Figures
from gateway.errors import StoreBusy
from gateway.flow import receive
from gateway.flow.inbound import fetched, understand
from gateway.testing import MemoryContent
from tests.edge.hop import until
from tests.edge.test_smtp_out import certificate
from tests.peers.dovecot import PASSWORD, USER, Dovecot
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served
from tests.peers.test_killed import ACCEPT, arm, doomed, revive
from tests.practice import World

pytestmark = pytest.mark.peer

BOT = "bot@secure.riverside.example"
ADA = "ada@riverside.example"
VOUCHED = "mx.riverside.example; dmarc=pass header.from=riverside.example"


def mail(text, *, to=BOT, said=VOUCHED, number=1, sender="Dr Ada <ada@riverside.example>"):
    vouched = f"Authentication-Results: {said}\r\n" if said else ""
    return (
        f"Return-Path: <{ADA}>\r\n{vouched}From: {sender}\r\nTo: {to}\r\nSubject: command\r\n"
        f"Message-ID: <{number}@riverside.example>\r\n\r\n{text}\r\n"
    ).encode()


@pytest.fixture
def dovecot(peers):
    server = Dovecot()
    server.start()
    yield server
    server.close()


@pytest.fixture
def served(tmp_path, hop, dovecot):
    (tmp_path / "password").write_text(PASSWORD)
    gateway = Served(tmp_path / "gateway", hop.port, **settings(dovecot, tmp_path))
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


def settings(dovecot, folder, **more):
    said = {"HOST": "127.0.0.1", "PORT": str(dovecot.port), "USERNAME": USER, "TLS": "none"}
    said |= {"PASSWORD_FILE": str(folder / "password"), "AUTHSERV_ID": "mx.riverside.example", **more}
    return {f"MAILBOX__{name}": value for name, value in said.items()}


def invitations(served):
    return served.rows("SELECT address, state FROM invitation ORDER BY id")


def transcripts(hop):
    return [one for one in hop.messages() if one.message["X-Gateway-Notice"] == "transcript"]


# -------------------------------------------------------------------------------------------------- with real processes


def test_commands_are_taken_from_the_mailbox_while_it_waits(served, dovecot, hop):
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE"))
    Mailboxes(hop).next("invitation", "pat@home.example")
    dovecot.put(mail("INVITE kim@home.example COLLEAGUE", number=2))  # by now it idles
    wait_for(lambda: [address for address, _ in invitations(served)] == ["pat@home.example", "kim@home.example"])
    assert wait_for(lambda: dovecot.unseen() == 0)


def test_mail_that_nobody_vouches_for_changes_nothing_and_other_mail_is_left_alone(served, dovecot):
    dovecot.put(mail("INVITE a@home.example COLLEAGUE", said=""))
    dovecot.put(
        mail("INVITE b@home.example COLLEAGUE", said="mx.evil.example; dmarc=pass header.from=riverside.example")
    )
    dovecot.put(mail("Buy now", to="someone@elsewhere.example"))
    dovecot.put(b"no mail at all")
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE", number=2))
    wait_for(lambda: invitations(served))
    assert [address for address, _ in invitations(served)] == ["pat@home.example"]
    assert wait_for(lambda: dovecot.unseen() == 0)


def test_mail_that_somebody_has_read_is_theirs(served, dovecot, hop):
    served.end()
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE"))
    client = dovecot.client()
    client.store("1", "+FLAGS", r"(\Seen)")
    client.logout()
    served.start()
    dovecot.put(mail("LIST", number=2))
    wait_for(lambda: transcripts(hop))
    assert invitations(served) == []


def test_mail_that_was_taken_in_is_moved(served, dovecot, tmp_path):
    client = dovecot.client()
    client.create("Done")
    client.logout()
    served.end()
    served.settings |= settings(dovecot, tmp_path, DONE_FOLDER="Done")
    served.start()
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE"))
    wait_for(lambda: dovecot.count("Done") == 1)
    assert dovecot.count("INBOX") == 0
    assert len(invitations(served)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_command_runs_once_though_we_are_killed_before_its_mail_is_marked(served, dovecot, hop, when):
    """Before its commit too: fetching alone must not make a mail look as if it had been taken in."""
    served.end()
    doomed(served, when, ACCEPT)
    arm(served)
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE"))
    revive(served)
    assert wait_for(lambda: dovecot.unseen() == 0)
    wait_for(lambda: transcripts(hop))
    dovecot.put(mail("LIST", number=2))
    wait_for(lambda: len(transcripts(hop)) == 2)
    assert len(invitations(served)) == 1
    assert served.rows("SELECT count(*) FROM audit WHERE action = 'said INVITE'") == [(1,)]


def test_a_changed_uidvalidity_runs_nothing_again_and_a_restart_is_survived(served, dovecot, hop):
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE"))
    wait_for(lambda: transcripts(hop))
    wait_for(lambda: dovecot.unseen() == 0)
    dovecot.stop()
    dovecot.forget()
    dovecot.start()
    assert dovecot.unseen() == 1
    dovecot.put(mail("LIST", number=2))
    wait_for(lambda: len(transcripts(hop)) == 2, 60)
    served.said("the server has closed the connection")  # noticed, not found out later
    assert wait_for(lambda: dovecot.unseen() == 0)
    assert served.rows("SELECT count(*) FROM audit WHERE action = 'said INVITE'") == [(1,)]


def test_a_mail_that_ends_the_process_is_set_aside_after_three_tries(served, dovecot, hop):
    """Each try is counted before it begins, so that it counts though nobody lives to tell of it."""
    served.end()
    doomed(served, "before", ACCEPT)
    arm(served)
    dovecot.put(mail("INVITE pat@home.example COLLEAGUE"))
    dovecot.put(mail("LIST", number=2))
    for _ in range(2):
        assert served.ended() == -signal.SIGKILL
        arm(served)
        served.start()
    revive(served)
    wait_for(lambda: transcripts(hop), 20)
    assert (dovecot.unseen(), dovecot.flagged()) == (0, 1)
    assert invitations(served) == []
    assert served.figure("gateway_mailbox_set_aside_total") == 1
    served.said('level=warning event="a mail in the mailbox could not be taken in 3 times; it is left there, flagged"')


def test_it_ends_cleanly_while_it_waits(served, dovecot, hop):
    dovecot.put(mail("LIST"))
    wait_for(lambda: transcripts(hop))
    assert served.end() == 0


# --------------------------------------------------------------------------------------------------------- with tokens


class Endpoint:
    """A token endpoint, and what Dovecot asks about a token: only the newest one is good."""

    def __init__(self) -> None:
        self.asked = []
        self.lives = 3600

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    @property
    def newest(self) -> str:
        return f"token{len(self.asked)}"

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if head.startswith("POST"):
            length = int(
                next(line for line in head.lower().splitlines() if line.startswith("content-length")).split()[1]
            )
            self.asked.append(parse_qs((await reader.readexactly(length)).decode()))
            said = {"access_token": self.newest, "expires_in": self.lives}
        else:
            said = {"email": USER} if f"token={self.newest} " in head else {"error": "invalid_token"}
        body = json.dumps(said).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()


@pytest.fixture
async def endpoint():
    async with Endpoint() as one:
        yield one


@pytest.fixture
async def token_dovecot(peers, tmp_path, endpoint):
    said = tmp_path / "oauth2.conf"
    said.write_text(
        f"tokeninfo_url = {endpoint.url}/info?token=\nintrospection_mode = auth\nusername_attribute = email\n"
    )
    passdb = (
        f"auth_mechanisms = plain xoauth2\npassdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {said}\n}}\n"
    )
    server = Dovecot(passdb)
    await asyncio.to_thread(server.start)
    yield server
    server.close()


async def test_a_token_signs_in_and_is_asked_for_again_before_it_ends(token_dovecot, endpoint):
    now = [0.0]
    tokens = Tokens(Grant(endpoint.url, "gateway", "secret", "refresh-me", "mail"), lambda: now[0])
    one = server(token_dovecot.port, tokens=tokens)
    for count, seconds in ((1, 0.0), (1, 3500.0), (2, 3590.0)):
        now[0] = seconds
        session = Session(one)
        await session.open()
        await session.close()
        assert len(endpoint.asked) == count
    assert endpoint.asked[0]["refresh_token"] == ["refresh-me"]


async def test_a_token_that_is_refused_is_asked_for_anew(token_dovecot, endpoint, monkeypatch):
    monkeypatch.setattr(imap_session, "GRACE", 4)
    tokens = Tokens(Grant(endpoint.url, "gateway", "secret"))
    await tokens.token()
    endpoint.asked.append({})  # so that it is not the newest any more
    session = Session(server(token_dovecot.port, tokens=tokens))
    with pytest.raises(MailboxError, match="cannot sign in"):
        await session.open()
    await session.close()
    session = Session(server(token_dovecot.port, tokens=tokens), afresh=True)
    await session.open()
    await session.close()
    assert endpoint.asked[-1]["grant_type"] == ["client_credentials"]


async def test_an_endpoint_that_gives_no_token_is_told(endpoint):
    tokens = Tokens(Grant("http://127.0.0.1:1/token", "gateway"))
    with pytest.raises(TokenError, match="gives no token"):
        await tokens.token()


# ------------------------------------------------------------------------------------------- a connection that is dead


class Proxy:
    """Passes octets on between a client and Dovecot, until it swallows them instead."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._swallows = asyncio.Event()
        self._writers, self._serving = [], []
        self.clients = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def swallow(self, swallows: bool) -> None:
        self._swallows.set() if swallows else self._swallows.clear()

    async def _serve(self, reader, writer):
        self.clients += 1
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += [writer, ours]
        self._serving.append(asyncio.current_task())
        lost = self._swallows.is_set
        await asyncio.gather(self._pump(reader, ours, lost), self._pump(theirs, writer, lost), return_exceptions=True)

    async def _pump(self, reader, writer, lost):
        dead = False  # once a connection has lost an octet, it stays dead
        while octets := await reader.read(65536):
            dead = dead or lost()
            if not dead:
                writer.write(octets)
        writer.close()


@pytest.fixture
def swift(monkeypatch):
    monkeypatch.setattr(imap_session, "GRACE", 0.5)
    monkeypatch.setattr(imap_mailbox, "BACK_OFF", (0.1,))


def server(port, **more):
    said = {"host": "127.0.0.1", "port": port, "username": USER, "password": PASSWORD, "idle": 0.5, "poll": 0.1}
    return Server(**{**said, "authserv_id": "mx.riverside.example", **more})


@contextlib.asynccontextmanager
async def reading(port, world=None, *, counts=(), **more):
    world, counts = world or World(), counts or (Figures(),)
    task = asyncio.create_task(MailboxReader(server(port, **more), world.desk, MemoryContent(), *counts).run())
    yield world
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def audited(world, count):
    from gateway.domain.model_records import Audit

    said = [row for row in world.store._tables.get(Audit, {}).values() if row.action == "said LIST"]
    return len(said) == count


@pytest.mark.parametrize(
    ("where", "what"),
    [(fetched, "submission"), (understand, "understand"), (understand, "read"), (Session, "octets")],
)
async def test_whatever_fails_at_a_mail_it_is_set_aside_and_the_next_has_its_turn(
    dovecot, swift, monkeypatch, where, what
):
    """Ours is the fault, or the library's; it is tried three times, over a restart, and never again."""
    tried, works = [], getattr(where, what)

    def poisoned(*args):
        if b"poison" in b"".join(one for one in args if isinstance(one, bytes)):
            tried.append(what)
            raise RecursionError
        return works(*args)

    async def not_fetched(session, uid):
        octets = await works(session, uid)
        if b"poison" in octets:
            tried.append(what)
            raise MailboxError("a mail cannot be fetched")
        return octets

    monkeypatch.setattr(where, what, not_fetched if what == "octets" else poisoned)
    monkeypatch.setattr(imap_session, "SOON", 0.2)
    world = World()
    await asyncio.to_thread(dovecot.put, mail("poison").replace(b"command", b"poison"))
    async with reading(dovecot.port, world):
        await until(lambda: tried)
    async with reading(dovecot.port, world):
        await asyncio.to_thread(dovecot.put, mail("LIST", number=2))
        await until(lambda: audited(world, 1))
        await until(lambda: len(tried) == 3)
        while not await asyncio.to_thread(dovecot.flagged):  # noqa: ASYNC110 - as `until`
            await asyncio.sleep(0.1)
    assert len(tried) == 3
    assert await asyncio.to_thread(dovecot.unseen) == 0


async def test_a_store_that_is_busy_says_nothing_of_the_mail(dovecot, swift, monkeypatch):
    world, tried, accept = World(), [], receive.accept

    def busy(*args):
        tried.append(args)
        if len(tried) < 6:
            raise StoreBusy
        return accept(*args)

    monkeypatch.setattr(receive, "accept", busy)
    await asyncio.to_thread(dovecot.put, mail("LIST"))
    async with reading(dovecot.port, world):
        await until(lambda: audited(world, 1))
    assert await asyncio.to_thread(dovecot.flagged) == 0


async def test_a_connection_that_swallows_everything_is_given_up(dovecot, swift):
    async with Proxy(dovecot.port) as proxy, reading(proxy.port) as world:
        await asyncio.to_thread(dovecot.put, mail("LIST"))
        await until(lambda: audited(world, 1))
        proxy.swallow(True)
        await asyncio.to_thread(dovecot.put, mail("LIST\nSTATUS", number=2))
        await until(lambda: proxy.clients > 2)
        assert audited(world, 1)
        proxy.swallow(False)
        await until(lambda: audited(world, 2))


async def test_what_the_server_announces_during_another_command_is_not_missed(dovecot, monkeypatch):
    monkeypatch.setattr(imap_session, "SOON", 0.2)
    unseen = Session.unseen
    searches = 0

    async def with_an_arrival(session):
        nonlocal searches
        found = await unseen(session)
        searches += 1
        if searches == 1:
            await asyncio.to_thread(dovecot.put, mail("LIST"))
            await session._client.noop()  # to which the server adds that there is a mail
        return found

    monkeypatch.setattr(Session, "unseen", with_an_arrival)
    async with reading(dovecot.port, idle=240) as world:
        await until(lambda: audited(world, 1))
    assert searches > 1


# ------------------------------------------------------------------------------------------------- what `check` says


async def line(place, dovecot, hop, **more) -> str:
    served = Served(place / "checked", hop.port)
    (place / "password").write_text(more.pop("password", PASSWORD))
    (place / "password").chmod(0o600)
    loaded: Settings = load(served.folder / "gateway.toml")
    said = {"host": "127.0.0.1", "port": dovecot.port, "username": USER, "password_file": str(place / "password")}
    box = loaded.mailbox.model_copy(update={**said, "tls": "none", "authserv_id": "mx.riverside.example", **more})
    findings = await inspect(loaded.model_copy(update={"mailbox": box}))
    [found] = [one.line for one in findings if one.key.startswith("mailbox")]
    return found


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "ok       mailbox"),
        ({"password": "guess"}, "FAULT    mailbox: bot cannot sign in"),
        ({"folder": "Nowhere"}, "FAULT    mailbox: the folder Nowhere cannot be opened"),
        ({"host": "nowhere.invalid"}, "FAULT    mailbox: nowhere.invalid:"),
        ({"port": 1}, "FAULT    mailbox: 127.0.0.1:1 cannot be reached"),
        ({"tls": "verified"}, "does not speak TLS"),
        ({"authserv_id": ""}, "warning  mailbox.authserv_id"),
    ],
)
async def test_check_tells_a_mistake_in_a_line(tmp_path, dovecot, hop, wrong, says):
    found = await line(tmp_path, dovecot, hop, **wrong)
    assert says in found
    assert "\n" not in found


async def test_a_server_without_idle_is_looked_at_instead(peers, tmp_path, hop, swift):
    dovecot = Dovecot("protocol imap {\n imap_capability = IMAP4rev1 UIDPLUS\n}\n")
    await asyncio.to_thread(dovecot.start)
    try:
        assert "the server has no IDLE" in await line(tmp_path, dovecot, hop)
        async with reading(dovecot.port) as world:
            for count in (1, 2):
                await asyncio.to_thread(dovecot.put, mail("LIST", number=count))
                await until(lambda count=count: audited(world, count))
    finally:
        dovecot.close()


async def test_a_cancellation_that_the_library_swallows_is_heeded():
    async def swallows():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    task = asyncio.create_task(imap_session._within(60, swallows()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_certificate_that_is_not_valid_is_said_to_be(peers, tmp_path):
    pem, _ = certificate(tmp_path, "elsewhere.example")
    tls = f"ssl = required\nssl_cert = <{pem}\nssl_key = <{pem}\n"
    dovecot = Dovecot(tls, encrypted=True)
    await asyncio.to_thread(dovecot.start)
    session = Session(server(dovecot.port, tls=ssl.create_default_context()))
    try:
        with pytest.raises(MailboxError, match=r"the certificate of 127\.0\.0\.1:\d+ is not valid"):
            await session.open()
        await session.close()
    finally:
        dovecot.close()


async def test_what_comes_in_by_the_mailbox_counts_as_mail_that_came_in(dovecot, swift):
    """The administrator's chart shows it, as it does what comes in over SMTP; a mail that is not ours is none."""
    traffic, world = Traffic(), World()
    await asyncio.to_thread(dovecot.put, mail("Lunch?", to="ada@riverside.example", number=1))
    await asyncio.to_thread(dovecot.put, mail("LIST", number=2))
    async with reading(dovecot.port, world, counts=(Figures(), traffic)):
        await until(lambda: audited(world, 1))
        await until(lambda: traffic.taken)
    assert traffic.taken == 1
