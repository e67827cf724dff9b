"""Answering a message, writing anew to somebody who wrote before, and what was begun.

What was typed is never lost: whatever stands in the way of sending it keeps it as a draft, with its files. A script
saves words every few seconds, and files as soon as they are chosen (`save=auto`).
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial

from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.model import Account, Message
from gateway.domain.translatable import say
from gateway.errors import TooLarge
from gateway.flow.context import Context
from gateway.flow.inbox import drafts, messages
from gateway.flow.inbox.drafts import DraftText, Enclosed, OpenedDraft, Saved, Writing
from gateway.flow.inbox.messages import Written
from gateway.flow.senders import display
from gateway.mail.compose import Upload, written
from gateway.portal.cookies import unguessable
from gateway.portal.form import REFUSED
from gateway.portal.late import come_back
from gateway.portal.mail.content import is_clean
from gateway.portal.mail.forms import ComposeForm, ReplyForm
from gateway.portal.mail.reading import open_message, show_message
from gateway.portal.mail.sending import Send, message_id, seal_and_send
from gateway.portal.posted import Arriving
from gateway.portal.visit import Visit, go_to

_ANSWERED = re.compile(r"(re|aw|sv|antw)\s*:", re.IGNORECASE)
"""How mail clients say, in several languages, that a subject is an answer's."""
_DRAFT_ROOM = 4
"""The files of all drafts of an account have room for so many messages' files."""
_LARGEST_NUMBER = 19
_TOO_LARGE = say("The files are too large together. Send fewer, or smaller ones.")


@dataclass(frozen=True, slots=True)
class WritingPage:
    """One form to write in, what it says of its draft, and the draft, if there is one."""

    visit: Visit
    account: Account
    form: ReplyForm
    kept: OpenedDraft | None
    writing: Writing

    @property
    def path(self) -> str:
        return self.visit.request.url.path

    @property
    def facts(self) -> dict[str, object]:
        """What the form's template is given."""
        return {
            "form": self.form,
            "writing": self.writing,
            "kept": self.kept,
            "most": _most(self.visit),
            "done": self.visit.request.query_params.get("done", ""),
            "saved": None,
            "here": "",
        }


async def reply(visit: Visit, account: Account) -> Response:
    """GET shows the form beside the message; POST sends the answer, or keeps it as a draft."""
    copy_id, kept = visit.request.path_params["copy_id"], await _draft(visit, account)
    if kept is None and not visit.posted:
        kept = await visit.desk.ask(drafts.answering, account, copy_id)
    if await visit.desk.ask(messages.holds, account, copy_id) is False:
        return await _answer_nothing(visit, account, kept)
    opened = await open_message(visit, account)
    line = opened.line
    subject = line.subject if _ANSWERED.match(line.subject) else f"Re: {line.subject}"
    form = ReplyForm(visit.form if visit.posted else None, data=asdict(kept.text) if kept else {"subject": subject})
    page = WritingPage(visit, account, form, kept, _writing(visit, kept))

    async def send(message: Written) -> Message | None:
        return await visit.desk.do(messages.reply, account, line.copy_id, message)

    answer = await _answered(page, (opened.author_address, opened.header_id), send)
    if not isinstance(answer, WritingPage):
        return answer
    facts = answer.facts | {"line": line, "shown": await show_message(visit, opened)}
    return await asyncio.to_thread(visit.show, "mail/reply", facts, status=REFUSED if form.wrong else 200)


async def compose(visit: Visit, account: Account) -> Response:
    """GET shows the form; POST sends the message, or keeps it as a draft."""
    known, kept = await visit.desk.ask(messages.correspondents, account), await _draft(visit, account)
    form = ComposeForm(visit.form if visit.posted else None, data=asdict(kept.text) if kept else {})
    site = visit.desk.site
    form.to.choices = {str(one.id): f"{display(one)}, {site.practice(one.practice_id).name}" for one in known}
    page = WritingPage(visit, account, form, kept, _writing(visit, kept))
    to = next((one for one in known if str(one.id) == form.to.data), None)

    async def send(message: Written) -> Message | None:
        return await visit.desk.do_at_length(messages.write, account, to.id, message) if to else None

    answer = await _answered(page, (to.typed if to else "", ""), send)
    if not isinstance(answer, WritingPage):
        return answer
    return visit.show("mail/compose", answer.facts | {"known": known}, status=REFUSED if form.wrong else 200)


