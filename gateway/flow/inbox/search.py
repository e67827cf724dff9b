"""Finding messages: by their names, subjects and text, among what a person has received and written."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.acts import Act
from gateway.domain.folding import has_all, searchable, sought
from gateway.domain.model import Account, Content, Copy, Message
from gateway.domain.model_search import SearchEntry
from gateway.domain.vocabulary import CopyState
from gateway.flow import copies, search_index
from gateway.flow.context import Context
from gateway.flow.inbox import lines
from gateway.flow.inbox.lines import Line


class Among(StrEnum):
    """Where is searched."""

    ALL = "all"
    UNREAD = "unread"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class SearchResults:
    """Some of the messages that were found, the newest first, and of how many.

    `by_subject` counts the messages of which only names and subject could be searched, `in_part` those of which only a
    part of the text could.
    """

    lines: list[Line]
    count: int
    by_subject: int = 0
    in_part: int = 0


def search(ctx: Context, account: Account, words: str, among: Among, *, skip: int = 0, limit: int) -> SearchResults:
    """The messages that have each of these words in them, or each group of words between quotation marks."""
    pieces = sought(words)
    found: set[int] = set()
    unread: list[int] = []
    in_part: list[int] = []
    for entry, text in search_index.read(ctx, account.id):
        if text is None:
            unread.append(entry.message_id)
        elif has_all(text, pieces):
            found.add(entry.message_id)
        elif not entry.whole:
            in_part.append(entry.message_id)
    found |= {line.message_id for line in lines.of(ctx, account, unread) if has_all(searchable(_heading(line)), pieces)}
    wanted = _those(ctx, account, among)
    ids = sorted(found if wanted is None else found & wanted, reverse=True)
    shown = lines.of(ctx, account, ids[skip : skip + limit])
    return SearchResults(shown, len(ids), _count(unread, wanted), _count(in_part, wanted))


def note(ctx: Context, account: Account, found: int) -> None:
    """Somebody looked through a person's messages; not for what."""
    ctx.audit(account.address, Act.SEARCHED, f"account {account.id}", f"{found} found")


def _those(ctx: Context, account: Account, among: Among) -> set[int] | None:
    """The messages among which is searched; None for all."""
    match among:
        case Among.ALL:
            return None
        case Among.UNREAD:
            copies = ctx.tx.find(Copy, account_id=account.id, state=CopyState.INBOX, read_at=None)
            return {copy.message_id for copy in copies}
        case Among.SENT:
            return set(lines.written(ctx, account))


def _count(messages: Iterable[int], wanted: set[int] | None) -> int:
    return sum(wanted is None or one in wanted for one in messages)


def _heading(line: Line) -> str:
    return f"{line.author}\n{line.practice}\n{line.subject}"


# ------------------------------------------------------------------------------------------- reading for the index


@dataclass(frozen=True, slots=True)
class Unread:
    """A message whose text is still to be read for an index. `content` is None where it cannot be opened."""

    entry: SearchEntry
    heading: str
    content: Content | None = None
    data_key: bytes = b""


@dataclass(frozen=True, slots=True)
class IndexedText:
    """What was read of a message, in the form in which it is searched, and whether that is all of its text."""

    entry: SearchEntry
    text: str
    whole: bool


def unread(ctx: Context, limit: int) -> list[Unread]:
    """Messages that are in no index yet, the oldest first; so many statements, however many messages."""
    entries = ctx.tx.find(SearchEntry, sealed=None, limit=limit)
    if not entries:
        return []
    shown = _lines(ctx, entries)
    messages = {one.id: one for one in ctx.tx.find(Message, id__in=[one.message_id for one in entries])}
    copies_shown = {one.id: one for one in ctx.tx.find(Copy, id__in=[one.copy_id for one in shown.values()])}
    contents = {one.id: one for one in ctx.tx.find(Content, id__in=[one.content_id for one in messages.values()])}
    found = []
    for entry in entries:
        line, message = shown.get(entry.id), messages.get(entry.message_id)
        copy = copies_shown.get(line.copy_id) if line else None
        if line and copy and message:
            key = copies.data_key(ctx, copy, message)
            found.append(Unread(entry, _heading(line), contents.get(message.content_id), key))
        else:
            found.append(Unread(entry, ""))
    return found


def _lines(ctx: Context, entries: Collection[SearchEntry]) -> dict[int, Line]:
    """The line that each entry's account sees of its message, by the entry; of those that can be opened."""
    shown: dict[int, Line] = {}
    for account in ctx.tx.find(Account, id__in={one.account_id for one in entries}):
        own = {one.message_id: one.id for one in entries if one.account_id == account.id}
        shown |= {own[line.message_id]: line for line in lines.of(ctx, account, own) if not line.broken}
    return shown


def index(ctx: Context, several: Collection[IndexedText], new_key: bytes) -> None:
    """Keep what was read. `new_key` becomes the key of an index that has none yet.

    Nothing is kept of a message that was destroyed meanwhile, whose entry's number may be another's by now.
    """
    still = ctx.tx.find(SearchEntry, id__in=[one.entry.id for one in several], sealed=None)
    of_message = {(one.account_id, one.message_id): one for one in still}
    for one in several:
        if entry := of_message.get((one.entry.account_id, one.entry.message_id)):
            search_index.write(ctx, entry, one.text, whole=one.whole, new_key=new_key)
