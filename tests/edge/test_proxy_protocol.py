"""Behind a load balancer: who has connected is who it says, if it is one of ours; TLS may come first."""

import asyncio
import ipaddress
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.domain.site import Stamp
from gateway.edge.smtp import entrance
from gateway.edge.smtp.handler import SmtpHandler
from gateway.edge.smtp.limits import Limits
from gateway.edge.smtp.mail_server import listen
from gateway.edge.smtp.proxy_protocol import introduction
from gateway.errors import BadProxyHeader
from tests.edge.test_smtp_in import MAIL, Bench
from tests.edge.test_smtp_out import certificate
from tests.practice import SITE

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BALANCER = ipaddress.ip_network("127.0.0.1/32")
INSIDE = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("2001:db8::/32"))


def second(family: int, said: bytes, command: int = 0x21) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(said).to_bytes(2, "big") + said


def ends(source: str, more: bytes = b"") -> bytes:
    packed = ipaddress.ip_address(source).packed
    return packed + packed + b"\0\x19\x1f\x90" + more


V1 = b"PROXY TCP4 10.1.2.3 192.0.2.1 56324 25\r\n"
V1_IPV6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 25\r\n"
V2 = second(0x11, ends("10.1.2.3"))
V2_IPV6 = second(0x21, ends("2001:db8::7", b"\x04\0\x03xyz"))

WELL = {
    "v1": (V1, "10.1.2.3"),
    "v1-ipv6": (V1_IPV6, "2001:db8::7"),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", ""),
    "v1-unknown-with-more": (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""),
    "v2": (V2, "10.1.2.3"),
    "v2-ipv6-with-more": (V2_IPV6, "2001:db8::7"),
    "v2-local": (second(0x00, b"", 0x20), ""),
    "v2-unix": (second(0x31, b"\0" * 216), ""),
}


@pytest.mark.parametrize("name", WELL)
def test_it_is_read_in_whatever_pieces_it_comes(name):
    octets, host = WELL[name]
    assert [introduction(octets[:length]) for length in range(len(octets))] == [None] * len(octets)
    found = introduction(octets + b"EHLO")
    assert (found.host, found.length) == (host, len(octets))


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.example\r\n",
        b"\x16\x03\x01",
        b"PROXY TCP4 10.1.2.3\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP4 999.1.2.3 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 10.1.2.3 192.0.2.1 1 2\n" + b" " * 100,
        second(0x11, ends("10.1.2.3")[:8]),
        second(0x11, ends("10.1.2.3"), 0x22),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_none_is_refused(octets):
    with pytest.raises(BadProxyHeader):
        introduction(octets)


@asynccontextmanager
async def listener(bench, **policy):
    """A listener, and on which ports it listens: in clear, and with TLS from the start."""
    policy = replace(bench.policy, **policy)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    handler = SmtpHandler(bench.desk, bench.content, policy)
    server = await listen(handler, policy, SITE.domain, *sockets)
    try:
        yield server, [one.getsockname()[1] for one in sockets]
    finally:
        await server.close()


@asynccontextmanager
async def client(port, introduced=b"", tls=None):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(introduced)
    if tls:
        await writer.start_tls(tls)
    bench = Bench()
    bench.reader, bench.writer = reader, writer
    try:
        yield bench
    finally:
        writer.close()


def careless():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize(("introduced", "host"), [(V1, "10.1.2.3"), (V2, "10.1.2.3"), (V2_IPV6, "IPv6:2001:db8::7")])
@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_client_is_whom_the_balancer_names(tmp_path, introduced, host, encrypted):
    """It may relay from where it is, is counted as itself, and stands in our trace; in clear and within TLS."""
    _, tls = certificate(tmp_path, "localhost")
    bench = Bench()
    async with (
        listener(bench, trusted=INSIDE, balancers=(BALANCER,), tls=tls) as (server, ports),
        client(ports[encrypted], introduced, careless() if encrypted else None) as one,
    ):
        assert (await one.heard()).startswith("220")
        assert ("STARTTLS" in await one.say(b"EHLO client.example\r\n")) is not encrypted
        assert (await one.envelope())[0].startswith("250")
        assert (await one.data(MAIL + b".\r\n")).startswith("250")
        [octets] = bench.content.octets.values()
        assert octets.startswith(b"Received: from client.example ([%s])\r\n" % host.encode())
        assert (b"with ESMTPS id" in octets) is encrypted
        assert [guest.is_trusted for guest in server.sessions.all] == [True]


