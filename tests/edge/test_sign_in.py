"""SMTP AUTH at the listener, over real TLS: who gets in, and what they may do then."""

import asyncio
import base64
import ipaddress
import os
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from gateway.domain.model import Delegation, Delivery, Sender
from gateway.domain.model_records import Audit, TryWindow
from gateway.edge.smtp import sign_in
from gateway.edge.smtp.sign_in import Logins, add_user, line_for, login_key, users
from gateway.errors import BadAddress, ConfigError, StoreFull
from gateway.flow.context import Desk
from gateway.testing import FakeClock, MemoryStore, fake_keys
from tests.edge.test_smtp_in import Bench
from tests.edge.test_smtp_out import certificate
from tests.practice import SITE

ADA, PASSWORD = "ada@riverside.example", "correct horse battery"
SERVER = "*@riverside.example"
ELSEWHERE = (ipaddress.ip_network("192.0.2.0/24"),)


def plain(login=ADA, password=PASSWORD, whose=""):
    return base64.b64encode(f"{whose}\0{login}\0{password}".encode())


def word(text):
    return base64.b64encode(text.encode())


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "gateway.users"
    for login in (ADA, SERVER):
        add_user(file, login, PASSWORD)
    return file


class Guarded(Bench):
    """A listener that trusts no network, only who signs in."""

    def __init__(self, folder, file):
        super().__init__(trusted=ELSEWHERE)
        self.pem, context = certificate(folder, "localhost")
        self.policy = replace(self.policy, tls=context, logins=Logins(file))

    @asynccontextmanager
    async def encrypted(self):
        async with self.session():
            assert (await self.say(b"STARTTLS\r\n")).startswith("220")
            await self.writer.start_tls(ssl.create_default_context(cafile=self.pem), server_hostname="localhost")
            self.offers = await self.say(b"EHLO client.example\r\n")
            yield self

    async def hand_in(self, author, to="pat@home.example", sender=ADA):
        await self.envelope(sender, to)
        head = f"From: {author}\r\nTo: {to}\r\nMessage-ID: <1@riverside.example>\r\n"
        return await self.data(f"{head}Subject: Hello\r\n\r\nHello.\r\n.\r\n".encode())


@pytest.fixture
async def bench(tmp_path, file):
    return Guarded(tmp_path, file)


