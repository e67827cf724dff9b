"""The inbox: what came, what one wrote, what one has begun to write; searched and paged."""

import asyncio
from dataclasses import dataclass
from math import ceil
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.domain.model import Account
from gateway.flow import drafts, lines, register
from gateway.flow.context import Context
from gateway.flow.lines import Line
from gateway.portal.visit import Visit

PAGE = 50
"""How many lines are shown at once."""
SHOWN = ("all", "unread", "sent", "drafts")
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Sought:
    """What the reader wants to see."""

    show: str
    words: str
    page: int

    @property
    def query(self) -> str:
        """The same, without the page, for the address of another page."""
        return urlencode({name: value for name, value in (("show", self.show), ("q", self.words)) if value})


async def inbox(visit: Visit, account: Account) -> Response:
    """The newest first, with what other practices still ask."""
    query = visit.request.query_params
    show = query.get("show", "")
    sought = Sought(show if show in SHOWN else "all", query.get("q", "")[:LONGEST_SEARCH].strip(), visit.page)
    facts = await visit.desk.ask(_inbox, account, sought)
    if sought.words:
        await visit.desk.do(lines.note_search, account, facts["count"])
    facts |= {"sought": sought, "done": query.get("done", "")}
    visit.portal.tell_unopened("/inbox", [one.copy_id for one in facts["lines"] if one.broken])
    visit.portal.tell_unopened("/inbox?show=drafts", [one.id for one in facts["drafts"] if one.broken])
    return await asyncio.to_thread(visit.show, "mail/inbox", facts)


def _inbox(ctx: Context, account: Account, sought: Sought) -> dict[str, Any]:
    found, count, page = _page(ctx, account, sought)
    return {
        "lines": found,
        "drafts": drafts.listed(ctx, account) if sought.show == "drafts" else [],
        "unread": lines.count(ctx, account, unread=True),
        "count": count,
        "page": page,
        "pages": max(ceil(count / PAGE), 1),
        "questions": register.questions(ctx, account),
    }


def _page(ctx: Context, account: Account, sought: Sought) -> tuple[list[Line], int, int]:
    """The lines of the page, how many there are in all, and which page it is."""
    if sought.show == "drafts":
        return [], 0, 1
    if sought.show == "all" and not sought.words:
        count = lines.count(ctx, account)
        page = min(sought.page, max(ceil(count / PAGE), 1))
        return lines.inbox(ctx, account, skip=(page - 1) * PAGE, limit=PAGE), count, page
    if sought.show == "sent":
        found = lines.written(ctx, account, sought.words)
    else:
        found = lines.search(ctx, account, sought.words, unread=sought.show == "unread")
    page = min(sought.page, max(ceil(len(found) / PAGE), 1))
    return found[(page - 1) * PAGE : page * PAGE], len(found), page
