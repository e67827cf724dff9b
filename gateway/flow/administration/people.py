"""Who is here, and as what: a person is an address; and which practices there are."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import groupby, islice
from typing import Any

from gateway.domain.address import Address, address
from gateway.domain.model import Account, Copy, Delivery, Invitation, Message, Passkey, Sender, Session
from gateway.domain.model_records import DirectoryEntry, LegalHold, ListedPerson
from gateway.domain.site import Practice
from gateway.domain.vocabulary import OPEN, CopyState, DeliveryState, State
from gateway.errors import BadAddress
from gateway.flow import who
from gateway.flow.accounts.account import is_erased
from gateway.flow.context import Context

PAGE = 200
"""How many addresses are looked at together."""


class As(StrEnum):
    """As what somebody is here."""

    REGISTERED = "registered"
    INVITED = "invited"
    LISTED = "listed"
    SENDERS = "senders"


@dataclass(frozen=True, slots=True)
class Person:
    """What an address is here. `account` is None for who is not registered."""

    address: str
    account: Account | None = None
    invitations: tuple[Invitation, ...] = ()
    listed: tuple[ListedPerson, ...] = ()
    sends_for: tuple[Sender, ...] = ()
    holds: tuple[LegalHold, ...] = ()

    @property
    def typed(self) -> str:
        """The address as it was typed."""
        return next((one.typed for one in self._rows if one.typed), self.address)

    @property
    def name(self) -> str:
        return next((one.name for one in self._rows if one.name), "")

    @property
    def is_known(self) -> bool:
        """Whether there is anything at all."""
        return bool(self._rows or self.holds)

    @property
    def _rows(self) -> tuple[Account | Invitation | ListedPerson | Sender, ...]:
        return (*filter(None, (self.account,)), *self.listed, *self.sends_for, *reversed(self.invitations))


@dataclass(frozen=True, slots=True)
class Figures:
    """How much there is of a person's."""

    in_inbox: int = 0
    held: int = 0
    kept_by_hold: int = 0
    written: int = 0
    sessions: int = 0
    passkeys: int = 0
    waiting_mail: int = 0


@dataclass(frozen=True, slots=True)
class PracticeFigures:
    """A practice, and how many people it has in each part."""

    practice: Practice
    senders: int
    listed: int
    open_invitations: int
    accepted_invitations: int
    hold: LegalHold | None


def listed(ctx: Context, practice_id: str = "", wanted: As | None = None, after: str = "") -> list[Person]:
    """The next people behind this address, by address; those of one practice, or who are here as what is wanted."""
    kinds = _of_practice(practice_id) if practice_id else _KINDS
    found = [_addresses(ctx, table, where, after) for kind, table, where in kinds if wanted in (None, kind)]
    keys = [key for key, _ in groupby(merge(*found)) if not is_erased(key)]
    return list(_people(ctx, list(islice(keys, PAGE))))


def person(ctx: Context, at: Address) -> Person:
    """What this address is here; a person of whom nothing is kept is not known."""
    return next(_people(ctx, [at.key]))


def is_here(ctx: Context, at: Address) -> bool:
    """Whether anything is held about this address."""
    return person(ctx, at).is_known or any(ctx.tx.one(table, address=at.key) for table in (Copy, DirectoryEntry))


def figures(ctx: Context, one: Person) -> Figures:
    """How much there is of this person's."""
    copies = list(all_copies(ctx, one))
    account_id = one.account.id if one.account else 0
    waits = ctx.tx.find(Delivery, state__in=(DeliveryState.QUEUED, DeliveryState.HELD, DeliveryState.QUARANTINED))
    typed = {one.typed, one.address}
    return Figures(
        in_inbox=sum(copy.state is CopyState.INBOX for copy in copies),
        held=sum(copy.state in (CopyState.HELD, CopyState.ASKED) for copy in copies),
        kept_by_hold=sum(copy.kept for copy in copies),
        written=len(written(ctx, one)),
        sessions=ctx.tx.count(Session, account_id=account_id),
        passkeys=ctx.tx.count(Passkey, account_id=account_id),
        waiting_mail=sum(delivery.recipient in typed for delivery in waits),
    )


