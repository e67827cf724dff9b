"""Which of the site's keys the database is sealed with, as facts that stand in it.

Whoever rotates the keys writes down the new one before anything is sealed under it. Processes that serve look there
each second, read their keys again when they do not have it, and write down which one they use now. So no row is sealed
under a key that a serving process does not have, and it is known when nobody seals under an older one any more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from gateway.domain.ledger import LedgerKind, LedgerLine
from gateway.domain.model import Meta
from gateway.domain.model_records import Worker
from gateway.errors import WrongKey
from gateway.flow import ledger, meta, retired_keys
from gateway.flow.context import Context
from gateway.ports import Keys, Tx

_NAME = "keys"
_SHEETS = "key sheets"
_WORKERS = "keys of workers"
_RETURNED = "retired keys of a backup"


class HasLetters(Protocol):
    """A part of `Keys`, which the text of a key file has as well."""

    @property
    def current(self) -> str: ...
    @property
    def letters(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class KeysInUse:
    """The keys that something may be sealed under, each by its letter with its mark (`Keys.mark`).

    `current` is the one under which all is sealed from now on, `whole` whether nothing is left under an older one.
    """

    marks: Mapping[str, str]
    current: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Sheets:
    """When key sheets were last printed, how many, and the letters of the keys that are on them."""

    day: str
    shares: int
    needed: int
    letters: str


def in_use(tx: Tx) -> KeysInUse | None:
    """None for a database that was never served from."""
    row = tx.one(Meta, name=_NAME)
    return KeysInUse(**json.loads(row.value)) if row else None


def check(tx: Tx, keys: Keys) -> None:
    """Every key that something may be sealed under must be at hand. Raises WrongKey."""
    used = in_use(tx)
    for letter, mark in used.marks.items() if used else ():
        if letter not in keys.letters:
            raise WrongKey(
                f"keys: this database is sealed with key {letter} as well, which the keys at hand do not have; "
                "they may be of before the last rotation: restore the right ones"
            )
        if keys.mark(letter) != mark:
            raise WrongKey(f"keys: key {letter} is another than this database was sealed with; restore the right one")


def begin(ctx: Context) -> KeysInUse:
    """From now on all is sealed under the current key: it is written down before that is done."""
    used = in_use(ctx.tx) or KeysInUse({}, ctx.keys.current)
    if ctx.keys.current in used.marks and used.current == ctx.keys.current:
        return used
    marks = {**used.marks, ctx.keys.current: ctx.keys.mark(ctx.keys.current)}
    begun = KeysInUse(marks, ctx.keys.current, whole=not used.marks)
    _put(ctx, begun)
    retired_keys.note_current(ctx)
    return begun


def complete(ctx: Context) -> None:
    """Nothing is sealed under an older key than the current one."""
    used = begin(ctx)
    if not used.whole:
        ledger.note(ctx, LedgerKind.KEY, used.current, "rotated")
    _put(ctx, replace(used, whole=True))


def retire(ctx: Context, letter: str) -> None:
    """Nothing opens under this key from now on."""
    used = begin(ctx)
    _put(ctx, replace(used, marks={name: mark for name, mark in used.marks.items() if name != letter}))
    ledger.note(ctx, LedgerKind.KEY, letter, "retired")
    retired_keys.note_retired(ctx)
    _put_returned(ctx, {name: day for name, day in _returned(ctx.tx).items() if name != letter})


def _put(ctx: Context, used: KeysInUse) -> None:
    meta.put(ctx.tx, _NAME, json.dumps(asdict(used)).encode())


# --------------------------------------------------------------------------------- retired keys that came with a backup


def note_returned(ctx: Context, lines: Sequence[LedgerLine]) -> None:
    """A backup was restored that is older than these lines: keys that were retired since may have come with it."""
    last = {one.subject.split()[0]: one for one in lines if one.kind == LedgerKind.KEY}
    found = {
        letter: one.at.date().isoformat()
        for letter, one in last.items()
        if one.subject.endswith(" retired") and letter in ctx.keys.letters
    }
    if found:
        _put_returned(ctx, {**_returned(ctx.tx), **found})


def about_returned(tx: Tx, keys: HasLetters) -> list[str]:
    """A line for each retired key that is in use again, and what to do."""
    return [
        f"key {letter}, retired on {day}, came back with a backup: run "
        f"{'`gateway keys rotate` and ' if letter == keys.current else ''}`gateway keys retire {letter}` now"
        for letter, day in sorted(_returned(tx).items())
        if letter in keys.letters
    ]


def _returned(tx: Tx) -> dict[str, str]:
    row = tx.one(Meta, name=_RETURNED)
    found: dict[str, str] = json.loads(row.value) if row else {}
    return found


def _put_returned(ctx: Context, found: Mapping[str, str]) -> None:
    meta.put(ctx.tx, _RETURNED, json.dumps(dict(found)).encode())


# ------------------------------------------------------------------------------------------------- who serves with what


def is_behind(ctx: Context) -> bool:
    """Whether our keys are others than those that are written down as being in use."""
    used = in_use(ctx.tx)
    return used is not None and (used.current != ctx.keys.current or not used.marks.keys() >= ctx.keys.letters)


def serves(ctx: Context, worker: str) -> None:
    """This process seals under its current key from now on."""
    meta.put(ctx.tx, _WORKERS, json.dumps({**workers(ctx.tx), worker: ctx.keys.current}).encode())


def workers(tx: Tx) -> dict[str, str]:
    """The letter under which each process seals that serves, or has served."""
    row = tx.one(Meta, name=_WORKERS)
    found: dict[str, str] = json.loads(row.value) if row else {}
    return found


def living(tx: Tx) -> dict[str, str]:
    """Of those, the ones that have lately shown that they live; of one that has not said its letter yet it is ""."""
    known = workers(tx)
    return {one.name: known.get(one.name, "") for one in tx.find(Worker)}


def nobody_serves(ctx: Context) -> None:
    """What was written down by processes that served has no meaning any more."""
    ctx.tx.remove(Meta, name=_WORKERS)


# ------------------------------------------------------------------------------------------------------------- sheets


def printed(ctx: Context, shares: int, needed: int, letters: str) -> None:
    """Key sheets were printed."""
    meta.put(ctx.tx, _SHEETS, json.dumps(asdict(Sheets(ctx.today.isoformat(), shares, needed, letters))).encode())


def sheets(tx: Tx) -> Sheets | None:
    """The latest key sheets, if there are any."""
    row = tx.one(Meta, name=_SHEETS)
    return Sheets(**json.loads(row.value)) if row else None
