"""What a transaction has read so far. Nobody else's changes show in it, so nothing is asked twice; its own are noted.

Callers who share a transaction share this as well. Rows are never changed in place, so they may be had by many.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from gateway.domain.model import Account, Fingerprint, Invitation, Sender
from gateway.domain.model_records import ListedPerson

BY_ADDRESS = (ListedPerson, Sender, Account, Invitation)
"""Of these, all rows of an address can be known: mail to somebody or from somebody asks for each of them."""
ONCE_BY = {Fingerprint: "fingerprint"}
"""Of rows that are added once, the key that stands in the way of a second one."""
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
        self._of: defaultdict[type, _KnownOfTable] = defaultdict(_KnownOfTable)
        self._there: defaultdict[type, set[Any]] = defaultdict(set)

    def answer(self, asked: Question) -> list[Any] | None:
        """The rows, None where the database has to be asked."""
        known = self._of[asked.table]
        found = known.found.get(asked.key)
        if found is not None:
            return list(found)
        if asked.where.keys() == {"id"} and (row := known.stored.get(asked.where["id"])):
            return _chosen([row], asked)
        rows = known.of_address.get(asked.where["address"]) if "address" in asked.where else None
        return None if rows is None else _chosen(rows.values(), asked)

    def keep(self, asked: Question, rows: Sequence[Any]) -> None:
        """The database was asked. What was skipped is not known, so neither is what changes the answer."""
        if len(rows) <= MOST_ROWS and not asked.skip:
            self._of[asked.table].keep(asked, rows)

    def keep_all_of(self, addresses: Collection[str], table: type, rows: Sequence[Any]) -> None:
        """These are all that there are of these addresses, one of BY_ADDRESS."""
        self._of[table].keep_all_of(addresses, rows)

    def keep_rows(self, rows: Sequence[Any]) -> None:
        """As they are stored."""
        for row in rows:
            self._of[type(row)].stored[row.id] = row

    def is_there(self, row: Any) -> bool:
        """Whether there is surely one already, of rows that are added once."""
        return type(row) in ONCE_BY and getattr(row, ONCE_BY[type(row)]) in self._there[type(row)]

    def keep_there(self, rows: Sequence[Any]) -> None:
        """These are there, of rows that are added once; what else is known of them may be out of date."""
        for row in rows:
            self._of.pop(type(row), None)
            if type(row) in ONCE_BY:
                self._there[type(row)].add(getattr(row, ONCE_BY[type(row)]))

    def store(self, row: Any) -> None:
        """A row was added or changed."""
        self._of[type(row)].store(row)

    def forget(self, table: type) -> None:
        """Rows of a table were changed that are not at hand."""
        self._of.pop(table, None)
        self._there.pop(table, None)

    def forget_all(self) -> None:
        """What was done is undone."""
        self._of.clear()
        self._there.clear()


class _KnownOfTable:
    """Of one table. What a changed row makes out of date is looked up: there may be a thousand questions, and as many
    changes.
    """

    def __init__(self) -> None:
        self.found: dict[Hashable, Sequence[Any]] = {}
        self.stored: dict[int | str, Any] = {}
        self.of_address: dict[str, dict[int, Any]] = {}
        self._address_of: dict[int, str] = {}
        self._by_equal: dict[tuple[str, ...], dict[tuple[Any, ...], set[Hashable]]] = {}
        """Questions by the fields that they compare for equality, and by the values of these."""
        self._by_row: dict[int | str, set[Hashable]] = {}
        """Questions by the rows that they found."""

    def keep(self, asked: Question, rows: Sequence[Any]) -> None:
        self.found[asked.key] = tuple(rows)
        equal = _equal(asked.where)
        self._by_equal.setdefault(tuple(equal), {}).setdefault(tuple(equal.values()), set()).add(asked.key)
        for row in rows:
            self._by_row.setdefault(row.id, set()).add(asked.key)

    def keep_all_of(self, addresses: Collection[str], rows: Sequence[Any]) -> None:
        self.of_address = {address: {} for address in addresses}
        self._address_of.clear()
        for row in rows:
            self._have_at_address(row)

    def store(self, row: Any) -> None:
        """Forget each answer in which the row was found, or may be found now."""
        for names, by_values in self._by_equal.items():
            self._forget(by_values.pop(tuple(getattr(row, name) for name in names), ()))
        self._forget(self._by_row.pop(row.id, ()))
        self.stored[row.id] = row
        if self.of_address:
            self._have_at_address(row)

    def _have_at_address(self, row: Any) -> None:
        """Where its address is known; it may have been at another one."""
        before = self._address_of.pop(row.id, None)
        if before is not None:
            del self.of_address[before][row.id]
        if row.address in self.of_address:
            self.of_address[row.address][row.id] = row
            self._address_of[row.id] = row.address

    def _forget(self, keys: Collection[Hashable]) -> None:
        for key in keys:
            self.found.pop(key, None)


def _chosen(rows: Iterable[Any], asked: Question) -> list[Any] | None:
    meets = [(row, _meets(row, asked.where)) for row in rows]
    if asked.order.removeprefix("-") != "id" or any(one is None for _, one in meets):
        return None
    chosen = sorted((row for row, one in meets if one), key=attrgetter("id"), reverse=asked.order.startswith("-"))
    return chosen[asked.skip : None if asked.limit is None else asked.skip + asked.limit]


def _meets(row: Any, where: Mapping[str, Any]) -> bool | None:
    """None where that is for the database to say: only for equality is compared here."""
    equal = _equal(where)
    if any(getattr(row, name) != value for name, value in equal.items()):
        return False
    return True if len(equal) == len(where) else None


def _equal(where: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions that compare for equality."""
    return {name: value for name, value in where.items() if "__" not in name}
