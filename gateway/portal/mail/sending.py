"""Sending what a person has written: sealed while it is composed, handed over in one transaction, and once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator

from starlette.exceptions import HTTPException

from gateway.domain.model import Account, Message
from gateway.errors import TooLarge
from gateway.flow.inbox.messages import Written
from gateway.portal.visit import Visit
from gateway.ports import ContentStore, Sealed

Send = Callable[[Written], Awaitable[Message | None]]
"""The use case; None where there is nobody any more to write to."""


def message_id(visit: Visit, account: Account, said: list[str]) -> str:
    """The Message-ID of what an account says, the same for the same."""
    digest = visit.desk.keys.digest("sent", f"{account.id}|{json.dumps(said)}".encode())
    return f"<{digest.hex()[:32]}@{visit.desk.site.domain}>"


async def seal_and_send(visit: Visit, pieces: Iterator[bytes], told: tuple[str, str, bool], send: Send) -> None:
    """Send a message; `told` is its subject, its Message-ID, and whether it has files.

    Raises TooLarge, StoreFull, StoreBusy, and HTTPException (404); nothing is left behind then.
    """
    subject, header_id, has_files = told
    content = await asyncio.to_thread(_sealed, visit.portal.content, pieces, visit.portal.max_upload)
    sent = None
    try:
        sent = await send(Written(content, subject, header_id, has_files))
    finally:
        if sent is None:
            await asyncio.to_thread(visit.portal.content.discard, content.content_id)
    if sent is None:
        raise HTTPException(404)


def _sealed(content: ContentStore, pieces: Iterator[bytes], most: int) -> Sealed:
    """Seal a message while it is written. Raises TooLarge, StoreFull, StoreBusy, and has then left nothing behind."""
    writer, size = content.writer(), 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > most:
                raise TooLarge
            writer.write(piece)
        sealed = writer.finish()
        writer.sync()
    except BaseException:
        writer.abandon()
        raise
    return sealed
