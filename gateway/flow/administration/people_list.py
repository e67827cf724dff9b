"""A practice's people list: what an administrator's file would change in it, and the change, so many rows at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model_records import ListedPerson
from gateway.domain.vocabulary import Role
from gateway.flow.context import Context


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row as it is to be: `line` is where it stands in the file."""

    practice_id: str
    address: str
    typed: str
    name: str
    role: Role | None
    line: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.practice_id, self.address


class Becomes(StrEnum):
    """What a file does to a row of the list."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


def compared(ctx: Context, rows: Sequence[Wanted]) -> list[tuple[Becomes, Wanted]]:
    """What would become of each of these rows; nothing is changed."""
    there = _there(ctx, rows)
    return [(_becomes(there.get(row.key), row), row) for row in rows]


def put(ctx: Context, rows: Sequence[Wanted]) -> None:
    """Have these rows in the list. Done twice, it changes nothing the second time."""
    there = _there(ctx, rows)
    for row in rows:
        before = there.get(row.key)
        match _becomes(before, row):
            case Becomes.ADDED:
                ctx.tx.add(
                    ListedPerson(
                        practice_id=row.practice_id,
                        address=row.address,
                        typed=row.typed,
                        name=row.name,
                        role=row.role,
                        added_at=ctx.now,
                    )
                )
            case Becomes.CHANGED if before:
                ctx.tx.put(replace(before, typed=row.typed, name=row.name, role=row.role))


def listed(ctx: Context, practice_id: str, after: str = "") -> list[ListedPerson]:
    """The next people of the practice's list behind this address, by address."""
    return ctx.tx.find(ListedPerson, order="address", practice_id=practice_id, address__gt=after, limit=AT_A_TIME)


def remove(ctx: Context, practice_id: str, addresses: Iterable[str]) -> int:
    """Take these off the practice's list; how many there were."""
    keys = list(addresses)
    return ctx.tx.remove(ListedPerson, practice_id=practice_id, address__in=keys) if keys else 0


def clear(ctx: Context, practice_id: str) -> int:
    """Take everybody off the practice's list; how many there were."""
    count = ctx.tx.remove(ListedPerson, practice_id=practice_id)
    if count:
        note(ctx, practice_id, {Becomes.REMOVED: count})
    return count


def note(ctx: Context, practice_id: str, counts: Mapping[Becomes, int]) -> None:
    """Have in the audit that the list was changed."""
    told = ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in Becomes)
    ctx.audit(ADMINISTRATOR, Act.IMPORTED_LIST, f"practice {practice_id}", told)


AT_A_TIME = 500
"""Rows in one transaction: some ten milliseconds."""


def _there(ctx: Context, rows: Sequence[Wanted]) -> dict[tuple[str, str], ListedPerson]:
    found = ctx.tx.find(ListedPerson, address__in=[row.address for row in rows])
    return {(one.practice_id, one.address): one for one in found}


def _becomes(before: ListedPerson | None, row: Wanted) -> Becomes:
    if before is None:
        return Becomes.ADDED
    same = (before.typed, before.name, before.role) == (row.typed, row.name, row.role)
    return Becomes.UNCHANGED if same else Becomes.CHANGED
