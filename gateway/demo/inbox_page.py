"""The inbox page: each sample person's mail as a mail client would show it, and the buttons that move the clock."""

import asyncio
import html
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gateway.demo import mail
from gateway.demo.gallery import FRAME_POLICY, Gallery
from gateway.demo.mail import Draft, Letter, NotTaken
from gateway.demo.people import ADA, PAT, PEOPLE, Person, person
from gateway.demo.stage import Stage
from gateway.domain.model import Account, Copy, Invitation, Message
from gateway.domain.vocabulary import CopyState, State
from gateway.edge.render import Templates
from gateway.edge.smtp_sink import Kept
from gateway.ports import Tx

FIRST = Draft(PAT.address, "[secure] Your results", "Dear Pat,\n\nyour blood test is fine.\n\nDr Ada\n")
DAYS = (1, 3, 30)
NEXT = {
    "written": "Send the first secure mail: it is written already, in Dr Ada's Write form.",
    "held": "Wait a moment: the gateway is looking at the mail.",
    "invited": "Dr Ada was asked who Pat is. Open the question in her inbox, and press PATIENT, or Reply: "
    "PATIENT 1980-02-03.",
    "registered": "Pat has an invitation. Open it as Pat, follow its link, and give her birthdate: 3 February 1980.",
    "read": "In the portal, open the message.",
    "answered": "In the portal, answer the message: it reaches Dr Ada's own mailbox, and she can press Reply.",
    "": "That is the whole story. Try a colleague, three wrong birthdates, LIST, or let some days pass.",
}


def steps(tx: Tx) -> dict[str, bool]:
    """Which steps of the story have happened, as the database has it."""
    return {
        "written": tx.count(Message) > 0,
        "held": tx.count(Copy, invitation_id__ne=None) > 0,
        "invited": tx.count(Invitation, state__in=(State.INVITED, State.ACCEPTED)) > 0,
        "registered": tx.count(Account) > 0,
        "read": tx.count(Copy, state=CopyState.INBOX, read_at__ne=None) > 0,
        "answered": tx.count(Message, account_id__ne=None) > 0,
    }


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The page's routes over one stage."""

    stage: Stage
    templates: Templates

    async def show(self, request: Request) -> Response:
        """A person's mail, one opened mail, and the form to write or answer with."""
        asked = request.query_params
        return await self._page(person(asked.get("as", ADA.address)), _number(asked.get("mail")), _draft(request))

    async def send(self, request: Request) -> Response:
        """Hand in what was written, as this person's mail client would."""
        form = await request.form()
        author = person(str(form.get("as", "")))
        draft = Draft(*(str(form.get(name, "")).replace("\r\n", "\n") for name in ("to", "subject", "body", "answers")))
        try:
            await self.stage.send(author, draft)
        except NotTaken as refused:
            return await self._page(author, 0, draft, said=f"Not taken: {refused}", status=422)
        await self.stage.settle()
        return _go_to(author, said="sent")

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
        done = await self.stage.look(steps)
        return PlainTextResponse(f"{self.stage.sink.count}-{sum(done.values())}")

    async def _page(self, who: Person, number: int, draft: Draft | None, said: str = "", status: int = 200) -> Response:
        kept, done = self._kept(who, number), await self.stage.look(steps)
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
            "draft": draft or _start(who, opened, self),
            "writing": draft is not None,
            "steps": done,
            "next": NEXT[following],
            "now": self.stage.clock.now(),
            "portal": self.stage.site.portal_url,
            "days": DAYS,
            "said": said,
            "news": f"{self.stage.sink.count}-{sum(done.values())}",
        }
        return HTMLResponse(await asyncio.to_thread(self.templates.page, "inbox", "en", facts), status)

    def _people(self) -> list[Person]:
        others = [person(box) for box in self.stage.sink.mailboxes()]
        return list(dict.fromkeys([*PEOPLE, *others]))

    def _mails(self, who: Person) -> list[Kept]:
        return self.stage.sink.mails(who.address)

    def _kept(self, who: Person, number: int) -> Kept | None:
        return next((kept for kept in self._mails(who) if kept.number == number), None)


def _start(who: Person, opened: Letter | None, page: InboxPage) -> Draft:
    """What the form holds before anybody types: an answer to the opened mail, or the story's first mail."""
    if opened:
        return mail.answer(opened, page.stage.local_time)
    return FIRST if who == ADA else Draft()


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


def create_app(stage: Stage) -> Starlette:
    """The inbox page of one stage."""
    pages = Templates(stage.site, pages="demo")
    page, gallery = InboxPage(stage, pages), Gallery(Templates(stage.site), pages)
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