async def _answer_nothing(visit: Visit, account: Account, kept: OpenedDraft | None) -> Response:
    """The message was taken back, or its time is over: what was written goes on as a message of its own."""
    draft_id = kept.id if kept else 0
    if visit.posted:
        form = ReplyForm(visit.form)
        page = WritingPage(visit, account, form, kept, replace(_writing(visit, kept), copy_id=None))
        if visit.typed("save") == "auto":
            return await _save_by_itself(page)
        draft_id = (await _save(page, await _clean(visit, form))).id
    if not draft_id:
        raise HTTPException(404)
    return go_to(f"/compose?draft={draft_id}&done=gone")


async def keep_unsent(visit: Visit, account: Account) -> Response:
    """A form that came after its session had ended: what it brings is kept, and found again by its author."""
    form = ReplyForm(data=visit.form)
    page = WritingPage(visit, account, form, None, _writing(visit, None))
    saved = await _save(page, await _clean(visit, form))
    return come_back(visit, f"{page.path}?draft={saved.id}&done=kept")


# -------------------------------------------------------------------------------------------------------------- drafts


async def discard(visit: Visit, account: Account) -> Response:
    """POST: nothing is left of one's own draft."""
    if not await visit.desk.do(drafts.discard, account, visit.request.path_params["draft_id"]):
        raise HTTPException(404)
    return go_to("/inbox?show=drafts&done=discarded")


def _number(typed: str) -> int:
    """A number that a form or an address has; 0 for anything else."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < _LARGEST_NUMBER else 0


async def _draft(visit: Visit, account: Account) -> OpenedDraft | None:
    """The draft that the address or the form names, if it is the person's own."""
    if visit.posted:
        return await visit.desk.ask(drafts.written, account, visit.typed("writing"))
    named = _number(visit.request.query_params.get("draft", ""))
    return await visit.desk.ask(drafts.find, account, named) if named else None


def _writing(visit: Visit, kept: OpenedDraft | None) -> Writing:
    """What the form says of its draft: as it was shown, or that of a form that is shown for the first time."""
    copy_id = visit.request.path_params.get("copy_id")
    if visit.posted:
        name = visit.typed("writing")[:64] or unguessable(visit.portal.random)
        return Writing(name, _number(visit.typed("version")), visit.typed("window")[:64], copy_id)
    window = unguessable(visit.portal.random)
    if kept and kept.writing:
        return Writing(kept.writing, kept.version, window, copy_id)
    return Writing(unguessable(visit.portal.random), 0, window, copy_id)


async def _save(page: WritingPage, files: tuple[Arriving, ...] = ()) -> Saved:
    """Keep what the form says, and new files as far as there is room for them."""
    visit, form = page.visit, page.form
    text = DraftText(visit.typed("to"), form.subject.data or "", (form.body.data or "")[: form.LONGEST])
    for one in files:
        await asyncio.to_thread(one.keep)

    def save(ctx: Context) -> Saved:
        return drafts.save(
            ctx,
            page.account,
            text,
            page.writing,
            files=[Enclosed(0, one.filename, one.content_type, one.digest, one.sealed) for one in files],
            dropped=[_number(visit.typed("drop"))],
            room=_most(visit) * _DRAFT_ROOM,
            apart=unguessable(visit.portal.random),
        )

    try:
        saved = await visit.desk.do(save)
    except BaseException:
        await _remove(visit, files)
        raise
    await _remove(visit, tuple(one for one in files if one.sealed.content_id not in saved.taken))
    return saved


async def _save_by_itself(page: WritingPage) -> Response:
    """For the script: the part of the page that saving has changed."""
    clean = await _clean(page.visit, page.form)
    saved = await _save(page, clean)
    page = await _shown_again(page, saved)
    return page.visit.show("mail/draft_part", page.facts | {"saved": saved, "here": _again(page, saved)})


async def _shown_again(page: WritingPage, saved: Saved) -> WritingPage:
    """The page with what is kept of it now."""
    kept = await page.visit.desk.ask(drafts.find, page.account, saved.id)
    return replace(page, kept=kept, writing=replace(page.writing, name=saved.writing, version=saved.version))


