"""Pictures of pages, each made by a short-lived process with limits (`page_picture.py`)."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.mail.bounds import LOOKED_AT_PAGES, PAGE_LENGTH, PICTURE_OCTETS, START_OCTETS
from gateway.mail.decoding import lines
from gateway.mail.kinds import Preview, kind_of
from gateway.ports import NoPicture, PagePicture, Why

log = structlog.get_logger()

_MOST = PICTURE_OCTETS + 12 * PAGE_LENGTH + 1_000
"""The octets of an answer: JSON writes a character beyond 16 bits in twelve."""


@dataclass(frozen=True, slots=True)
class ProcessPainter:
    """The port `Painter`. Memory in octets, `seconds` of the processor's time, `patience` in seconds of the clock's."""

    memory: int = 2**30
    seconds: int = 10
    patience: float = 20.0

    async def page(self, content_type: str, file: Iterator[bytes], number: int) -> PagePicture:
        process = await self._begin(content_type, number)
        try:
            async with asyncio.timeout(self.patience):
                answer = await _asked(process, file)
                code = await process.wait()
        except TimeoutError:
            code, answer = -1, b""
        finally:
            await _end(process)
        if code:  # a signal, or no memory even to begin
            log.warning("no picture of a file", content_type=content_type, code=code)
            raise NoPicture(Why.TOO_MUCH)
        return _read(answer)

    async def _begin(self, content_type: str, number: int) -> asyncio.subprocess.Process:
        # A new program, not a copy of this one: what this one knows, its keys above all, is not in its memory.
        command = (sys.executable, "-I", "-m", "gateway.edge.page_picture")
        asked = (content_type, str(number), str(self.memory), str(self.seconds))
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(
            *command, *asked, stdin=pipe, stdout=pipe, stderr=nothing, env={}, cwd="/", start_new_session=True
        )


async def _asked(process: asyncio.subprocess.Process, file: Iterator[bytes]) -> bytes:
    """What it answers to a file, or the beginning of it where that is more than it should be."""
    assert process.stdin  # noqa: S101 - it was given a pipe for each
    assert process.stdout  # noqa: S101
    with contextlib.suppress(ConnectionError):  # it has ended before it had all of the file
        while (chunk := await asyncio.to_thread(next, file, None)) is not None:
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()
    answer = bytearray()
    while len(answer) <= _MOST and (chunk := await process.stdout.read(65_536)):
        answer += chunk
    if len(answer) > _MOST:
        raise NoPicture(Why.TOO_MUCH)
    return bytes(answer)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    with contextlib.suppress(ConnectionError):
        await process.communicate()  # what is in the pipes goes


def _read(answer: bytes) -> PagePicture:
    """The answer; it is believed no further than it must be, since a stranger's file may have written it."""
    head, _, picture = answer.partition(b"\n")
    try:
        said: Any = json.loads(head)
        if "why" in said:
            raise NoPicture(Why(said["why"]))
        pages, text, (width, height) = int(said["pages"]), str(said["text"]), map(int, said["size"])
    except (ValueError, TypeError, KeyError):
        raise NoPicture(Why.UNREADABLE) from None
    kind = kind_of(picture[:START_OCTETS])
    if kind is None or kind.preview is not Preview.PICTURE or len(picture) > PICTURE_OCTETS:
        raise NoPicture(Why.UNREADABLE)
    most = min(pages, LOOKED_AT_PAGES)
    return PagePicture(picture, kind.content_type, width, height, pages, most, lines(text[:PAGE_LENGTH]).strip())
