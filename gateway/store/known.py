"""What a transaction has read so far. Nobody else's changes show in it, so nothing is asked twice; its own are noted.

Callers who share a transaction share this as well. Rows are never changed in place, so they may be had by many.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from gateway.domain.model import Account, Invitation, Sender
from gateway.domain.model_records import ListedPerson

BY_ADDRESS = (ListedPerson, Sender, Account, Invitation)
"""Of these, all rows of an address can be known: mail to somebody or from somebody asks for each of them."""
MOST_ROWS = 10
"""Rows of one question that are kept until the transaction ends."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows are asked for, as the port `Tx` has it; `key` is the same for the same question."""

    table: type
    where: Mapping[str, Any]
    order: str
    limit: int | None
    skip: int
    key: Hashable


class Known:
    """Rows by the question that found them, by their number, and all of an address."""

    def __init__(self) -> None:
        self._found: dict[type, dict[Hashable, tuple[Mapping[str, Any], Sequence[Any]]]] = {}
        self._stored: dict[type, dict[int | str, Any]] = {}
        self._of_address: dict[type, dict[str, list[Any]]] = {}

    def answer(self, asked: Question) -> list[Any] | None:
        """The rows, None where the database has to be asked."""
        found = self._found.get(asked.table, {}).get(asked.key)
        if found:
            return list(found[1])
        if asked.where.keys() == {"id"} and (row := self._stored.get(asked.table, {}).get(asked.where["id"])):
            return _chosen([row], asked)
        rows = self._of_address.get(asked.table, {}).get(asked.where.get("address", ""))
        return None if rows is None else _chosen(rows, asked)

    def keep(self, asked: Question, rows: Sequence[Any]) -> None:
        """The database was asked. What was skipped is not known, so neither is what changes the answer."""
        if len(rows) <= MOST_ROWS and not asked.skip:
            self._found.setdefault(asked.table, {})[asked.key] = (asked.where, tuple(rows))

    def keep_all_of(self, addresses: Collection[str], table: type, rows: Sequence[Any]) -> None:
        """These are all that there are of these addresses, one of BY_ADDRESS."""
        known = self._of_address[table] = {address: [] for address in addresses}
        for row in rows:
            known[row.address].append(row)

    def keep_rows(self, rows: Sequence[Any]) -> None:
        """As they are stored."""
        for row in rows:
            self._stored.setdefault(type(row), {})[row.id] = row

    def store(self, row: Any) -> None:
        """A row was added or changed."""
        table = type(row)
        found = self._found.get(table, {})
        for key in [key for key, (where, rows) in found.items() if _depends(where, rows, row)]:
            del found[key]
        self._stored.setdefault(table, {})[row.id] = row
        for address, rows in self._of_address.get(table, {}).items():
            rows[:] = [one for one in rows if one.id != row.id]
            if address == row.address:
                rows.append(row)

    def forget(self, table: type) -> None:
        """Rows of a table were changed that are not at hand."""
        for known in (self._found, self._stored, self._of_address):
            known.pop(table, None)

    def forget_all(self) -> None:
        """What was done is undone."""
        for known in (self._found, self._stored, self._of_address):
            known.clear()


def _depends(where: Mapping[str, Any], rows: Sequence[Any], changed: Any) -> bool:
    """Whether this changes the answer: the row was found, or may be found now."""
    return any(row.id == changed.id for row in rows) or _meets(changed, where) is not False


def _chosen(rows: Sequence[Any], asked: Question) -> list[Any] | None:
    meets = [(row, _meets(row, asked.where)) for row in rows]
    if asked.order.removeprefix("-") != "id" or any(one is None for _, one in meets):
        return None
    chosen = sorted((row for row, one in meets if one), key=attrgetter("id"), reverse=asked.order.startswith("-"))
    return chosen[asked.skip : None if asked.limit is None else asked.skip + asked.limit]


def _meets(row: Any, where: Mapping[str, Any]) -> bool | None:
    """None where that is for the database to say: only for equality is compared here."""
    equal = {name: value for name, value in where.items() if "__" not in name}
    if any(getattr(row, name) != value for name, value in equal.items()):
        return False
    return True if len(equal) == len(where) else None
