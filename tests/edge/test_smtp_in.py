"""The listener over real sockets: who may write to whom, and where a message ends."""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import structlog.testing

from gateway.domain.model import Delivery
from gateway.domain.vocabulary import Notice, Purpose
from gateway.edge.smtp.handler import SmtpHandler
from gateway.edge.smtp.mail_server import listen
from gateway.edge.smtp.policy import Policy
from gateway.errors import StoreBusy
from gateway.flow import receive
from gateway.flow.context import Desk
from gateway.flow.inbound import understand
from gateway.testing import FakeClock, MemoryContent, MemoryStore, fake_keys
from tests.edge.test_smtp_out import certificate
from tests.practice import SITE

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Bench:
    """A listener on a free port, and a client that says what it is told."""

    def __init__(self, trusted=LOOPBACK, max_size=10_000):
        self.store, self.content = MemoryStore(), MemoryContent()
        self.desk = Desk(self.store, SITE, fake_keys(), FakeClock())
        self.policy = Policy(trusted=trusted, submission=(), max_size=max_size)

    @asynccontextmanager
    async def session(self):
        bound = socket.create_server(("127.0.0.1", 0))
        server = self.server = await listen(
            SmtpHandler(self.desk, self.content, self.policy), self.policy, SITE.domain, bound
        )
        reader, self.writer = await asyncio.open_connection(*bound.getsockname())
        self.reader = reader
        assert (await self.heard()).startswith("220 secure.riverside.example ESMTP")
        await self.say(b"EHLO client.example\r\n")
        try:
            yield self
        finally:
            self.writer.close()
            await self.writer.wait_closed()
            await server.close()

    async def heard(self):
        """One whole reply."""
        lines = []
        while not lines or lines[-1][3:4] == "-":
            lines.append((await asyncio.wait_for(self.reader.readline(), 5)).decode().rstrip())
        return "\n".join(lines)

    async def say(self, octets):
        self.writer.write(octets)
        return await self.heard()

    async def encrypt(self):
        assert (await self.say(b"STARTTLS\r\n")).startswith("220")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await self.writer.start_tls(context)

    async def envelope(self, sender="ada@riverside.example", *recipients):
        assert (await self.say(f"MAIL FROM:<{sender}>\r\n".encode())).startswith("250")
        return [await self.say(f"RCPT TO:<{to}>\r\n".encode()) for to in recipients or ("pat@home.example",)]

    async def data(self, octets):
        assert (await self.say(b"DATA\r\n")).startswith("354")
        return await self.say(octets)

    async def taken(self):
        """What the next hop would be handed, without our trace field."""
        return [_without_trace(octets) for octets in self.content.octets.values()]


def _without_trace(octets):
    return re.sub(rb"\AReceived: .*?\r\n(?![ \t])", b"", octets, flags=re.DOTALL)


MAIL = b"From: ada@riverside.example\r\nSubject: plain\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (MAIL + b".\r\n", MAIL),
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
        (b"x" * 5000 + b"\r\n.\r\n", b"x" * 5000 + b"\r\n"),
    ],
)
async def test_a_message_ends_at_the_one_end_of_data(sent, taken):
    async with Bench().session() as client:
        await client.envelope()
        assert (await client.data(sent)).startswith("250 2.0.0")
        assert await client.taken() == [taken]


