"""clamd's protocol, against a server that speaks it as clamd(8) describes it."""

import asyncio
import contextlib

import pytest

from gateway.edge.clamd import Clamd
from gateway.ports import ScannerDown

EICAR = b"X5O!P%@AP[4" + rb"\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""What every scanner takes for a virus, by agreement."""


class Server:
    """Answers PING and INSTREAM; a stream may have `limit` octets."""

    def __init__(self, limit=1_000_000):
        self.limit = limit
        self.streams = []

    async def serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            command = await reader.readuntil(b"\0")
            writer.write(await self._answer(command, reader))
            await writer.drain()
        writer.close()

    async def _answer(self, command, reader):
        if command == b"zPING\0":
            return b"PONG\0"
        assert command == b"zINSTREAM\0"
        stream = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            stream += await reader.readexactly(size)
            if len(stream) > self.limit:
                return b"INSTREAM size limit exceeded. ERROR\0"
        self.streams.append(stream)
        return b"stream: Eicar-Signature FOUND\0" if EICAR in stream else b"stream: OK\0"


@pytest.fixture
async def clamd():
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.where = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield server
    listening.close()


async def test_what_is_clean_and_what_is_not(clamd):
    octets = bytes(range(256)) * 1000
    assert await Clamd(clamd.where).scan(iter([octets])) == ""
    assert await Clamd(clamd.where).scan(iter([b""])) == ""
    assert await Clamd(clamd.where).scan(iter([octets + EICAR])) == "Eicar-Signature"
    assert clamd.streams == [octets, b"", octets + EICAR]
    await Clamd(clamd.where).ping()


async def test_over_a_socket_of_this_machine(tmp_path):
    server, path = Server(), str(tmp_path / "clamd.ctl")
    listening = await asyncio.start_unix_server(server.serve, path)
    assert await Clamd(path).scan(iter([EICAR])) == "Eicar-Signature"
    listening.close()


async def test_a_file_too_large_for_it_is_not_called_clean(clamd):
    with pytest.raises(ScannerDown, match=r"size limit|cannot be reached|hung up"):
        await Clamd(clamd.where).scan(iter([b"x" * 5_000_000]))


@pytest.mark.parametrize("where", ["127.0.0.1:1", "/nowhere/clamd.ctl"])
async def test_one_that_is_not_there_is_said(where):
    with pytest.raises(ScannerDown, match="cannot be reached"):
        await Clamd(where).scan(iter([b"x"]))


@pytest.mark.parametrize("answer", [b"", b"stream: OK", b"\0", b"nonsense\0"])
async def test_an_answer_that_is_none_is_not_called_clean(answer):
    async def serve(reader, writer):
        writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    with pytest.raises(ScannerDown):
        await Clamd(f"127.0.0.1:{listening.sockets[0].getsockname()[1]}").scan(iter([b"x"]))
    listening.close()


async def test_one_that_says_nothing_is_not_waited_for(tmp_path):
    gone = asyncio.Event()

    async def serve(reader, writer):
        await reader.read()
        writer.close()
        gone.set()

    path = str(tmp_path / "clamd.ctl")
    listening = await asyncio.start_unix_server(serve, path)
    with pytest.raises(ScannerDown, match="does not answer"):
        await Clamd(path, patience=0.2).scan(iter([b"x"]))
    await gone.wait()
    listening.close()
