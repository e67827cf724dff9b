"""clamd, asked in its own protocol (clamd(8)): a file goes over in chunks, a line comes back."""

import asyncio
import contextlib
import re
from collections.abc import Iterator

from gateway.ports import ScannerDown

PATIENCE = 60.0
"""Seconds for one file, or for an answer: clamd reads archives within archives."""


class Clamd:
    """The port `Scanner`. `where` is "host:port", or the path of a Unix socket."""

    def __init__(self, where: str, patience: float = PATIENCE) -> None:
        self._where = where
        self._patience = patience

    async def scan(self, file: Iterator[bytes]) -> str:
        answer = await self._ask(b"zINSTREAM\0", file)
        if answer.endswith(" OK"):
            return ""
        found = re.fullmatch(r"stream: (.+) FOUND", answer)
        if not found:
            raise ScannerDown(f"clamd at {self._where} says: {answer[:200] or 'nothing'}")
        return found[1]

    async def ping(self) -> None:
        """Raises ScannerDown unless clamd is there."""
        answer = await self._ask(b"zPING\0")
        if answer != "PONG":
            raise ScannerDown(f"clamd at {self._where} says: {answer[:200] or 'nothing'}")

    async def _ask(self, command: bytes, file: Iterator[bytes] | None = None) -> str:
        try:
            async with asyncio.timeout(self._patience):
                reader, writer = await self._connect()
                try:
                    writer.write(command)
                    if file is not None:
                        await self._stream(writer, file)
                    return (await reader.readuntil(b"\0")).rstrip(b"\0").decode("utf-8", "replace")
                finally:
                    writer.close()
        except asyncio.IncompleteReadError as error:
            raise ScannerDown(f"clamd at {self._where} has hung up") from error
        except TimeoutError as error:
            raise ScannerDown(f"clamd at {self._where} does not answer") from error
        except OSError as error:
            raise ScannerDown(f"clamd at {self._where} cannot be reached: {error.strerror or error}") from error

    async def _stream(self, writer: asyncio.StreamWriter, file: Iterator[bytes]) -> None:
        """Each chunk after its length, four octets of it; an empty one is the end."""
        # clamd answers and hangs up when there is too much for it: the answer says so, whatever is still unsent.
        with contextlib.suppress(ConnectionError):
            while (chunk := await asyncio.to_thread(next, file, None)) is not None:
                if chunk:
                    writer.write(len(chunk).to_bytes(4, "big"))
                    writer.write(chunk)
                    await writer.drain()
            writer.write(bytes(4))
            await writer.drain()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._where.startswith("/"):
            return await asyncio.open_unix_connection(self._where)
        host, _, port = self._where.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))