async def test_a_stranger_behind_the_balancer_is_a_stranger(tmp_path):
    """Though the balancer's own address is trusted."""
    async with (
        listener(Bench(), trusted=(BALANCER,), balancers=(BALANCER,)) as (_, ports),
        client(ports[0], V1.replace(b"10.1.2.3", b"203.0.113.5") + b"EHLO x.example\r\n") as one,
    ):
        assert (await one.heard()).startswith("220")
        assert (await one.heard()).startswith("250")
        assert (await one.envelope())[0].startswith("550 5.7.1")


async def test_nobody_else_may_name_a_client():
    elsewhere = ipaddress.ip_network("192.0.2.9/32")
    async with (
        listener(Bench(), trusted=INSIDE, balancers=(elsewhere,)) as (server, ports),
        client(ports[0]) as one,
    ):
        assert (await one.heard()).startswith("220")
        assert (await one.say(V1)).startswith("500")
        assert [guest.address for guest in server.sessions.all] == ["127.0.0.1"]


@pytest.mark.parametrize("begins", [b"EHLO client.example\r\n", b"PROXY nonsense\r\n", b""])
async def test_a_balancer_that_says_nothing_is_not_listened_to(monkeypatch, begins):
    monkeypatch.setattr(entrance, "PATIENCE", 0.2)
    async with (
        listener(Bench(), balancers=(BALANCER,)) as (server, ports),
        client(ports[0], begins) as one,
    ):
        assert await one.reader.read() == b""
        assert server.sessions.count == 0


async def test_each_client_behind_it_is_counted_by_itself():
    caps = Limits(sessions_an_address=1)
    async with listener(Bench(), trusted=INSIDE, balancers=(BALANCER,), caps=caps) as (_, ports):
        async with client(ports[0], V1) as one, client(ports[0], V2_IPV6) as other, client(ports[0], V2) as again:
            heard = [await each.heard() for each in (one, other, again)]
        assert [line[:3] for line in heard] == ["220", "220", "421"]


async def test_who_never_begins_tls_takes_up_a_session_and_is_sent_away(tmp_path):
    _, tls = certificate(tmp_path, "localhost")
    async with listener(Bench(), tls=tls) as (server, ports), client(ports[1]) as one:
        await asyncio.sleep(0.1)
        assert server.sessions.count == 1
        server.sessions.sweep(server.now() + 1000)
        assert await one.reader.read() == b""
        await asyncio.sleep(0.1)
        assert server.sessions.count == 0


async def test_a_client_in_clear_at_the_port_of_tls_leaves_nothing_behind(tmp_path):
    _, tls = certificate(tmp_path, "localhost")
    async with listener(Bench(), tls=tls) as (server, ports), client(ports[1], b"EHLO client.example\r\n") as one:
        assert b"220" not in await one.reader.read()
        await asyncio.sleep(0.1)
        assert server.sessions.count == 0


async def test_a_server_that_others_share_relays_only_what_shows_the_sites_word():
    """Over one session: whose mail it is shows in each mail by itself."""
    bench = Bench(trusted=())
    bench.desk = replace(bench.desk, site=replace(SITE, tenant=Stamp("X-Sent", "4f0c9b2e7a61d835")))
    async with listener(bench, shared=(BALANCER,)) as (server, ports), client(ports[0]) as one:
        await one.heard()
        await one.say(b"EHLO shared.example\r\n")
        assert [guest.is_trusted for guest in server.sessions.all] == [False]
        for shown, reply in ((b"", "550 5.7.1"), (b"X-Sent: 4f0c9b2e7a61d835\r\n", "250 2.0.0"), (b"", "550 5.7.1")):
            assert (await one.envelope())[0].startswith("250")
            assert (await one.data(shown + MAIL + b".\r\n")).startswith(reply)
        [octets] = bench.content.octets.values()
        assert octets.endswith(MAIL)
        assert b"X-Sent" not in octets
