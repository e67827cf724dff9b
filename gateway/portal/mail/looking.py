"""A look at a file without saving it: a page of its own, on which nothing of the file can act.

Its octets are never taken for a page: pictures and sounds are what the browser's own elements show, of others there
are a picture that a process with limits has made, or words.
"""

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.mail.bounds import CARD_OCTETS, LOOKED_AT_OCTETS
from gateway.mail.cards import cards
from gateway.mail.kinds import Preview
from gateway.portal import headers
from gateway.portal.mail.reading import FoundFile, address, around, find_file, kept_back, note_file
from gateway.portal.visit import Visit
from gateway.ports import NoPicture, Why

Facts = dict[str, Any]


async def look(visit: Visit, account: Account) -> Response:
    """One file, as far as it can be looked at; else why not."""
    found = await find_file(visit, account)
    kind = found.file.kind
    if kind is None:
        raise HTTPException(404)
    if (kept := await kept_back(visit, found.chunks(), found.file.filename)) is not None:
        return kept
    copy_id, trail = visit.request.path_params["copy_id"], visit.request.path_params["trail"]
    where = {"here": address(copy_id, trail), "up": around(copy_id, trail)}
    facts: Facts = where | {"file": found.file, "preview": kind.preview.name.lower(), "why": ""}
    if kind.preview in _FACTS:
        await note_file(visit, account)  # a picture or a sound is noted when the browser fetches it
        facts |= await _FACTS[kind.preview](visit, found)
    page = visit.show("mail/look", facts)
    if kind.preview is Preview.SOUND:
        page.headers["content-security-policy"] = headers.policy(sounds=True)
    return page


async def _cards(_: Visit, found: FoundFile) -> Facts:
    def read() -> Facts:
        read = cards(_beginning(found.chunks(), CARD_OCTETS))
        return {"cards": read, "why": "" if read else Why.UNREADABLE.name.lower()}

    return await asyncio.to_thread(read)


async def _page(visit: Visit, found: FoundFile) -> Facts:
    try:
        return await _painted(visit, found)
    except NoPicture as error:
        return {"why": error.why.name.lower()}


async def _painted(visit: Visit, found: FoundFile) -> Facts:
    """The picture stands in the page, so that the file is looked at for viruses, and drawn, once for both."""
    painter, file = visit.portal.painter, found.file
    if painter is None or file.kind is None or file.size > LOOKED_AT_OCTETS:
        raise NoPicture(Why.TOO_MUCH)
    async with visit.portal.looks.turn(visit.asker()):
        made = await painter.page(file.kind.content_type, found.chunks(), visit.page)
    source = f"data:{made.content_type};base64,{b64encode(made.octets).decode()}"
    return {"made": made, "source": source, "page": visit.page}


def _beginning(file: Iterator[bytes], most: int) -> bytes:
    octets = bytearray()
    for chunk in file:
        octets += chunk
        if len(octets) >= most:
            break
    return bytes(octets[:most])


_FACTS: dict[Preview, Callable[[Visit, FoundFile], Awaitable[Facts]]] = {
    Preview.CARD: _cards,
    Preview.PAGES: _page,
    Preview.SCAN: _page,
}