async def test_a_message_in_the_smallest_pieces_is_the_same_message():
    async with Bench().session() as client:
        await client.envelope()
        assert (await client.say(b"DATA\r\n")).startswith("354")
        for octet in MAIL + b"..dot\r\n.\r\n":
            client.writer.write(bytes([octet]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.heard()).startswith("250")
        assert await client.taken() == [MAIL + b".dot\r\n"]


@pytest.mark.parametrize(
    "smuggled",
    [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\r\n.\r", b"a\rb", b"a\nb"],
)
async def test_smuggled_ends_of_data_are_refused_as_one_message(smuggled):
    async with Bench().session() as client:
        await client.envelope()
        inner = b"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<x@y.example>\r\nDATA\r\nsmuggled\r\n"
        assert (await client.data(MAIL + smuggled + inner + b"\r\n.\r\n")).startswith("550 5.6.0")
        assert client.content.octets == {}


@pytest.mark.parametrize("before", [b"a\r", b"a\n\n", b"a\0", b"\r\r"])
async def test_behind_an_end_that_others_may_not_see_nothing_is_a_command(before):
    """Where a server before us reads on, what follows is the content of one mail: it must not become another."""
    async with Bench().session() as client:
        await client.envelope()
        other = b"MAIL FROM:<ada@riverside.example>\r\nRCPT TO:<pat@home.example>\r\nDATA\r\n" + MAIL + b".\r\n"
        assert (await client.data(MAIL + before + b"\r\n.\r\n" + other)).startswith("550 5.6.0")
        assert (await client.heard()).startswith("421 4.3.2")
        assert await client.heard() == ""
        assert client.content.octets == {}


async def test_two_messages_in_one_burst():
    async with Bench().session() as client:
        burst = b"MAIL FROM:<ada@riverside.example>\r\nRCPT TO:<pat@home.example>\r\nDATA\r\n" + MAIL + b".\r\n"
        client.writer.write(burst + burst)
        replies = [(await client.heard())[:3] for _ in range(8)]
        assert replies == ["250", "250", "354", "250"] * 2
        assert await client.taken() == [MAIL, MAIL]


async def test_too_much_is_552_whether_said_or_not_and_the_session_goes_on():
    async with Bench(max_size=1000).session() as client:
        assert (await client.say(b"MAIL FROM:<a@riverside.example> SIZE=1001\r\n")).startswith("552")
        await client.envelope()
        assert (await client.data(b"x" * 1001 + b"\r\n.\r\n")).startswith("552 5.3.4")
        await client.envelope()
        assert (await client.data(b"x" * 998 + b"\r\n.\r\n")).startswith("250")


async def test_a_stranger_may_only_write_to_the_sites_own_addresses():
    bench = Bench(trusted=())
    async with bench.session() as client:
        [bot, postmaster, *others] = await client.envelope(
            "eve@evil.example",
            "bot@secure.riverside.example",
            "postmaster@Secure.Riverside.example",
            "pat@home.example",
            "pat%home.example@secure.riverside.example",
            '"pat@home.example"@secure.riverside.example',
            "nobody@secure.riverside.example",
        )
        assert bot.startswith("250")
        assert postmaster.startswith("250")
        assert [reply[:9] for reply in others] == ["550 5.7.1", "550 5.1.1", "550 5.1.1", "550 5.1.1"]


async def test_mail_to_the_postmaster_goes_to_the_practices_postmaster():
    async with Bench(trusted=()).session() as client:
        await client.envelope("eve@evil.example", "postmaster@secure.riverside.example")
        assert (await client.data(MAIL + b".\r\n")).startswith("250")
        [delivery] = await client.store.read(lambda tx: tx.find(Delivery))
        assert delivery.recipient == SITE.postmaster


async def test_the_null_sender_passes():
    async with Bench().session() as client:
        await client.envelope("")
        assert (await client.data(MAIL + b".\r\n")).startswith("250")
        [delivery] = await client.store.read(lambda tx: tx.find(Delivery))
        assert delivery.mail_from == ""


async def test_secure_mail_of_nobody_here_is_550_with_the_reason():
    async with Bench().session() as client:
        await client.envelope("eve@evil.example")
        reply = await client.data(b"From: eve@evil.example\r\nSubject: [secure] x\r\n\r\n.\r\n")
        assert reply.startswith("550 5.7.1 Secure mail refused")
        assert client.content.octets == {}


async def test_a_busy_store_is_a_temporary_failure_and_leaves_no_content_behind():
    bench = Bench()

    async def busy(work, **how):
        raise StoreBusy

    bench.store.write = busy
    async with bench.session() as client:
        await client.envelope()
        assert (await client.data(MAIL + b".\r\n")).startswith("451 4.3.0")
        assert client.content.octets == {}


async def test_more_recipients_than_the_cap_are_452():
    async with Bench().session() as client:
        replies = await client.envelope("ada@riverside.example", *(f"p{n}@home.example" for n in range(1001)))
        assert [reply[:3] for reply in replies] == ["250"] * 1000 + ["452"]


async def test_the_trace_field_names_no_recipient():
    async with Bench().session() as client:
        await client.envelope()
        await client.data(MAIL + b".\r\n")
        [octets] = client.content.octets.values()
        trace = octets[: -len(MAIL)]
        assert trace.startswith(b"Received: from client.example")
        assert b"pat@" not in trace
        assert b" for " not in trace


def failing(error):
    def fails(*_):
        raise error

    return fails


@pytest.mark.parametrize("size", [0, 300_000])
async def test_mail_that_we_fail_to_read_is_refused_for_good_and_the_session_goes_on(monkeypatch, capsys, size):
    """Whatever mistake of ours a mail finds: else it would be tried again for ever."""
    monkeypatch.setattr(understand, "understand", failing(RecursionError("All is well.")))
    async with Bench(max_size=1_000_000).session() as client:
        await client.envelope()
        assert (await client.say(b"DATA\r\n")).startswith("354")
        client.writer.write(MAIL + b"x" * size + b"\r\n.\r\n")
        assert (await client.heard()).startswith("554 5.6.0")
        monkeypatch.undo()
        await client.envelope()
        assert (await client.say(b"DATA\r\n")).startswith("354")
        assert (await client.say(MAIL + b".\r\n")).startswith("250")
    said = capsys.readouterr().out
    assert "RecursionError in fails" in said
    assert "All is well." not in said


async def test_mail_that_we_fail_to_carry_out_is_refused_for_good(monkeypatch):
    monkeypatch.setattr(receive, "_accept", failing(KeyError("pat")))
    async with Bench().session() as client:
        await client.envelope()
        assert (await client.say(b"DATA\r\n")).startswith("354")
        assert (await client.say(MAIL + b".\r\n")).startswith("554 5.6.0")


async def test_content_is_never_taken_for_commands_after_a_fault_of_ours(monkeypatch):
    monkeypatch.setattr(understand, "understand", failing(MemoryError))
    async with Bench(max_size=1_000_000).session() as client:
        await client.envelope()
        assert (await client.say(b"DATA\r\n")).startswith("354")
        client.writer.write(MAIL + b"x" * 300_000 + b"\r\nMAIL FROM:<evil@evil.example>\r\n")
        assert (await client.heard()).startswith("421")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reader.readexactly(1)


async def test_who_never_reads_the_last_word_is_cut_off():
    async with Bench().session() as client:
        [guest] = client.server.sessions.all
        guest.transport.write(b"x" * 50_000_000)
        guest.dismiss("421 4.4.2 Idle for too long")
        assert client.server.sessions.count == 1
        guest.dismiss("421 4.4.2 Idle for too long")
        await asyncio.sleep(0.01)
        assert client.server.sessions.count == 0


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"AUTH PLAIN AGEAYg==", "500 5.5.2"),
        (b"MAIL FROM:<", "553 5.1.3"),
        (b"MAIL FROM:<a@b.example> SIZE=999999", "552 5.3.4"),
        (b"RCPT TO:<a@b.example>", "503 5.5.1"),
        (b"NOOP", "250 2.0.0"),
        (b"QUIT", "221 2.0.0"),
    ],
)
async def test_every_reply_has_an_enhanced_status_code(command, reply):
    async with Bench().session() as client:
        assert (await client.say(command + b"\r\n")).startswith(reply)


