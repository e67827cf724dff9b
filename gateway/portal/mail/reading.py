"""One message, its files, and one that the reader wrote."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account, Content, Message
from gateway.flow import lines, release
from gateway.flow.context import Context
from gateway.flow.lines import Line
from gateway.flow.release import Opened
from gateway.mail import parse
from gateway.portal import headers
from gateway.portal.mail.content import OCTETS, download, is_clean, shown_of
from gateway.portal.visit import Portal, Visit


async def message(visit: Visit, account: Account) -> Response:
    """One message from the inbox, with what was written before and after it."""
    opened, raw = await open_message(visit, account)
    copy_id = opened.line.copy_id
    remote = visit.request.query_params.get("images") == "on"
    folder, language = f"/messages/{copy_id}/attachments", visit.language()
    facts = {
        "line": opened.line,
        "from_address": opened.author_address,
        "shown": await asyncio.to_thread(shown_of, raw, folder, language, remote=remote),
        "remote": remote,
        "talk_lines": await visit.desk.ask(_talk, account, opened.line.message_id),
        "done": visit.request.query_params.get("done", ""),
    }
    page = await asyncio.to_thread(visit.show, "mail/message", facts)  # it may be as long as a mail
    if remote:
        page.headers["content-security-policy"] = headers.policy(pictures="https:")
    return page


async def sent(visit: Visit, account: Account) -> Response:
    """One message that the person wrote."""
    found = await visit.desk.ask(release.own_message, account, visit.request.path_params["message_id"])
    if found is None:
        raise HTTPException(404)
    line, content, key = found
    raw = await asyncio.to_thread(_octets, visit.portal, content, key)
    shown = await asyncio.to_thread(shown_of, raw, "", visit.language())
    facts = {"line": line, "shown": shown, "talk_lines": await visit.desk.ask(_talk, account, line.message_id)}
    return await asyncio.to_thread(visit.show, "mail/sent", facts)


def _talk(ctx: Context, account: Account, message_id: int) -> list[Line]:
    message = ctx.tx.get(Message, message_id)
    return lines.conversation(ctx, account, message) if message else []


async def attachment(visit: Visit, account: Account) -> Response:
    """One file of a message. The message's page was opened before, which is what the audit tells."""
    index = visit.request.path_params["index"]
    peeked = await visit.desk.ask(release.peek, account, visit.request.path_params["copy_id"])
    if peeked is None:
        raise HTTPException(404)
    raw = await asyncio.to_thread(_octets, visit.portal, *peeked)
    found = await asyncio.to_thread(parse.attachment, raw, index)
    if found is None:
        raise HTTPException(404)
    file, octets = found
    clean = await is_clean(visit, octets)
    if clean is not True:
        facts = {"copy_id": visit.request.path_params["copy_id"], "filename": file.filename, "infected": clean is False}
        return visit.show("mail/kept_back", facts, status=403 if clean is False else 503)
    if not file.content_id:
        await visit.desk.do(release.note_file, account, visit.request.path_params["copy_id"], index)
    return download(octets, file.filename, file.content_type)


async def original(visit: Visit, account: Account) -> Response:
    """The whole message as it came, for a mail client to open."""
    opened, raw = await open_message(visit, account)
    if await is_clean(visit, raw) is not True:
        facts = {"copy_id": opened.line.copy_id, "filename": "", "infected": True}
        return visit.show("mail/kept_back", facts, status=403)
    return download(raw, f"message-{opened.line.copy_id}.eml", OCTETS)


async def open_message(visit: Visit, account: Account) -> tuple[Opened, bytes]:
    """One of the reader's own messages with its octets; 404 for another's as for none at all."""
    opened = await visit.desk.do(release.open_message, account, visit.request.path_params["copy_id"])
    if opened is None:
        raise HTTPException(404)
    return opened, await asyncio.to_thread(_octets, visit.portal, opened.content, opened.data_key)


def _octets(portal: Portal, content: Content, data_key: bytes) -> bytes:
    return portal.content.get(content.id, content.inline, data_key)
