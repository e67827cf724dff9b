"""Answering a message, writing anew to somebody who wrote before, and what was begun."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account, Message
from gateway.domain.saying import say
from gateway.errors import TooLarge
from gateway.flow import drafts, release
from gateway.flow.drafts import Begun, Kept
from gateway.flow.people import display
from gateway.flow.release import Written
from gateway.mail.compose import Upload, written
from gateway.portal.form import REFUSED
from gateway.portal.mail.content import is_clean
from gateway.portal.mail.forms import ComposeForm, ReplyForm
from gateway.portal.mail.reading import open_message, show_message
from gateway.portal.visit import Visit, go_to
from gateway.ports import ContentStore, Sealed

_ANSWERED = re.compile(r"(re|aw|sv|antw)\s*:", re.IGNORECASE)
"""How mail clients say, in several languages, that a subject is an answer's."""


async def reply(visit: Visit, account: Account) -> Response:
    """GET shows the form beside the message; POST sends the answer, or keeps it as a draft."""
    opened = await open_message(visit, account)
    line, kept = opened.line, await _draft(visit, account)
    subject = line.subject if _ANSWERED.match(line.subject) else f"Re: {line.subject}"
    form = ReplyForm(visit.form if visit.posted else None, data=asdict(kept.begun) if kept else {"subject": subject})
    if visit.typed("save"):
        return await _save(visit, account, form, kept, line.copy_id)
    if visit.posted and form.validate():

        async def send(message: Written) -> Message | None:
            return await visit.desk.do(release.reply, account, line.copy_id, message)

        if await _send(visit, account, form, kept, (opened.author_address, opened.header_id), send):
            return go_to(f"/messages/{line.copy_id}?done=sent")
    shown = await show_message(visit, opened)
    facts = {"form": form, "line": line, "shown": shown, "draft": kept.id if kept else "", "most": _most(visit)}
    return await asyncio.to_thread(visit.show, "mail/reply", facts, status=_status(form))


async def compose(visit: Visit, account: Account) -> Response:
    """GET shows the form; POST sends the message, or keeps it as a draft."""
    known, kept = await visit.desk.ask(release.correspondents, account), await _draft(visit, account)
    form = ComposeForm(visit.form if visit.posted else None, data=asdict(kept.begun) if kept else {})
    site = visit.desk.site
    form.to.choices = {str(one.id): f"{display(one)}, {site.practice(one.practice_id).name}" for one in known}
    if visit.typed("save"):
        return await _save(visit, account, form, kept, None)
    if visit.posted and form.validate():
        to = next(one for one in known if str(one.id) == form.to.data)

        async def send(message: Written) -> Message | None:
            return await visit.desk.do_at_length(release.write, account, to.id, message)

        if await _send(visit, account, form, kept, (to.typed, ""), send):
            return go_to("/inbox?done=sent")
    facts = {"form": form, "known": known, "draft": kept.id if kept else "", "most": _most(visit)}
    return visit.show("mail/compose", facts, status=_status(form))


# -------------------------------------------------------------------------------------------------------------- drafts


async def discard(visit: Visit, account: Account) -> Response:
    """POST: nothing is left of one's own draft."""
    if not await visit.desk.do(drafts.discard, account, visit.request.path_params["draft_id"]):
        raise HTTPException(404)
    return go_to("/inbox?show=drafts&done=discarded")


async def _draft(visit: Visit, account: Account) -> Kept | None:
    """The draft that the address or the form names, if it is the person's own."""
    named = visit.typed("draft") if visit.posted else visit.request.query_params.get("draft", "")
    known = named.isascii() and named.isdigit() and len(named) < 19
    return await visit.desk.ask(drafts.find, account, int(named)) if known else None


async def _save(visit: Visit, account: Account, form: ReplyForm, kept: Kept | None, copy_id: int | None) -> Response:
    to = visit.typed("to")
    begun = Begun(to, form.subject.data or "", (form.body.data or "")[: form.LONGEST])
    await visit.desk.do(drafts.save, account, begun, kept.id if kept else 0, copy_id)
    return go_to("/inbox?show=drafts&done=saved")


# ------------------------------------------------------------------------------------------------------------- sending


def _status(form: ReplyForm) -> int:
    return REFUSED if form.wrong else 200


def _most(visit: Visit) -> int:
    """How many octets the files of one message may have together: as mail they grow by a third."""
    return visit.portal.max_upload * 3 // 4


async def _send(
    visit: Visit,
    account: Account,
    form: ReplyForm,
    kept: Kept | None,
    answers: tuple[str, str],
    send: Callable[[Written], Awaitable[Message | None]],
) -> bool:
    """Compose, seal and hand over; False if something is wrong, which the form then says."""
    uploads = await _uploads(visit, form)
    if form.wrong:
        return False
    header_id = f"<{visit.portal.random.octets(16).hex()}@{visit.desk.site.domain}>"
    to, in_reply_to = answers
    subject, now = form.subject.data, visit.desk.clock.now()
    pieces = written(account.name, account.typed, to, subject, form.body.data, uploads, header_id, now, in_reply_to)
    try:
        sealed = await asyncio.to_thread(_sealed, visit.portal.content, pieces, visit.portal.max_upload)
    except TooLarge:
        form.refuse("attachments", say("The files are too large together. Send fewer, or smaller ones."))
        return False
    await _hand_over(visit, Written(sealed, subject, header_id, bool(uploads)), send)
    if kept:
        await visit.desk.do(drafts.discard, account, kept.id)
    return True


async def _uploads(visit: Visit, form: ReplyForm) -> list[Upload]:
    """The files that were sent along; one with a virus, or that cannot be looked at, is sent back."""
    files = [file for file in visit.files if file.name == "attachments"]
    for file in files:
        match await is_clean(visit, file.chunks()):
            case False:
                words = say("There is a virus in %(file)s. Nothing was sent. Choose other files.", file=file.filename)
                form.refuse("attachments", words)
            case None:
                words = say("We cannot look for viruses in your files right now. Try again later.")
                form.refuse("attachments", words)
    return [Upload(file.filename, file.content_type, file.digest, file.chunks) for file in files]


def _sealed(content: ContentStore, pieces: Iterator[bytes], most: int) -> Sealed:
    """Seal a message while it is written. Raises TooLarge and StoreFull, and has then left nothing behind."""
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


async def _hand_over(visit: Visit, message: Written, send: Callable[[Written], Awaitable[Message | None]]) -> None:
    sent = None
    try:
        sent = await send(message)
    finally:
        if sent is None:
            await asyncio.to_thread(visit.portal.content.discard, message.sealed.content_id)
    if sent is None:
        raise HTTPException(404)