async def test_ehlo_offers_what_is_kept():
    async with Bench().session() as client:
        offered = await client.say(b"EHLO again.example\r\n")
        assert [line[4:] for line in offered.splitlines()] == [
            SITE.domain,
            "SIZE 10000",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "ENHANCEDSTATUSCODES",
            "HELP",
        ]


@pytest.fixture
def tls(tmp_path):
    return certificate(tmp_path, "localhost")[1]


async def test_mail_comes_over_tls_too(tls):
    bench = Bench()
    bench.policy = replace(bench.policy, tls=tls)
    async with bench.session() as client:
        await client.encrypt()
        assert "STARTTLS" not in await client.say(b"EHLO client.example\r\n")
        await client.envelope()
        assert (await client.data(MAIL + b".\r\n")).startswith("250")
        assert b"with ESMTPS id" in next(iter(client.content.octets.values()))


async def test_who_falls_silent_in_the_tls_handshake_can_be_sent_away(tls):
    bench = Bench()
    bench.policy = replace(bench.policy, tls=tls)
    async with bench.session() as client:
        assert (await client.say(b"STARTTLS\r\n")).startswith("220")
        [guest] = client.server.sessions.all
        guest.dismiss("421 4.4.2 Idle for too long")
        await asyncio.sleep(0.05)
        guest.dismiss("421 4.4.2 Idle for too long")
        await asyncio.sleep(0.05)
        assert client.server.sessions.count == 0


