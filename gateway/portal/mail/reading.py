"""The inbox, one message, and its files."""

import asyncio
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow import register, release
from gateway.flow.context import Context
from gateway.flow.release import Opened
from gateway.mail import parse
from gateway.mail.parse import Attachment, Malformed
from gateway.portal.mail.html import safe
from gateway.portal.visit import Portal, Visit

PAGE = 50
"""How many lines of an inbox are shown at once."""
_HARMLESS = frozenset({"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp"})
_OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a message's content; `html` has been made safe."""

    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    unreadable: bool = False


async def inbox(visit: Visit, account: Account) -> Response:
    """The newest first, with what other practices still ask."""
    facts = await visit.desk.ask(_inbox, account, visit.page)
    facts |= {"done": visit.request.query_params.get("done", "")}
    return await asyncio.to_thread(visit.show, "mail/inbox", facts)


def _inbox(ctx: Context, account: Account, page: int) -> dict[str, Any]:
    count = release.inbox_count(ctx, account)
    pages = max(ceil(count / PAGE), 1)
    page = min(page, pages)
    return {
        "lines": release.inbox(ctx, account, skip=(page - 1) * PAGE, limit=PAGE),
        "count": count,
        "page": page,
        "pages": pages,
        "questions": register.questions(ctx, account),
    }


async def message(visit: Visit, account: Account) -> Response:
    opened, raw = await open_message(visit, account)
    shown = await asyncio.to_thread(shown_of, raw, f"/messages/{opened.line.copy_id}/attachments")
    done = visit.request.query_params.get("done", "")
    facts = {"line": opened.line, "from_address": opened.author_address, "shown": shown, "done": done}
    return await asyncio.to_thread(visit.show, "mail/message", facts)  # it may be as long as a mail


async def attachment(visit: Visit, account: Account) -> Response:
    _, raw = await open_message(visit, account)
    found = await asyncio.to_thread(parse.attachment, raw, visit.request.path_params["index"])
    if found is None:
        raise HTTPException(404)
    file, octets = found
    return _download(octets, file.filename, file.content_type if file.content_type in _HARMLESS else _OCTETS)


async def original(visit: Visit, account: Account) -> Response:
    """The whole message as it came, for a mail client to open."""
    opened, raw = await open_message(visit, account)
    return _download(raw, f"message-{opened.line.copy_id}.eml", _OCTETS)


async def open_message(visit: Visit, account: Account) -> tuple[Opened, bytes]:
    """One of the reader's own messages with its octets; 404 for another's as for none at all."""
    opened = await visit.desk.do(release.open_message, account, visit.request.path_params["copy_id"])
    if opened is None:
        raise HTTPException(404)
    return opened, await asyncio.to_thread(_octets, visit.portal, opened)


def shown_of(raw: bytes, folder: str) -> Shown:
    """Take a message apart for its page; its files are offered in `folder`."""
    body = parse.body(raw)
    if isinstance(body, Malformed):
        return Shown(unreadable=True)
    html = safe(body.html, body.attachments, folder) if body.html.strip() else ""
    return Shown(body.text, html, body.attachments)


def _octets(portal: Portal, opened: Opened) -> bytes:
    return portal.content.get(opened.content.id, opened.content.inline, opened.data_key)


def _download(octets: bytes, filename: str, content_type: str) -> Response:
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in filename)
    headers = {
        "content-type": content_type,
        # RFC 6266 §4.3: the plain name for who cannot read the exact one.
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(octets, headers=headers)
