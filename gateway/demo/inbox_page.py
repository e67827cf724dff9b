"""The inbox page: each sample person's mail as a mail client would show it, and the buttons that move the clock."""

import asyncio
import html
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.demo import mail
from gateway.demo.gallery import FRAME_POLICY, Gallery
from gateway.demo.mail import Draft, File, Letter, NotTaken
from gateway.demo.people import ADA, PAT, PEOPLE, Person, person
from gateway.demo.stage import Stage
from gateway.domain.model import Account, Copy, Invitation, Message
from gateway.domain.vocabulary import CopyState, State
from gateway.edge.render import Templates
from gateway.edge.smtp_sink import ReceivedMail
from gateway.ports import Tx

FIRST = Draft(PAT.address, "[secure] Your results", "Dear Pat,\n\nyour blood test is fine.\n\nDr Ada\n")
DAYS = (1, 3, 30)
NEXT = {
    "written": "Dr Ada's first secure mail to Pat is written already. Press *Send*.",
    "held": "Wait a moment: the gateway is looking at the mail.",
    "invited": "The gateway asks Dr Ada who Pat is. Open its question in her inbox, press "
    "*A patient (with date of birth)*, type 1980-02-03 after the word PATIENT, and press *Send*.",
    "registered": "Pat has an invitation. Open her inbox and the mail in it, press *Read my message*, and give her "
    "date of birth: 3 February 1980.",
    "read": "In the portal, open Pat's message.",
    "answered": "In the portal, press *Answer*. What Pat writes reaches Dr Ada's own mailbox, and she can answer it.",
    "": "That is the whole story. Write to a colleague, try three wrong dates of birth, or let days pass to see the "
    "reminders. Dr Ada manages her practice: write LIST to bot@secure.riverside.example, press "
    "*Everybody you wait for, on one page* in what comes back, and then *The practice*.",
}
"""What to do until a step has happened; between asterisks stands what is to be pressed."""


@dataclass(frozen=True, slots=True)
class Before:
    """The last rows of what happened before the visitor came."""

    message: int = 0
    copy: int = 0
    invitation: int = 0
    account: int = 0

    @classmethod
    def of(cls, tx: Tx) -> "Before":
        tables: tuple[type[Any], ...] = (Message, Copy, Invitation, Account)
        last = (tx.find(table, order="-id", limit=1) for table in tables)
        return cls(*(rows[0].id if rows else 0 for rows in last))


