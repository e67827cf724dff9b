"""Bringing a people list in from a file: what it would change, then the change, beside a gateway that may serve."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.admin.access import Access
from gateway.flow.administration import people_list
from gateway.flow.administration.people_list import AT_A_TIME, Becomes, Wanted

T = TypeVar("T")

SHOWN = 10
"""How many lines of each kind a preview shows."""


@dataclass(slots=True)
class Preview:
    """What would become of the list; `first` are some of the people of each kind."""

    counts: dict[str, Counter[Becomes]] = field(default_factory=dict)
    """By practice."""
    first: dict[Becomes, list[str]] = field(default_factory=dict)
    todo: list[Wanted] = field(default_factory=list)
    gone: dict[str, list[str]] = field(default_factory=dict)
    """By practice, the addresses that go."""

    @property
    def total(self) -> Counter[Becomes]:
        return sum(self.counts.values(), Counter())

    @property
    def steps(self) -> int:
        """How many rows are to be changed."""
        return len(self.todo) + sum(map(len, self.gone.values()))

    def add(self, becomes: Becomes, practice_id: str, person: str) -> None:
        """Count one, and show it if it is among the first."""
        self.counts.setdefault(practice_id, Counter())[becomes] += 1
        shown = self.first.setdefault(becomes, [])
        if len(shown) < SHOWN:
            shown.append(person)


def preview(access: Access, rows: Sequence[Wanted], *, replace: bool) -> Preview:
    """Compare a file with the list. With `replace`, who is not in the file goes, at the practices that it names."""
    found = Preview()
    for some in _parts(rows):
        for becomes, row in access.ask(people_list.compared, some):
            name = f"{row.name} " if row.name else ""
            found.add(becomes, row.practice_id, f"line {row.line}: {name}<{row.typed}>")
            if becomes is not Becomes.UNCHANGED:
                found.todo.append(row)
    wanted = {row.key for row in rows}
    for practice_id in sorted({row.practice_id for row in rows}) if replace else ():
        for key in _listed(access, practice_id):
            if (practice_id, key) not in wanted:
                found.add(Becomes.REMOVED, practice_id, key)
                found.gone.setdefault(practice_id, []).append(key)
    return found


def carry_out(access: Access, found: Preview, advance: Callable[[int], None]) -> None:
    """Change the list, some hundred rows at a time. Broken off, it is run again: what is done is unchanged then."""
    for some in _parts(found.todo):
        access.do(people_list.put, some)
        advance(len(some))
    for practice_id, addresses in found.gone.items():
        for keys in _parts(addresses):
            access.do(people_list.remove, practice_id, keys)
            advance(len(keys))
    for practice_id, counts in found.counts.items():
        if set(counts) - {Becomes.UNCHANGED}:
            access.do(people_list.note, practice_id, counts)


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """What is done in one transaction each."""
    return (rows[at : at + AT_A_TIME] for at in range(0, len(rows), AT_A_TIME))


def _listed(access: Access, practice_id: str) -> Iterator[str]:
    after = ""
    while rows := access.ask(people_list.listed, practice_id, after):
        yield from (row.address for row in rows)
        after = rows[-1].address
