"""Answering a message, and writing anew to somebody who wrote before."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account, Message
from gateway.domain.saying import say
from gateway.flow import release
from gateway.flow.people import display
from gateway.flow.release import Written
from gateway.mail.compose import Upload, written
from gateway.portal.form import REFUSED
from gateway.portal.mail.forms import ComposeForm, ReplyForm
from gateway.portal.mail.reading import open_message, shown_of
from gateway.portal.visit import Visit, go_to

_ANSWERED = re.compile(r"(re|aw|sv|antw)\s*:", re.IGNORECASE)
"""How mail clients say, in several languages, that a subject is an answer's."""


async def reply(visit: Visit, account: Account) -> Response:
    """GET shows the form beside the message; POST sends the answer."""
    opened, raw = await open_message(visit, account)
    line = opened.line
    subject = line.subject if _ANSWERED.match(line.subject) else f"Re: {line.subject}"
    form = ReplyForm(visit.form if visit.posted else None, data={"subject": subject})
    if visit.posted and form.validate():
        octets, header_id = await _compose(visit, account, form, opened.author_address, opened.header_id)

        async def send(message: Written) -> Message | None:
            return await visit.desk.do(release.reply, account, line.copy_id, message)

        if await _send(visit, form, octets, header_id, send):
            return go_to(f"/messages/{line.copy_id}?done=sent")
    shown = await asyncio.to_thread(shown_of, raw, f"/messages/{line.copy_id}/attachments")
    facts = {"form": form, "line": line, "shown": shown}
    return await asyncio.to_thread(visit.show, "mail/reply", facts, status=_status(form))


async def compose(visit: Visit, account: Account) -> Response:
    """GET shows the form; POST sends the message."""
    known = await visit.desk.ask(release.correspondents, account)
    form = ComposeForm(visit.form if visit.posted else None)
    site = visit.desk.site
    form.to.choices = {str(one.id): f"{display(one)}, {site.practice(one.practice_id).name}" for one in known}
    if visit.posted and form.validate():
        to = next(one for one in known if str(one.id) == form.to.data)
        octets, header_id = await _compose(visit, account, form, to.typed, "")

        async def send(message: Written) -> Message | None:
            return await visit.desk.do_at_length(release.write, account, to.id, message)

        if await _send(visit, form, octets, header_id, send):
            return go_to("/inbox?done=sent")
    return visit.show("mail/compose", {"form": form, "known": known}, status=_status(form))


# ------------------------------------------------------------------------------------------------------------ parts


def _status(form: ReplyForm) -> int:
    return REFUSED if form.wrong else 200


async def _compose(visit: Visit, account: Account, form: ReplyForm, to: str, in_reply_to: str) -> tuple[bytes, str]:
    """The message as mail, and its Message-ID."""
    header_id = f"<{visit.portal.random.octets(16).hex()}@{visit.desk.site.domain}>"
    files = [one for one in visit.form.getlist("attachments") if isinstance(one, UploadFile) and one.filename]
    uploads = [Upload(one.filename or "", one.content_type or "", await one.read()) for one in files]
    now = visit.desk.clock.now()
    octets = await asyncio.to_thread(
        written,
        account.name,
        account.typed,
        to,
        form.subject.data,
        form.body.data,
        uploads,
        header_id,
        now,
        in_reply_to,
    )
    return octets, header_id


async def _send(
    visit: Visit,
    form: ReplyForm,
    octets: bytes,
    header_id: str,
    send: Callable[[Written], Awaitable[Message | None]],
) -> bool:
    """Seal the message, then hand it over; False if it is too large, which the form then says."""
    if len(octets) > visit.portal.max_upload:
        form.refuse("attachments", say("The files are too large together. Send fewer, or smaller ones."))
        return False
    content = visit.portal.content
    sealed = await asyncio.to_thread(content.put, octets)
    try:
        sent = await send(Written(sealed, form.subject.data, header_id))
    except Exception:
        await asyncio.to_thread(content.discard, sealed.content_id)
        raise
    if sent is None:
        await asyncio.to_thread(content.discard, sealed.content_id)
        raise HTTPException(404)
    return True
