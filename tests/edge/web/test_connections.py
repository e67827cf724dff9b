"""Connections of web clients, over real sockets: the silent and the slow end, and keep nobody else out."""

import asyncio
import contextlib
import socket
from ipaddress import ip_network

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.edge.web import connections
from gateway.edge.web.connections import Limits
from gateway.edge.web.serving import serve_web

LOOPBACK = (ip_network("127.0.0.0/8"),)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"


class Site:
    """A page that reads what it is sent, one whose answer is long, and one that takes its time."""

    def __init__(self):
        self.goes_on = asyncio.Event()
        routes = [
            Route("/", self.page, methods=["GET", "POST"]),
            Route("/long", self.long),
            Route("/busy", self.busy),
        ]
        self.app = Starlette(routes=routes)
        self.bound = socket.create_server(("127.0.0.1", 0))

    async def page(self, request):
        with contextlib.suppress(Exception):  # the client has gone
            await request.body()
        return PlainTextResponse("ok")

    async def long(self, _):
        return Response(b"x" * 30_000_000)

    async def busy(self, _):
        await self.goes_on.wait()
        return PlainTextResponse("ok")

    async def connect(self, said=b""):
        reader, writer = await asyncio.open_connection(*self.bound.getsockname())
        writer.write(said)
        await writer.drain()
        return reader, writer

    async def answer(self, said=GET):
        """What a well-behaved client hears."""
        reader, writer = await self.connect(said)
        try:
            return await reader.readline()
        finally:
            writer.close()


@pytest.fixture
async def site(monkeypatch):
    monkeypatch.setattr(connections, "PATIENCE", 0.5)
    monkeypatch.setattr(connections, "LOOK_EVERY", 0.1)
    async with serving() as site:
        yield site


@contextlib.asynccontextmanager
async def serving(caps=None, trusted=()):
    site = Site()
    async with contextlib.AsyncExitStack() as stack:
        await serve_web(stack, site.app, site.bound, caps, trusted)
        yield site


@pytest.mark.parametrize(
    "said", [b"", b"G", GET[:-2], POST, POST + b"x"], ids=["nothing", "G", "a head", "no body", "x"]
)
async def test_who_falls_silent_is_sent_away(site, said):
    reader, writer = await site.connect(said)
    heard = await reader.read()
    assert heard == (connections._TOO_SLOW if said else b"")
    writer.close()


@pytest.mark.parametrize("said", [b"", POST], ids=["head", "body"])
async def test_who_dribbles_is_sent_away(site, said):
    reader, writer = await site.connect(said)
    ended = asyncio.create_task(reader.read())
    while not ended.done():
        writer.write(b"x")
        await asyncio.sleep(0.1)
    with contextlib.suppress(ConnectionResetError):  # what was still on its way came too late for the answer to be read
        assert await ended == connections._TOO_SLOW
    writer.close()


async def test_who_does_not_read_the_answer_is_sent_away(site):
    reader, writer = await site.connect(GET.replace(b"/", b"/long", 1))
    await asyncio.sleep(1.5)
    heard = 0
    with contextlib.suppress(ConnectionError):
        while octets := await reader.read(2**20):
            heard += len(octets)
    assert heard < 30_000_000
    writer.close()


async def test_who_sends_steadily_and_who_waits_for_us_stay(site):
    reader, writer = await site.connect(POST.replace(b"1000000", b"16000"))
    busy, busy_writer = await site.connect(GET.replace(b"/", b"/busy", 1))
    for _ in range(8):
        writer.write(b"x" * 2000)
        await asyncio.sleep(0.2)
    assert b" 200 " in await reader.readline()
    site.goes_on.set()
    assert b" 200 " in await busy.readline()
    writer.close()
    busy_writer.close()


@pytest.mark.parametrize("trusted", [(), LOOPBACK], ids=["of one address", "of a proxy"])
async def test_silent_connections_keep_nobody_out(trusted):
    async with serving(Limits(20, 10), trusted) as site:
        silent = [await site.connect(said) for said in [b"", b"G", POST] * 20]
        assert b" 200 " in await site.answer()
        ended = await asyncio.gather(
            *(asyncio.wait_for(reader.read(), 0.2) for reader, _ in silent), return_exceptions=True
        )
        left = sum(isinstance(one, TimeoutError) for one in ended)
        assert left == (20 if trusted else 10) - 1
        for _, writer in silent:
            writer.close()


async def test_who_is_being_served_makes_no_room():
    async with serving(Limits(3, 3)) as site:
        busy = [await site.connect(GET.replace(b"/", b"/busy", 1)) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await site.answer() == b""
        site.goes_on.set()
        for reader, writer in busy:
            assert b" 200 " in await reader.readline()
            writer.close()
