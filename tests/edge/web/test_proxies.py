"""Who asks, through proxies that are trusted and others."""

import asyncio
from datetime import timedelta
from ipaddress import ip_network

import pytest

from gateway.domain.model import Meta
from gateway.edge.run.metrics import Figures
from gateway.edge.web.proxies import Doubts, ProxyHeaders, address_in
from gateway.flow.context import Desk
from gateway.flow.upkeep import proxies
from gateway.flow.upkeep.proxies import MOST, ProxyFault
from gateway.testing import FakeClock, MemoryStore, fake_keys

TRUSTED = tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8")))


async def asked(peer, *headers, method="GET", https=False):
    """Whom the application sees, and the doubts."""
    seen, doubts = [], []

    async def app(scope, *_):
        seen.append(scope["client"][0] if scope["client"] else None)

    middleware = ProxyHeaders(app, TRUSTED, lambda *doubt: doubts.append(doubt), https=https)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "method": method, "client": (peer, 4711) if peer else None, "headers": raw}
    await middleware(scope, None, None)
    return seen[0], doubts


XFF, FORWARDED = "x-forwarded-for", "forwarded"


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("10.0.0.1", [(XFF, "192.0.2.7")], "192.0.2.7"),
        ("10.0.0.1", [(XFF, "192.0.2.7:51234")], "192.0.2.7"),
        ("10.0.0.1", [(XFF, "198.51.100.9, 192.0.2.7")], "192.0.2.7"),
        ("10.0.0.1", [(XFF, "198.51.100.9"), (XFF, "192.0.2.7, 10.9.9.9")], "192.0.2.7"),
        ("10.0.0.1", [(XFF, "198.51.100.9,192.0.2.7 ,fd00::5,10.9.9.9")], "192.0.2.7"),
        ("10.0.0.1", [(XFF, "2001:db8::7")], "2001:db8::7"),
        ("10.0.0.1", [(XFF, "[2001:db8::7]:4711")], "2001:db8::7"),
        ("10.0.0.1", [(XFF, "::ffff:192.0.2.7")], "192.0.2.7"),
        ("::ffff:10.0.0.1", [(XFF, "192.0.2.7")], "192.0.2.7"),
        ("fd00::1", [(XFF, "192.0.2.7")], "192.0.2.7"),
        ("10.0.0.1", [(XFF, "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        ("10.0.0.1", [(XFF, "192.0.2.7, unknown")], "10.0.0.1"),
        ("10.0.0.1", [(XFF, "192.0.2.7, unknown, 10.0.0.2")], "10.0.0.2"),
        ("10.0.0.1", [(XFF, "")], "10.0.0.1"),
        ("10.0.0.1", [(XFF, "é" * 1000)], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [(FORWARDED, "for=198.51.100.9, for=192.0.2.7;proto=https")], "192.0.2.7"),
        ("10.0.0.1", [(FORWARDED, 'proto=https; For="[2001:db8::7]:4711"')], "2001:db8::7"),
        ("10.0.0.1", [(FORWARDED, "for=192.0.2.7, for=_hidden")], "10.0.0.1"),
        ("10.0.0.1", [(FORWARDED, "for=192.0.2.7, by=10.0.0.2")], "10.0.0.1"),
        ("10.0.0.1", [(FORWARDED, "for=198.51.100.9"), (XFF, "192.0.2.7")], "192.0.2.7"),
        ("192.0.2.1", [(XFF, "198.51.100.9")], "192.0.2.1"),
        ("192.0.2.1", [(FORWARDED, "for=198.51.100.9")], "192.0.2.1"),
        ("192.0.2.1", [(XFF, "10.0.0.1")], "192.0.2.1"),
    ],
)
async def test_the_client_is_whom_trusted_proxies_name_and_nobody_else(peer, headers, client):
    assert (await asked(peer, *headers))[0] == client


async def test_a_list_without_end_is_no_work():
    assert (await asked("10.0.0.1", (XFF, "10.0.0.1," * 100_000)))[0] == "10.0.0.1"
    assert address_in("[" * 100_000) is None


@pytest.mark.parametrize(
    ("peer", "headers", "doubts"),
    [
        ("192.0.2.1", [(XFF, "198.51.100.9")], [("192.0.2.1", ProxyFault.UNKNOWN)]),
        ("192.0.2.1", [(FORWARDED, "for=198.51.100.9")], [("192.0.2.1", ProxyFault.UNKNOWN)]),
        ("192.0.2.1", [("via", "1.1 cache")], [("192.0.2.1", ProxyFault.UNKNOWN)]),
        ("192.0.2.1", [], []),
        ("10.0.0.1", [(XFF, "192.0.2.7"), ("via", "1.1 cache")], []),
        ("10.0.0.1", [], [("10.0.0.1", ProxyFault.MUTE)]),
        ("", [(XFF, "198.51.100.9")], []),
    ],
)
async def test_a_proxy_that_is_not_set_up_is_noticed(peer, headers, doubts):
    assert (await asked(peer, *headers, method="POST", https=True))[1] == doubts


async def test_what_does_not_come_over_a_tls_proxy_need_not_name_anybody():
    assert (await asked("10.0.0.1", method="POST"))[1] == []
    assert (await asked("10.0.0.1", https=True))[1] == []  # a monitor asks as well


@pytest.fixture
def desk():
    return Desk(MemoryStore(), None, fake_keys(), FakeClock())


async def test_a_doubt_is_warned_of_once_counted_each_time_and_remembered(desk, capsys):
    figures = Figures()
    doubts = Doubts(desk, figures)
    for _ in range(5):
        doubts("172.17.0.1", ProxyFault.UNKNOWN)
    doubts("172.17.0.2", ProxyFault.UNKNOWN)
    await asyncio.gather(*doubts._notes)
    assert capsys.readouterr().out.count("portal.trusted_proxies") == 1
    assert figures.registry.get_sample_value("gateway_portal_proxy_doubts_total", {"why": "unknown"}) == 6
    seen = await desk.ask(lambda ctx: proxies.seen(ctx.tx, ctx.now))
    assert [(one.peer, one.doubt) for one in seen] == [
        ("172.17.0.2", ProxyFault.UNKNOWN),
        ("172.17.0.1", ProxyFault.UNKNOWN),
    ]


async def test_strangers_who_make_up_proxies_fill_nothing(desk):
    doubts = Doubts(desk, Figures())
    for number in range(100):
        doubts(f"192.0.2.{number}", ProxyFault.UNKNOWN)
    assert len(doubts._notes) == MOST
    await asyncio.gather(*doubts._notes)
    for number in range(100):
        await desk.do(proxies.note, f"198.51.100.{number}", ProxyFault.UNKNOWN)
    assert len(await desk.ask(lambda ctx: proxies.seen(ctx.tx, ctx.now))) == MOST
    assert len(await desk.store.read(lambda tx: tx.find(Meta))) == 1


async def test_what_was_mended_is_forgotten(desk):
    await desk.do(proxies.note, "172.17.0.1", ProxyFault.UNKNOWN)
    desk.clock.advance(days=1)
    assert await desk.ask(lambda ctx: proxies.seen(ctx.tx, ctx.now))
    desk.clock.advance(days=1)
    assert not await desk.ask(lambda ctx: proxies.seen(ctx.tx, ctx.now))
    assert timedelta(days=2) == proxies.FRESH
