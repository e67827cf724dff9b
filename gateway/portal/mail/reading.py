"""One message, its files, and one that the reader wrote."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account, Content
from gateway.flow.inbox import lines, messages
from gateway.flow.inbox.messages import OpenedMessage
from gateway.mail import parse
from gateway.mail.meetings import Meeting
from gateway.mail.outline import Outline, outlined
from gateway.mail.parse import Attachment, Head, Piece
from gateway.portal import headers
from gateway.portal.cookies import unguessable
from gateway.portal.mail.content import OCTETS, Shown, download, is_clean, shown_of
from gateway.portal.mail.ranges import asked
from gateway.portal.visit import Visit


async def message(visit: Visit, account: Account) -> Response:
    """One message from the inbox, with what was written before and after it."""
    opened = await open_message(visit, account)
    remote = visit.request.query_params.get("images") == "on"
    shown = await show_message(visit, opened, remote=remote)
    facts = {
        "line": opened.line,
        "from_address": opened.author_address,
        "shown": shown,
        "may_answer": may_answer(opened, shown.meeting),
        "remote": remote,
        "talk_lines": await visit.desk.ask(lines.conversation, account, opened.line.message_id),
        "done": visit.request.query_params.get("done", ""),
        "writing": unguessable(visit.portal.random),
    }
    page = await asyncio.to_thread(visit.show, "mail/message", facts)  # it may be as long as a mail
    if remote:
        page.headers["content-security-policy"] = headers.policy(pictures="https:")
    return page


async def sent(visit: Visit, account: Account) -> Response:
    """One message that the person wrote."""
    opened = await visit.desk.do(messages.own_message, account, visit.request.path_params["message_id"])
    if opened is None:
        raise HTTPException(404)
    line, shown = opened.line, await _shown(visit, opened, "")
    facts = {
        "line": line,
        "shown": shown,
        "talk_lines": await visit.desk.ask(lines.conversation, account, line.message_id),
    }
    return await asyncio.to_thread(visit.show, "mail/sent", facts)


def may_answer(opened: OpenedMessage, meeting: Meeting | None) -> bool:
    """Whether a meeting asks for an answer, and is the sender's own: somebody else's would not be told."""
    if meeting is None or meeting.method != "REQUEST" or not meeting.uid:
        return False
    return meeting.organiser.address.lower() == opened.author_address.lower()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file of a message, and where its octets are."""

    file: Attachment
    chunks: Callable[[], Iterator[bytes]]


async def attachment(visit: Visit, account: Account) -> Response:
    """One file of a message whose page was opened before, or a part of it; a picture within it is fetched so, too."""
    found = await find_file(visit, account)
    if (kept := await kept_back(visit, found.chunks(), found.file.filename)) is not None:
        return kept
    await note_file(visit, account)
    file = found.file
    span = asked(visit.request.headers.get("range", ""), file.size) if visit.request.method == "GET" else None
    if "if-range" in visit.request.headers:  # we give no validators, so it names none of ours (RFC 9110 §13.1.5)
        span = None
    kind = file.kind.content_type if file.kind else file.content_type
    response = download(found.chunks(), file.size, file.filename, kind, span)
    response.headers["accept-ranges"] = "bytes"
    return response


async def find_file(visit: Visit, account: Account) -> FoundFile:
    """The file that the path names; 404 for another's, and for one of a message that was not opened yet."""
    peeked = await visit.desk.ask(messages.peek, account, visit.request.path_params["copy_id"])
    if peeked is None:
        raise HTTPException(404)
    content, key = peeked
    trail = visit.request.path_params["trail"]

    def find() -> tuple[Attachment, Piece] | None:
        return parse.piece(_outline(visit, content, key), *trail)

    async with visit.portal.room_for(content.size):
        found = await asyncio.to_thread(find)
    if found is None:
        raise HTTPException(404)
    file, piece = found
    return FoundFile(file, lambda: piece.octets(_stored(visit, content, key)))


