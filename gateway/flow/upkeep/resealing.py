"""All that is sealed under a key of the site's, column by column, and sealing it anew under the current one.

A test holds that every column of octets is named here, as sealed or as not: a new one cannot be forgotten.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.domain.model import Codes, Confirmation, Copy, Delivery, Invitation, Message
from gateway.domain.model_drafts import Draft, DraftFile
from gateway.domain.model_questions import Question
from gateway.domain.model_search import SearchIndex
from gateway.errors import WrongKey
from gateway.flow import confirmations, copies, notices, search_index
from gateway.flow.accounts import second_factor
from gateway.flow.context import Context, bound_birthdate
from gateway.flow.inbound import question
from gateway.flow.inbox import drafts, recall


@dataclass(frozen=True, slots=True)
class Column:
    """A column of sealed values. `bound_to` says what the value of a row may be bound to; `wraps`: it is a data key."""

    table: type
    name: str
    bound_to: Callable[[Context, Any], Sequence[str]]
    wraps: bool = False


def _of_copy(ctx: Context, copy: Copy) -> list[str]:
    message = ctx.tx.get(Message, copy.message_id)
    return [copies.bound_to(message, holder) for holder in copies.possible_holders(copy)] if message else []


def _of_file(ctx: Context, file: DraftFile) -> list[str]:
    draft = ctx.tx.get(Draft, file.draft_id)
    return [drafts.bound_to(draft.account_id, file.content_id)] if draft else []


SEALED: tuple[Column, ...] = (
    Column(Copy, "wrapped_key", _of_copy, wraps=True),
    Column(Copy, "reason", lambda _, row: [recall.bound_to(row.id)]),
    Column(
        Delivery, "wrapped_key", lambda _, row: [copies.bound_to_passing(row.content_id, row.recipient)], wraps=True
    ),
    Column(Delivery, "facts", lambda _, row: [notices.bound_to(row.recipient)]),
    Column(Invitation, "birthdate_digest", lambda _, row: [bound_birthdate(row.id)]),
    Column(Confirmation, "lines", lambda _, row: [confirmations.bound_to(row.sender_id)]),
    Column(Question, "details", lambda _, row: [question.bound_to(row.message_id)]),
    Column(Draft, "sealed", lambda _, row: [drafts.bound_to(row.account_id)]),
    Column(DraftFile, "sealed", _of_file),
    Column(Codes, "secret", lambda _, row: [second_factor.bound_to(row.account_id)]),
    Column(SearchIndex, "wrapped_key", lambda _, row: [search_index.bound_to(row.account_id)], wraps=True),
)

NOT_SEALED = {
    "AdminSession.digest": "a hash of 256 random bits",
    "AuditBatch.head": "a keyed digest, which has to stay comparable",
    "AuditBatch.marks": "the first octets of digests",
    "Audit.mac": "a keyed digest, which has to stay comparable",
    "Content.inline": "sealed under its own data key, which the copies wrap",
    "Fingerprint.fingerprint": "a hash",
    "Message.subject": "sealed under the data key of its content",
    "Meta.value": "facts about the database, without a secret",
    "Passkey.credential": "the number by which a browser knows a passkey",
    "Passkey.public_key": "public",
    "RecoveryCode.digest": "a keyed digest of 80 random bits",
    "SearchEntry.sealed": "sealed under the index's key, which the index wraps",
    "Session.digest": "a hash of 256 random bits",
    "TryWindow.digest": "a keyed digest, of use for a quarter of an hour",
}
"""The other columns of octets, and why they need not be sealed anew."""

TABLES: tuple[type, ...] = tuple(dict.fromkeys(column.table for column in SEALED))


@dataclass(frozen=True, slots=True)
class Look:
    """What a stretch of a table holds: rows that are to be sealed anew, how many there are, and are not rows at all."""

    ids: tuple[int, ...]
    rows: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Resealed:
    """What became of some rows: how many are sealed anew, and which hold a value that does not open."""

    rows: int
    unopened: tuple[int, ...]


def last_of(ctx: Context, table: type) -> int:
    """The number of the newest row; 0 where there is none."""
    newest: list[Any] = ctx.tx.find(table, order="-id", limit=1)
    return int(newest[0].id) if newest else 0


def count_between(ctx: Context, table: type, after: int, upto: int) -> int:
    """How many rows there are between these numbers."""
    return ctx.tx.count(table, id__gt=after, id__le=upto)


def older(ctx: Context, table: type, after: int, upto: int) -> Look:
    """Which rows between these numbers have a value that is sealed under another key than the current one."""
    rows: list[Any] = ctx.tx.find(table, id__gt=after, id__le=upto)
    ids = tuple(row.id for row in rows if any(_is_older(ctx, value) for _, value in _values(table, row)))
    return Look(ids, len(rows), count_between(ctx, table, after, upto) - len(rows))


def reseal(ctx: Context, table: type, ids: Sequence[int]) -> Resealed:
    """Seal these rows anew. A value that does not open stays as it is, and costs its own row alone."""
    done, unopened = 0, []
    for number in ids:
        row: Any = ctx.tx.get(table, number)
        anew: dict[str, bytes] = {}
        for column, value in _values(table, row) if row else ():
            if _is_older(ctx, value):
                sealed = _anew(ctx, column, row, value)
                if sealed is None:
                    unopened.append(number)
                else:
                    anew[column.name] = sealed
        if anew:
            ctx.tx.put(replace(row, **anew))
            done += 1
    return Resealed(done, tuple(unopened))


def count(ctx: Context, letter: str) -> int:
    """How many values are sealed under this key."""
    first, end = letter.encode(), chr(ord(letter) + 1).encode()
    return sum(
        ctx.tx.count(column.table, **{f"{column.name}__gt": first, f"{column.name}__lt": end}) for column in SEALED
    )


def _values(table: type, row: Any) -> Iterator[tuple[Column, bytes]]:
    for column in SEALED:
        if column.table is table and (value := getattr(row, column.name)) is not None:
            yield column, value


def _is_older(ctx: Context, value: bytes) -> bool:
    return value[:1] != ctx.keys.current.encode()


def _anew(ctx: Context, column: Column, row: Any, value: bytes) -> bytes | None:
    """The value under the current key, bound to what it was bound to; None where it does not open."""
    opened, sealed = (ctx.keys.unwrap, ctx.keys.wrap) if column.wraps else (ctx.keys.open, ctx.keys.seal)
    for bound_to in column.bound_to(ctx, row):
        try:
            return sealed(opened(value, bound_to), bound_to)
        except WrongKey:
            continue
    return None
