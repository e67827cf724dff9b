"""Legal holds: while one stands on a person or a practice, nothing of theirs is destroyed. Decided here alone.

What ends meanwhile has ended for everybody in the product, as without a hold; only its keys and rows stay. Where no
hold stands, asking costs one look.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from gateway.domain.acts import Act
from gateway.domain.address import address
from gateway.domain.model import Account, Copy, Invitation, Message, Sender
from gateway.domain.model_records import Audit, LegalHold
from gateway.errors import BadAddress
from gateway.flow.context import Context

Row = TypeVar("Row")

_LEADS_TO: dict[str, type[Any]] = {
    "sender_id": Sender,
    "account_id": Account,
    "invitation_id": Invitation,
    "copy_id": Copy,
    "message_id": Message,
}
"""The fields by which a row says whose it is, and the tables that know more of it."""
_ADDRESSES = ("address", "recipient", "author")
_SUBJECT = re.compile(r"(sender|account|invitation|copy|message)[ :](\d+)")
"""How the audit names what something was done to."""


def keeps(ctx: Context, row: object) -> bool:
    """Whether a hold stands on somebody whose this row is: its reader, author or invitee, or its practice."""
    return bool(_stand(ctx)) and bool(_on(ctx, *_whose(ctx, row)))


def not_kept(ctx: Context, rows: Sequence[Row]) -> list[Row]:
    """Those of the rows that no hold keeps."""
    return [row for row in rows if not keeps(ctx, row)] if rows and _stand(ctx) else list(rows)


def on_person(ctx: Context, key: str) -> list[LegalHold]:
    """The holds that stand on this address."""
    return _on(ctx, {key}, set())


def on_practices(ctx: Context, ids: Collection[str]) -> list[LegalHold]:
    """The holds that stand on any of these practices."""
    return _on(ctx, set(), set(ids))


def follow(ctx: Context, before: str, after: str) -> None:
    """The person of one address is at another one from now on: holds on them stand there as well."""
    if before == after or not _stand(ctx):
        return
    there = {one.follows or one.id for one in on_person(ctx, after)}
    for hold in on_person(ctx, before):
        first = hold.follows or hold.id
        if first not in there:
            ctx.tx.add(replace(hold, id=0, address=after, follows=first, placed_by="gateway", placed_at=ctx.now))
            ctx.audit("gateway", Act.HOLD_FOLLOWS, f"hold {first}")


def _stand(ctx: Context) -> LegalHold | None:
    """Whether any hold stands at all."""
    return ctx.tx.one(LegalHold, released_at=None, id__gt=0)  # its index has only those that stand


def _on(ctx: Context, people: set[str], practices: set[str]) -> list[LegalHold]:
    found = ctx.tx.find(LegalHold, released_at=None, address__in=sorted(people), practice_id="") if people else []
    if practices:
        found += ctx.tx.find(LegalHold, released_at=None, address="", practice_id__in=sorted(practices))
    return found


def _whose(ctx: Context, row: object) -> tuple[set[str], set[str]]:
    """The addresses and the practices that a row is about, by itself and by the rows that it names."""
    people: set[str] = set()
    practices: set[str] = set()
    waiting, seen = [row], set()
    while waiting:
        one = waiting.pop()
        people.update(people_named(one))
        practices.add(getattr(one, "practice_id", ""))
        for table, number in _leads(one):
            if number and (table, number) not in seen:
                seen.add((table, number))
                waiting += filter(None, [ctx.tx.get(table, number)])
    return people - {""}, practices - {""}


def _leads(row: object) -> Iterator[tuple[type[Any], int | None]]:
    for name, table in _LEADS_TO.items():
        yield table, getattr(row, name, None)
    if isinstance(row, Audit) and (named := _SUBJECT.fullmatch(row.subject)):
        yield _LEADS_TO[f"{named[1]}_id"], int(named[2])


def people_named(row: object) -> Iterator[str]:
    """The addresses that stand in a row, as they are compared."""
    if isinstance(row, Audit):
        yield from row.actor.split(" for ")  # "a delegate for their principal"
    for name in _ADDRESSES:
        if typed := getattr(row, name, ""):
            yield _key(typed)


def _key(typed: str) -> str:
    try:
        return address(typed).key
    except BadAddress:  # "erased|7", or what only a mail server can read
        return typed
