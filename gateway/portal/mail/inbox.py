"""The inbox: what came, what one wrote, what one has begun to write; searched and paged."""

import asyncio
from dataclasses import dataclass, replace
from math import ceil
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from gateway.domain.folding import has_all, searchable, sought
from gateway.domain.model import Account
from gateway.flow.accounts import registration
from gateway.flow.context import Context
from gateway.flow.inbox import drafts, lines, search
from gateway.flow.inbox.drafts import OpenedDraft
from gateway.flow.inbox.search import Among, SearchResults
from gateway.portal.visit import Visit

PAGE = 50
"""How many lines are shown at once."""
SHOWN = (*Among, "drafts")
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader wants to see."""

    show: str
    words: str
    page: int

    @property
    def query(self) -> str:
        """The same, without the page, for the address of another page."""
        return urlencode({name: value for name, value in (("show", self.show), ("q", self.words)) if value})

    @property
    def skip(self) -> int:
        return (self.page - 1) * PAGE


async def inbox(visit: Visit, account: Account) -> Response:
    """The newest first, with what other practices still ask."""
    query = visit.request.query_params
    show = query.get("show", "")
    wanted = Wanted(show if show in SHOWN else Among.ALL, query.get("q", "")[:LONGEST_SEARCH].strip(), visit.page)
    facts = await visit.desk.ask(_inbox, account, wanted)
    if wanted.words:
        await visit.desk.do(search.note, account, facts["found"].count)
    facts |= {"sought": wanted, "done": query.get("done", "")}
    visit.portal.tell_unopened("/inbox", [one.copy_id for one in facts["found"].lines if one.broken])
    visit.portal.tell_unopened("/inbox?show=drafts", [one.id for one in facts["drafts"] if one.broken])
    return await asyncio.to_thread(visit.show, "mail/inbox", facts)


def _inbox(ctx: Context, account: Account, wanted: Wanted) -> dict[str, Any]:
    text = _drafts(ctx, account, wanted.words) if wanted.show == "drafts" else []
    found = SearchResults([], len(text)) if wanted.show == "drafts" else _found(ctx, account, wanted)
    pages = max(ceil(found.count / PAGE), 1)
    if wanted.page > pages:
        return _inbox(ctx, account, replace(wanted, page=pages))
    return {
        "found": found,
        "drafts": text,
        "unread": lines.count(ctx, account, unread=True),
        "page": wanted.page,
        "pages": pages,
        "questions": registration.questions(ctx, account),
    }


def _drafts(ctx: Context, account: Account, words: str) -> list[OpenedDraft]:
    """The drafts, or those of them that have the words."""
    text, pieces = drafts.listed(ctx, account), sought(words)
    if not words:
        return text
    return [one for one in text if has_all(searchable(f"{one.text.subject}\n{one.text.body}"), pieces)]


def _found(ctx: Context, account: Account, wanted: Wanted) -> SearchResults:
    """The lines of the page, and how many there are in all."""
    if wanted.words:
        return search.search(ctx, account, wanted.words, Among(wanted.show), skip=wanted.skip, limit=PAGE)
    if wanted.show == Among.SENT:
        ids = lines.written(ctx, account)
        return SearchResults(lines.of(ctx, account, ids[wanted.skip : wanted.skip + PAGE]), len(ids))
    only_unread = wanted.show == Among.UNREAD
    listed = lines.inbox(ctx, account, skip=wanted.skip, limit=PAGE, only_unread=only_unread)
    return SearchResults(listed, lines.count(ctx, account, unread=only_unread))
