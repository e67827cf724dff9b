"""Messages are read for the search indexes of their accounts, soon after they have come and while no mail waits."""

import asyncio
from collections.abc import Callable
from itertools import takewhile

import structlog

from gateway.domain.folding import searchable
from gateway.errors import TryAgain
from gateway.flow import search_index
from gateway.flow.context import Desk
from gateway.flow.inbox import search
from gateway.flow.inbox.search import IndexedText, Unread
from gateway.mail.outline import outlined
from gateway.portal.mail.content import words_of
from gateway.ports import ContentStore, Random

log = structlog.get_logger()

AT_A_TIME = 20
"""Messages in one transaction."""
LONGEST_TEXT = 2 * search_index.LONGEST
"""Characters that are folded for searching: most texts shrink by that, so more than are kept."""
KEY_OCTETS = 32
PAUSE = 0.02
"""Seconds between two batches, in which others have their turn."""


async def index_messages(
    desk: Desk, content: ContentStore, random: Random, gives_way: Callable[[], bool] = lambda: False
) -> int:
    """Read the messages that are in no index yet, until none is left or something else goes first; how many were read.

    Raises StoreBusy, StoreFull.
    """
    done = 0
    while not gives_way() and (unread := await desk.ask(search.unread, AT_A_TIME)):
        begun = takewhile(lambda _: not gives_way(), unread)
        read = [await asyncio.to_thread(_read, content, one) for one in begun]
        await desk.do_at_length(search.index, read, random.octets(KEY_OCTETS))
        done += len(read)
        await asyncio.sleep(PAUSE)
    return done


def _read(content: ContentStore, one: Unread) -> IndexedText:
    """A message that cannot be read costs its own words, and is not tried again."""
    try:
        text, whole = _words(content, one)
    except TryAgain:  # that says nothing of the message
        raise
    except Exception as error:  # whatever a disk or a stranger's mail brings about, it must not stop the others
        log.error("a message cannot be read for the search index", entry=one.entry.id, error=type(error).__name__)
        text, whole = "", False
    words = f"{one.heading}\n{text}"
    return IndexedText(one.entry, searchable(words[:LONGEST_TEXT]), whole and len(words) <= LONGEST_TEXT)


def _words(content: ContentStore, one: Unread) -> tuple[str, bool]:
    stored = one.content
    if stored is None:
        return "", False
    return words_of(outlined(stored.size, lambda: content.chunks(stored.id, stored.inline, one.data_key)))