async def kept_back(visit: Visit, octets: Iterator[bytes], filename: str = "") -> Response | None:
    """The page that says why a file, or a whole message, is not given out; None for one that is."""
    clean = await is_clean(visit, octets)
    if clean is True:
        return None
    facts = {"copy_id": visit.request.path_params["copy_id"], "filename": filename, "infected": clean is False}
    return visit.show("mail/kept_back", facts, status=403 if clean is False else 503)


async def note_file(visit: Visit, account: Account) -> None:
    """The audit hears that the file, or what stands in it, leaves the portal."""
    at = visit.request.path_params
    await visit.desk.do(messages.note_file, account, at["copy_id"], at["trail"][0])


async def enclosed(visit: Visit, account: Account) -> Response:
    """A message that lies within one whose page was opened before."""
    found = await find_file(visit, account)
    if not found.file.is_message:
        raise HTTPException(404)
    await note_file(visit, account)
    copy_id, trail = visit.request.path_params["copy_id"], visit.request.path_params["trail"]
    folder = address(copy_id, trail)

    def take_apart() -> tuple[Head, Shown]:
        raw = b"".join(found.chunks())
        return parse.head(raw), shown_of(raw, folder, visit.language())

    async with visit.portal.room_for(found.file.size):
        head, shown = await asyncio.to_thread(take_apart)
    told = {name: head.get(name) for name in ("from", "to", "date")}
    facts = {"up": around(copy_id, trail), "folder": folder, "subject": head.subject, "told": told, "shown": shown}
    return await asyncio.to_thread(visit.show, "mail/enclosed", facts)


def address(copy_id: int, trail: Sequence[int]) -> str:
    """Where a file is given out."""
    return f"/messages/{copy_id}/attachments/{'/'.join(map(str, trail))}"


def around(copy_id: int, trail: Sequence[int]) -> str:
    """The page of the message that a file lies in."""
    return f"{address(copy_id, trail[:-1])}/open" if len(trail) > 1 else f"/messages/{copy_id}"


async def original(visit: Visit, account: Account) -> Response:
    """The whole message as it came, for a mail client to open."""
    opened = await open_message(visit, account)
    content, key = opened.content, opened.data_key
    if (kept := await kept_back(visit, _stored(visit, content, key))) is not None:
        return kept
    chunks = _stored(visit, content, key)
    first = await asyncio.to_thread(next, chunks, b"")  # raises WrongKey while that can still be said
    await visit.desk.do(messages.note_original, account, opened.line.copy_id)
    name = f"message-{opened.line.copy_id}.eml"
    size = len(opened.addressed) + content.size
    return download(itertools.chain(filter(None, (opened.addressed, first)), chunks), size, name, OCTETS)


async def open_message(visit: Visit, account: Account) -> OpenedMessage:
    """One of the reader's own messages; 404 for another's as for none at all."""
    opened = await visit.desk.do(messages.open_message, account, visit.request.path_params["copy_id"])
    if opened is None:
        raise HTTPException(404)
    return opened


async def show_message(visit: Visit, opened: OpenedMessage, *, remote: bool = False) -> Shown:
    """What a page shows of it."""
    folder = f"/messages/{opened.line.copy_id}/attachments"
    return await _shown(visit, opened, folder, remote=remote)


async def _shown(visit: Visit, opened: OpenedMessage, folder: str, *, remote: bool = False) -> Shown:
    def take_apart() -> Shown:
        outline = _outline(visit, opened.content, opened.data_key)
        return shown_of(outline, folder, visit.language(), remote=remote)

    async with visit.portal.room_for(opened.content.size):
        return await asyncio.to_thread(take_apart)


def _outline(visit: Visit, content: Content, key: bytes) -> Outline:
    return outlined(content.size, lambda: _stored(visit, content, key))


def _stored(visit: Visit, content: Content, key: bytes) -> Iterator[bytes]:
    return visit.portal.content.chunks(content.id, content.inline, key)