async def test_nobody_signs_in_in_clear(bench):
    async with bench.session():
        assert "AUTH" not in await bench.say(b"EHLO client.example\r\n")
        assert (await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")).startswith("538 5.7.11")
        await bench.say(b"MAIL FROM:<ada@riverside.example>\r\n")
        assert (await bench.say(b"RCPT TO:<pat@home.example>\r\n")).startswith("550 5.7.1")


async def test_where_nobody_may_sign_in_the_command_is_not_known():
    async with Bench().session() as bench:
        assert (await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")).startswith("500")


@pytest.mark.parametrize(
    "said",
    [
        [b"AUTH PLAIN " + plain()],
        [b"auth plain " + plain(whose=ADA)],
        [b"AUTH PLAIN", plain(login="ADA@Riverside.Example")],
        [b"AUTH LOGIN", word(ADA), word(PASSWORD)],
        [b"AUTH LOGIN " + word(ADA), word(PASSWORD)],
    ],
)
async def test_a_right_password_lets_in(bench, said):
    async with bench.encrypted():
        assert "250-AUTH LOGIN PLAIN" in bench.offers
        for line in said[:-1]:
            assert (await bench.say(line + b"\r\n")).startswith("334")
        assert (await bench.say(said[-1] + b"\r\n")).startswith("235 2.7.0")
        assert (await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")).startswith("503")
        assert (await bench.hand_in("Dr Ada <ada@riverside.example>")).startswith("250")
    assert b"with ESMTPSA id" in b"".join(bench.content.octets.values())


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (b"AUTH PLAIN " + plain(password="wrong horse"), "535 5.7.8"),
        (b"AUTH PLAIN " + plain(login="eve@riverside.example"), "535 5.7.8"),
        (b"AUTH PLAIN " + plain(login="no address"), "535 5.7.8"),
        (b"AUTH PLAIN " + plain(whose="cleo@riverside.example"), "501 5.5.2"),
        (b"AUTH PLAIN " + plain(login="ada\0x"), "501 5.5.2"),
        (b"AUTH PLAIN =", "501 5.5.2"),
        (b"AUTH PLAIN %%%", "501 5.5.2"),
        (b"AUTH CRAM-MD5", "504 5.5.4"),
        (b"AUTH", "501"),
    ],
)
async def test_anything_else_does_not(bench, said, reply):
    async with bench.encrypted():
        assert (await bench.say(said + b"\r\n")).startswith(reply)
        await bench.say(b"MAIL FROM:<ada@riverside.example>\r\n")
        assert (await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")).startswith("503 5.5.1")
        assert (await bench.say(b"RCPT TO:<pat@home.example>\r\n")).startswith("550 5.7.1")


async def test_who_signs_in_is_in_the_audit_and_who_cannot_as_well(bench):
    async with bench.encrypted():
        for typed in (plain(password="wrong"), plain(login="eve@home.example", password="wrong"), plain()):
            await bench.say(b"AUTH PLAIN " + typed + b"\r\n")
    told = [(row.actor, row.action, row.place) for row in await bench.store.read(lambda tx: tx.find(Audit))]
    assert told == [
        (ADA, "sign-in over SMTP failed", "127.0.0.1"),
        ("a stranger", "sign-in over SMTP failed", "127.0.0.1"),
        (ADA, "signed in over SMTP", "127.0.0.1"),
    ]


async def test_nobody_comes_in_whom_the_audit_cannot_record(bench, monkeypatch):
    async def full(*_, **__):
        raise StoreFull

    async with bench.encrypted():
        monkeypatch.setattr(bench.store, "write", full)
        assert (await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")).startswith("454")


async def test_a_client_may_give_up_halfway(bench):
    async with bench.encrypted():
        await bench.say(b"AUTH LOGIN\r\n")
        assert (await bench.say(b"*\r\n")).startswith("501")
        assert (await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")).startswith("235")


@pytest.mark.parametrize(
    ("login", "author", "reply"),
    [
        (ADA, "Dr Ada <ada@riverside.example>", "250"),
        (ADA, "Cleo <cleo@riverside.example>", "550 5.7.1"),
        (ADA, "ada@riverside.example, cleo@riverside.example", "550 5.7.1"),
        (ADA, '"ada@riverside.example" <cleo@riverside.example>', "550 5.7.1"),
        (SERVER, "Cleo <cleo@riverside.example>", "250"),
        (SERVER, "Eve <eve@elsewhere.example>", "250"),
    ],
)
async def test_a_login_writes_as_itself_and_a_mail_server_forwards(bench, login, author, reply):
    async with bench.encrypted():
        assert (await bench.say(b"AUTH PLAIN " + plain(login) + b"\r\n")).startswith("235")
        assert (await bench.hand_in(author)).startswith(reply)
    assert len(await bench.store.read(lambda tx: tx.find(Delivery))) == (reply == "250")


async def test_a_delegate_writes_as_the_sender(bench):
    async with bench.encrypted():
        await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")
        assert (await bench.hand_in("Cleo <cleo@riverside.example>")).startswith("550 5.7.1")

        def let(tx):
            cleo = tx.add(Sender(practice_id="riverside", address="cleo@riverside.example", typed="cleo@x"))
            tx.add(Delegation(sender_id=cleo.id, address=ADA, typed=ADA, since=bench.desk.clock.now()))

        await bench.store.write(let)
        assert (await bench.hand_in("Cleo <cleo@riverside.example>")).startswith("250")


@pytest.mark.parametrize(
    ("login", "author", "notice"),
    [
        (ADA, "Dr Ada <ada@riverside.example>", "transcript"),
        (SERVER, "Dr Ada <ada@riverside.example>", "transcript"),
    ],
)
async def test_whose_login_it_is_needs_no_question_back(bench, login, author, notice):
    async with bench.encrypted():
        await bench.say(b"AUTH PLAIN " + plain(login) + b"\r\n")
        await bench.envelope(ADA, "bot@secure.riverside.example")
        head = f"From: {author}\r\nMessage-ID: <1@riverside.example>\r\nSubject: x\r\n\r\n"
        assert (await bench.data(f"{head}INVITE pat@home.example COLLEAGUE\r\n.\r\n".encode())).startswith("250")
    kinds = [row.notice for row in await bench.store.read(lambda tx: tx.find(Delivery))]
    assert sorted(filter(None, kinds)) == ["invitation", notice]


# ---------------------------------------------------------------------------------------------------------- throttling


@pytest.fixture
def logins(file):
    logins = Logins(file)
    yield logins
    logins.close()


@pytest.fixture
def desk():
    return Desk(MemoryStore(), SITE, fake_keys(), FakeClock())


async def test_many_wrong_passwords_are_listened_to_no_more_for_a_while(file, logins, desk, monkeypatch):
    monkeypatch.setattr(sign_in, "TRIES_AN_ADDRESS", 2)
    monkeypatch.setattr(sign_in, "TRIES_A_LOGIN", 3)
    other = Logins(file)  # of another process, which has let nobody in yet
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.1") == (ADA, sign_in.OK)
    for one, client in ((logins, "10.0.0.2"), (other, "10.0.0.2"), (other, "10.0.0.3")):
        assert await one.sign_in(desk, ADA, "wrong horse", client) == ("", sign_in.WRONG)
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.2") == ("", sign_in.TOO_MANY)  # the address has failed
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.4") == ("", sign_in.TOO_MANY)  # the login is under attack
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.1") == (ADA, sign_in.OK)  # but was known from here
    assert await other.sign_in(desk, ADA, PASSWORD, "10.0.0.1") == ("", sign_in.TOO_MANY)
    desk.clock.advance(minutes=15)
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.2") == (ADA, sign_in.OK)
    other.close()


async def test_a_right_password_is_no_try(logins, desk, monkeypatch):
    monkeypatch.setattr(sign_in, "TRIES_AN_ADDRESS", 1)
    for _ in range(3):
        assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.1") == (ADA, sign_in.OK)
    assert await desk.ask(lambda ctx: ctx.tx.count(TryWindow)) == 0


async def test_at_once_is_no_way_round_the_count(logins, desk, monkeypatch):
    monkeypatch.setattr(sign_in, "TRIES_AN_ADDRESS", 3)
    tries = [logins.sign_in(desk, ADA, f"guess {number}", "10.0.0.1") for number in range(8)]
    replies = [reply for _, reply in await asyncio.gather(*tries)]
    assert replies.count(sign_in.WRONG) == 3
    assert replies.count(sign_in.TOO_MANY) == 5


async def test_no_password_is_right_for_a_login_that_nobody_has(logins, desk, monkeypatch):
    monkeypatch.setattr(logins, "_nobodys", PasswordHasher().hash(PASSWORD))  # as if its password were known
    assert await logins.sign_in(desk, "kim@riverside.example", PASSWORD, "10.0.0.1") == ("", sign_in.WRONG)
    assert await logins.sign_in(desk, "no address", PASSWORD, "10.0.0.1") == ("", sign_in.WRONG)
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.1") == (ADA, sign_in.OK)


async def test_who_cannot_be_looked_at_is_asked_to_come_back(file, logins, desk, monkeypatch):
    file.unlink()
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.1") == ("", sign_in.BUSY)
    monkeypatch.setattr(sign_in, "MOST_WAITING", -sign_in.AT_ONCE)
    assert await logins.sign_in(desk, ADA, PASSWORD, "10.0.0.2") == ("", sign_in.BUSY)


# ------------------------------------------------------------------------------------------------------------ the file


def test_the_file_holds_hashes_and_one_line_a_login(file):
    before = users(file)
    assert list(before) == [ADA, SERVER]
    add_user(file, "Ada@RIVERSIDE.example", "another horse")
    after = users(file)
    assert after[SERVER] == before[SERVER]
    assert after[ADA] != before[ADA]
    assert b"horse" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_what_root_writes_belongs_to_whoever_has_the_folder_or_the_file_before(tmp_path):
    file = tmp_path / "gateway.users"
    own = (os.geteuid(), os.getegid())  # whoever is not root can make files for nobody else
    for owner in [(65534, 65534), (65533, 65532)] if own[0] == 0 else [own]:
        os.chown(file if file.exists() else tmp_path, *owner)
        add_user(file, ADA, PASSWORD)
        assert (file.stat().st_uid, file.stat().st_gid) == owner


@pytest.mark.parametrize("line", ["ada@riverside.example:secret", "nobody", "no address:$argon2id$x"])
def test_a_mistake_in_the_file_names_its_line(file, line):
    file.write_text(f"# comment\n\n{line}\n")
    with pytest.raises(ConfigError, match=r"smtp\.users_file: line 3"):
        users(file)


def test_a_login_is_an_address_or_a_domain():
    assert login_key("*@BÜCHER.example") == "*@xn--bcher-kva.example"
    with pytest.raises(BadAddress):
        login_key("ada")
    with pytest.raises(ConfigError, match="password"):
        line_for(ADA, "short")


@pytest.mark.parametrize("value", ["<>", "ada@riverside.example", "e+3Dmc2@x.example"])
async def test_where_it_is_offered_mail_may_say_who_has_submitted_it(bench, value):
    """RFC 4954 §5: postfix and others write it, most of them as <>."""
    async with bench.encrypted():
        await bench.say(b"AUTH PLAIN " + plain() + b"\r\n")
        for order in (f"AUTH={value} SIZE=300", f"BODY=8BITMIME auth={value}"):
            assert (await bench.say(f"MAIL FROM:<{ADA}> {order}\r\n".encode())).startswith("250")
            assert (await bench.say(b"RSET\r\n")).startswith("250")


async def test_where_it_is_not_offered_or_no_xtext_it_is_refused(bench):
    async with bench.session():
        assert (await bench.say(b"MAIL FROM:<x@y.example> AUTH=<>\r\n")).startswith("5")
    async with bench.encrypted():
        assert (await bench.say(b"MAIL FROM:<x@y.example> AUTH=a+zz\r\n")).startswith("5")