def steps(tx: Tx, before: Before) -> dict[str, bool]:
    """Which steps of the story have happened, as the database has it."""
    invited = (State.INVITED, State.ACCEPTED)
    return {
        "written": tx.count(Message, id__gt=before.message) > 0,
        "held": tx.count(Copy, id__gt=before.copy, invitation_id__ne=None) > 0,
        "invited": tx.count(Invitation, id__gt=before.invitation, state__in=invited) > 0,
        "registered": tx.count(Account, id__gt=before.account) > 0,
        "read": tx.count(Copy, id__gt=before.copy, state=CopyState.INBOX, read_at__ne=None) > 0,
        "answered": tx.count(Message, id__gt=before.message, account_id__ne=None) > 0,
    }


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The page's routes over one stage."""

    stage: Stage
    templates: Templates
    before: Before

    async def show(self, request: Request) -> Response:
        """A person's mail, one opened mail, and the form to write or answer with."""
        asked = request.query_params
        said = f"Sent to {asked['sent']}." if "sent" in asked else ""
        return await self._page(person(asked.get("as", ADA.address)), _number(asked.get("mail")), _draft(request), said)

    async def send(self, request: Request) -> Response:
        """Hand in what was written, as this person's mail client would."""
        async with request.form() as form:
            typed = (str(form.get(name, "")).replace("\r\n", "\n") for name in ("to", "subject", "body", "answers"))
            author, draft = person(str(form.get("as", ""))), Draft(*typed)
            files = [await _file(one) for one in form.getlist("files") if isinstance(one, UploadFile) and one.filename]
        try:
            await self.stage.send(author, draft, files)
        except NotTaken as refused:
            return await self._page(author, 0, draft, said=f"Not taken: {refused}", status=422)
        await self.stage.settle()
        return _go_to(author, sent=draft.to)

    async def move(self, request: Request) -> Response:
        """Set the clock forward."""
        form = await request.form()
        days = _number(str(form.get("days", "")))
        if days in DAYS:
            await self.stage.move(days)
        return _go_to(person(str(form.get("as", ADA.address))))

    async def frame(self, request: Request) -> Response:
        """The HTML of one mail, for its sandboxed frame; `mailto:` links lead to our own form."""
        kept = self._kept(person(request.path_params["who"]), request.path_params["number"])
        if kept is None:
            return PlainTextResponse("no such mail", 404)
        shown = _with_our_mailto(mail.read(kept.octets).html, kept.mailbox)
        return HTMLResponse(shown, headers={"Content-Security-Policy": FRAME_POLICY})

    async def news(self, _: Request) -> Response:
        """A word that changes when there is something new to see."""
        done = await self.stage.look(lambda tx: steps(tx, self.before))
        return PlainTextResponse(f"{self.stage.sink.count}-{sum(done.values())}")

    async def _page(self, who: Person, number: int, draft: Draft | None, said: str = "", status: int = 200) -> Response:
        kept, done = self._kept(who, number), await self.stage.look(lambda tx: steps(tx, self.before))
        opened = mail.read(kept.octets) if kept else None
        if kept:
            kept.opened = True
        following = next((step for step, happened in done.items() if not happened), "")
        facts: dict[str, Any] = {
            "people": [(one, len([m for m in self._mails(one) if not m.opened])) for one in self._people()],
            "who": who,
            "mails": [(one, mail.read(one.octets)) for one in reversed(self._mails(who))],
            "number": number if kept else 0,
            "opened": opened,
            "original": kept.octets.decode("utf-8", "replace") if kept else "",
            "draft": draft or _start(who, opened, self, is_first=not done["written"]),
            "writing": draft is not None,
            "steps": done,
            "next": NEXT[following].split("*"),
            "now": self.stage.clock.now(),
            "portal": self.stage.site.portal_url,
            "smtp_port": self.stage.gateway.listening["smtp"].rpartition(":")[2],
            "days": DAYS,
            "said": said,
            "news": f"{self.stage.sink.count}-{sum(done.values())}",
        }
        return HTMLResponse(await asyncio.to_thread(self.templates.page, "inbox", "en", facts), status)

    def _people(self) -> list[Person]:
        others = [person(box) for box in self.stage.sink.mailboxes()]
        return list(dict.fromkeys([*PEOPLE, *others]))

    def _mails(self, who: Person) -> list[ReceivedMail]:
        return self.stage.sink.mails(who.address)

    def _kept(self, who: Person, number: int) -> ReceivedMail | None:
        return next((kept for kept in self._mails(who) if kept.number == number), None)


def _start(who: Person, opened: Letter | None, page: InboxPage, *, is_first: bool) -> Draft:
    """What the form holds before anybody types: an answer to the opened mail, or the story's first mail."""
    if opened:
        return mail.answer(opened, page.stage.local_time)
    return FIRST if who == ADA and is_first else Draft()


async def _file(uploaded: UploadFile) -> File:
    return File(uploaded.filename or "", uploaded.content_type or "", await uploaded.read())


def _draft(request: Request) -> Draft | None:
    link = request.query_params.get("mailto")
    return mail.from_mailto(link) if link else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _go_to(who: Person, **more: str) -> RedirectResponse:
    return RedirectResponse("/?" + urlencode({"as": who.address, **more}), 303)


def _with_our_mailto(shown: str, mailbox: str) -> str:
    """The mail's HTML with its links opening where a visitor expects them."""

    def ours(match: re.Match[str]) -> str:
        link = quote(html.unescape(match[1]), safe="")
        return f'target="_top" href="/?as={quote(mailbox)}&amp;mailto={link}#write"'

    with_form = re.sub(r'href="(mailto:[^"]*)"', ours, shown)
    return re.sub(r'href="(https?:)', r'target="_blank" rel="noopener" href="\1', with_form)


async def _static(request: Request) -> Response:
    kinds = {"demo.css": "text/css", "demo.js": "text/javascript"}
    name = request.path_params["name"]
    if name not in kinds:
        return PlainTextResponse("no such file", 404)
    file = resources.files("gateway.demo").joinpath("static", name)
    return Response(file.read_text("utf-8"), media_type=kinds[name])


async def create_app(stage: Stage) -> Starlette:
    """The inbox page of one stage; the story begins with what happens from now on."""
    pages = Templates(stage.site, pages="demo")
    page, gallery = InboxPage(stage, pages, await stage.look(Before.of)), Gallery(Templates(stage.site), pages)
    return Starlette(
        routes=[
            Route("/", page.show),
            Route("/send", page.send, methods=["POST"]),
            Route("/clock", page.move, methods=["POST"]),
            Route("/mail/{who}/{number:int}", page.frame),
            Route("/mails", gallery.show),
            Route("/mails/{number:int}", gallery.frame),
            Route("/news", page.news),
            Route("/static/{name}", _static),
        ]
    )