def all_copies(ctx: Context, one: Person) -> Iterator[Copy]:
    """The copies to this person, by address and by account, the oldest first."""
    found = {copy.id: copy for copy in ctx.tx.find(Copy, address=one.address)}
    if one.account:
        found |= {copy.id: copy for copy in ctx.tx.find(Copy, account_id=one.account.id)}
    yield from (found[number] for number in sorted(found))


def written(ctx: Context, one: Person) -> list[Message]:
    """What the person has written: in the portal, or for a practice; the oldest first."""
    found = ctx.tx.find(Message, account_id=one.account.id) if one.account else []
    for sender in one.sends_for:
        found += ctx.tx.find(Message, sender_id=sender.id)
    return found


def writes_for(ctx: Context, one: Person) -> str:
    """The id of the practice for which this address writes now; "" for none."""
    practice = who.practice_of(ctx, Address(one.address, one.typed))
    return practice.id if practice else ""


def is_at(at: Address, typed: str) -> bool:
    """Whether what somebody typed is this address."""
    try:
        return typed.casefold() == at.key or address(typed).key == at.key
    except BadAddress:
        return False


def practices(ctx: Context) -> list[PracticeFigures]:
    """The practices of the settings, with what each has."""
    return [_practice_figures(ctx, one) for one in ctx.site.practices]


def _practice_figures(ctx: Context, practice: Practice) -> PracticeFigures:
    of: dict[str, Any] = {"practice_id": practice.id}
    return PracticeFigures(
        practice,
        senders=ctx.tx.count(Sender, **of),
        listed=ctx.tx.count(ListedPerson, **of),
        open_invitations=ctx.tx.count(Invitation, state__in=OPEN, **of),
        accepted_invitations=ctx.tx.count(Invitation, state=State.ACCEPTED, **of),
        hold=ctx.tx.one(LegalHold, released_at=None, address="", **of),
    )


# --------------------------------------------------------------------------------------------------------------- parts

_Kind = tuple[As, type[Any], dict[str, Any]]
_KINDS: tuple[_Kind, ...] = (
    (As.REGISTERED, Account, {"typed__ne": ""}),
    (As.INVITED, Invitation, {"state__in": OPEN}),
    (As.LISTED, ListedPerson, {}),
    (As.SENDERS, Sender, {}),
)


def _of_practice(practice_id: str) -> tuple[_Kind, ...]:
    """The same for one practice: its registered people are those who have accepted an invitation of its."""
    of = {"practice_id": practice_id}
    return (
        (As.REGISTERED, Invitation, {"state": State.ACCEPTED, **of}),
        *((kind, table, where | of) for kind, table, where in _KINDS if kind is not As.REGISTERED),
    )


def _addresses(ctx: Context, table: type[Any], where: dict[str, Any], after: str) -> list[str]:
    """Keys of a table behind this one, at least `PAGE` different ones if there are so many."""
    found: list[str] = []
    while len(set(found)) < PAGE:
        last = found[-1] if found else after
        rows = ctx.tx.find(table, order="address", address__gt=last, limit=PAGE, **where)
        found += [row.address for row in rows]
        if len(rows) < PAGE:
            break
    return found


def _people(ctx: Context, keys: Collection[str]) -> Iterator[Person]:
    accounts = {one.address: one for one in ctx.tx.find(Account, address__in=list(keys))}
    invitations = _by_address(ctx, Invitation, keys)
    listed_at = _by_address(ctx, ListedPerson, keys)
    senders = _by_address(ctx, Sender, keys)
    holds = _by_address(ctx, LegalHold, keys, released_at=None)
    for key in keys:
        account = accounts.get(key)
        yield Person(
            key,
            account if account and not account.is_erased else None,
            tuple(invitations.get(key, ())),
            tuple(listed_at.get(key, ())),
            tuple(senders.get(key, ())),
            tuple(holds.get(key, ())),
        )


def _by_address(ctx: Context, table: type[Any], keys: Collection[str], **where: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in ctx.tx.find(table, address__in=list(keys), **where):
        found.setdefault(row.address, []).append(row)
    return found
