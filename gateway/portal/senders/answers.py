"""What an invited person has answered by mail, as its sender reads it: plain text, and nothing that leads elsewhere."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime

from gateway.flow.commands.sender_page import SenderPage
from gateway.flow.inbound import invitee_mail
from gateway.flow.inbound.invitee_mail import Said
from gateway.mail import parse
from gateway.mail.bounds import HEAD_OCTETS
from gateway.portal.mail.content import shown_of
from gateway.portal.visit import Visit

MOST_SHOWN = 10
"""Answers on a page, the latest ones."""
LONGEST = 20_000
"""Characters of one answer."""
_LINK = re.compile(r"/invite/[a-z0-9]{1,200}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Words:
    """One answer. `cut`: it is longer than is shown."""

    received_at: datetime
    author: str
    subject: str
    text: str
    cut: bool = False
    files: tuple[str, ...] = ()


async def answers(visit: Visit, page: SenderPage) -> list[Words]:
    """The answers of whom the page is about; each view is in the audit."""
    if not page.focus or not page.people[0].answers:
        return []
    said = await visit.desk.do(invitee_mail.read, page.sender, page.about, MOST_SHOWN)
    return [await _words(visit, one) for one in said]


async def _words(visit: Visit, said: Said) -> Words:
    content = said.content

    def take_apart() -> Words:
        return words_of(visit.portal.content.get(content.id, content.inline, said.data_key), said.received_at)

    async with visit.portal.room_for(content.size):
        return await asyncio.to_thread(take_apart)


def words_of(raw: bytes, received_at: datetime) -> Words:
    """A mail's words. The invitee's own link, which the quoted mail holds, is not for the sender: it is taken out."""
    head, shown = parse.head(raw[:HEAD_OCTETS]), shown_of(raw, "", "en")
    text = _LINK.sub("/invite/…", shown.text.strip())
    return Words(
        received_at,
        author=", ".join(one.address.typed for one in head.authors),
        subject=_LINK.sub("/invite/…", head.subject),
        text=text[:LONGEST],
        cut=len(text) > LONGEST,
        files=tuple(one.filename for one in shown.attachments),
    )
