"""The entries by which messages are found: one for each message in an inbox, and for each that its person has written.

Words are sealed under a key that is the account's alone and goes with it. An entry goes with its message's copy: what
was destroyed is not to be found either.
"""

import zlib
from collections.abc import Collection, Iterator
from dataclasses import replace

from gateway.domain.model_search import SearchEntry, SearchIndex
from gateway.errors import WrongKey
from gateway.flow.context import Context

LONGEST = 128 * 1024
"""How many characters of a message are kept to be searched."""


def expect(ctx: Context, account_id: int, message_id: int) -> None:
    """A message that is to be found is there: its words are read later, outside the transaction."""
    ctx.tx.add_once(SearchEntry(account_id=account_id, message_id=message_id))


def write(ctx: Context, entry: SearchEntry, words: str, *, whole: bool, new_key: bytes) -> None:
    """Keep a message's words, as they are searched. `new_key` becomes the index's key where it has none that opens."""
    sealed = ctx.keys.seal_under(_key(ctx, entry.account_id, new_key), zlib.compress(words[:LONGEST].encode()))
    ctx.tx.put(replace(entry, sealed=sealed, whole=whole and len(words) <= LONGEST))


def read(ctx: Context, account_id: int) -> Iterator[tuple[SearchEntry, str | None]]:
    """The entries of an account, the newest first, with their words; None where they are not to be had."""
    index = ctx.tx.one(SearchIndex, account_id=account_id)
    key = _opened(ctx, index) if index else b""
    for entry in ctx.tx.find(SearchEntry, order="-message_id", account_id=account_id):
        yield entry, _words(ctx, entry, key)


def forget(ctx: Context, message_id: int, accounts: Collection[int]) -> None:
    """A message is not to be found by these accounts any more."""
    if accounts:
        ctx.tx.remove(SearchEntry, message_id=message_id, account_id__in=list(accounts))


def destroy(ctx: Context, account_id: int) -> None:
    """Nothing is left of an account's index, and the key least of all."""
    ctx.tx.remove(SearchIndex, account_id=account_id)
    ctx.tx.remove(SearchEntry, account_id=account_id)


def _key(ctx: Context, account_id: int, new_key: bytes) -> bytes:
    index = ctx.tx.one(SearchIndex, account_id=account_id)
    if index and (key := _opened(ctx, index)):
        return key
    wrapped = ctx.keys.wrap(new_key, bound_to(account_id))
    if index:  # an altered row must not keep the words of others' messages from their indexes
        ctx.tx.put(replace(index, wrapped_key=wrapped))
    else:
        ctx.tx.add(SearchIndex(account_id=account_id, wrapped_key=wrapped))
    return new_key


def _opened(ctx: Context, index: SearchIndex) -> bytes:
    try:
        return ctx.keys.unwrap(index.wrapped_key, bound_to(index.account_id))
    except WrongKey:  # an altered row costs the words of messages, not their names and subjects
        return b""


def _words(ctx: Context, entry: SearchEntry, key: bytes) -> str | None:
    if entry.sealed is None or not key:
        return None
    try:
        return zlib.decompress(ctx.keys.open_under(key, entry.sealed)).decode()
    except WrongKey:
        return None


def bound_to(account_id: int) -> str:
    """What the key of a search index is bound to."""
    return f"search|{account_id}"