async def _remove(visit: Visit, files: tuple[Arriving, ...]) -> None:
    for one in files:
        await asyncio.to_thread(visit.portal.content.discard, one.sealed.content_id)


# ------------------------------------------------------------------------------------------------------------- sending


async def _answered(page: WritingPage, answers: tuple[str, str], send: Send) -> Response | WritingPage:
    """What becomes of a form that was posted; or the form, which is to be shown for the first time, or again."""
    visit, form = page.visit, page.form
    if not visit.posted:
        return page
    if visit.typed("save") == "auto":
        return await _save_by_itself(page)
    is_filled_in = form.validate()
    clean = await _clean(visit, form)
    if (visit.typed("save") or visit.typed("drop")) and not form.attachments.errors:
        saved = await _save(page, clean)
        is_seen = visit.typed("drop") or saved.is_full or saved.is_apart
        return go_to(_again(page, saved) if is_seen else "/inbox?show=drafts&done=saved")
    if is_filled_in and not form.wrong:
        try:
            is_sent = await _send(page, clean, answers, send)
        except HTTPException:  # the message that is answered was taken back in this very moment
            return go_to(_again(page, await _save(page, clean)))
        if is_sent:
            answered = page.writing.copy_id
            return go_to(f"/messages/{answered}?done=sent" if answered else "/inbox?done=sent")
    return await _shown_again(page, await _save(page, clean))


def _again(page: WritingPage, saved: Saved) -> str:
    """The form again, with what there is to say of its draft."""
    said = "&done=full" if saved.is_full else "&done=apart" if saved.is_apart else ""
    return f"{page.path}?draft={saved.id}{said}"


def _most(visit: Visit) -> int:
    """How many octets the files of one message may have together: as mail they grow by a third."""
    return visit.portal.max_upload * 3 // 4


async def _send(page: WritingPage, files: tuple[Arriving, ...], answers: tuple[str, str], send: Send) -> bool:
    """Compose, seal and hand over; False if something is wrong, which the form then says."""
    visit, form = page.visit, page.form
    uploads = [*_kept_uploads(page), *(Upload(o.filename, o.content_type, o.digest, o.chunks) for o in files)]
    to, in_reply_to = answers
    subject, body, now = form.subject.data, form.body.data, visit.desk.clock.now()
    header_id = _header_id(page, to, uploads)
    pieces = written(page.account.name, page.account.typed, to, subject, body, uploads, header_id, now, in_reply_to)
    try:
        await seal_and_send(visit, pieces, (subject, header_id, bool(uploads)), send)
    except TooLarge:
        form.refuse("attachments", _TOO_LARGE)
        return False
    kept = page.kept
    if kept and (page.writing.knew(kept) or kept.text.body == body):  # else it is another window's
        await visit.desk.do(drafts.discard, page.account, kept.id)
    return True


def _kept_uploads(page: WritingPage) -> Iterator[Upload]:
    """The files that the draft has."""
    for one in page.kept.files if page.kept else ():
        chunks = partial(
            page.visit.portal.content.chunks, one.sealed.content_id, one.sealed.inline, one.sealed.data_key
        )
        yield Upload(one.filename, one.content_type, one.digest, chunks)


def _header_id(page: WritingPage, to: str, uploads: list[Upload]) -> str:
    """The Message-ID: the same for the same words from the same form, which are sent once."""
    said = [page.writing.name, to, page.form.subject.data, page.form.body.data]
    said += [f"{one.filename} {one.digest.hex()}" for one in uploads]
    return message_id(page.visit, page.account, said)


async def _clean(visit: Visit, form: ReplyForm) -> tuple[Arriving, ...]:
    """The files that were sent along. The form says which are too large, have a virus, or cannot be looked at."""
    if visit.is_too_large:
        form.refuse("attachments", _TOO_LARGE)
    clean = []
    for file in visit.files:
        if file.name != "attachments":
            continue
        match await is_clean(visit, file.chunks()):
            case True:
                clean.append(file)
            case False:
                words = say("There is a virus in %(file)s. Nothing was sent. Choose other files.", file=file.filename)
                form.refuse("attachments", words)
            case None:
                words = say("We cannot look for viruses in your files right now. Try again later.")
                form.refuse("attachments", words)
    return tuple(clean)