async def test_an_invitee_is_heard_from_anywhere_and_a_made_up_token_is_not():
    """The same words to both, but for the one that names an invitation of ours."""
    bench = Bench()
    async with bench.session():
        await bench.envelope()
        await bench.data(b"From: ada@riverside.example\r\nSubject: [secure patient 1980-02-03] x\r\n\r\nx\r\n.\r\n")
    bench.policy = replace(bench.policy, trusted=())
    good = bench.desk.keys.token(Purpose.ANSWER, 1)
    replies = {}
    async with bench.session():
        for token in (good, good.upper(), f"{good[:-1]}b"):
            [rcpt] = await bench.envelope("pat@home.example", f"reply+{token}@{SITE.domain}")
            assert rcpt.startswith("250")
            answer = f"From: pat@home.example\r\nSubject: Re {token}\r\n\r\nI have chest pain.\r\n.\r\n"
            replies[token] = (await bench.data(answer.encode()))[:3]
    assert list(replies.values()) == ["250", "250", "550"]
    told = await bench.store.read(lambda tx: [one.notice for one in tx.find(Delivery, order="id")])
    assert told.count(Notice.ANSWERED) == 2
    assert told.count(Notice.NOBODY_READS) == 1


async def test_one_slip_in_an_address_is_no_reason_to_refuse_the_mail():
    bench = Bench()
    async with bench.session():
        assert all(
            reply.startswith("250")
            for reply in await bench.envelope("ada@riverside.example", "pat@home.example", "hana.@home.example")
        )
        sent = await bench.data(b"From: ada@riverside.example\r\nSubject: [secure] x\r\n\r\nx\r\n.\r\n")
    assert sent.startswith("250")


async def test_a_second_starttls_is_out_of_sequence(tls):
    bench = Bench()
    bench.policy = replace(bench.policy, tls=tls)
    async with bench.session() as client:
        await client.encrypt()
        await client.say(b"EHLO client.example\r\n")
        assert (await client.say(b"STARTTLS\r\n")).startswith("503 5.5.1")
        await client.envelope()
        assert (await client.data(MAIL + b".\r\n")).startswith("250")


@pytest.mark.parametrize("said", [b"this is no TLS at all\r\n" * 20, b"\x16\x03\x01\x00\x05hello"])
async def test_a_handshake_that_fails_is_one_line_in_the_log(tls, said):
    bench = Bench()
    bench.policy = replace(bench.policy, tls=tls)
    with structlog.testing.capture_logs() as log:
        async with bench.session() as client:
            assert (await client.say(b"STARTTLS\r\n")).startswith("220")
            client.writer.write(said)
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(client.reader.read(), 5)
            assert client.server.sessions.count == 0
    assert [(line["log_level"], line["event"]) for line in log] == [("info", "a TLS handshake failed")]


@pytest.mark.parametrize(
    "line",
    [
        "RCPT TO:<>",
        "RCPT TO:pat@home.example",
        "RCPT TO: pat@home.example",
        "RCPT TO:Pat <pat@home.example>",
        "RCPT TO:",
    ],
)
async def test_a_recipient_has_brackets_and_is_somebody(line):
    async with Bench().session() as client:
        assert (await client.say(b"MAIL FROM:<ada@riverside.example>\r\n")).startswith("250")
        assert re.match(r"50[13] 5\.|553 5\.1\.3", await client.say(line.encode() + b"\r\n"))
        assert (await client.say(b"RCPT TO:<pat@home.example>\r\n")).startswith("250")


async def test_an_author_has_brackets():
    async with Bench().session() as client:
        assert (await client.say(b"MAIL FROM:ada@riverside.example\r\n")).startswith("553 5.1.3")
