"""`gateway audit list` and `export`: rows of the audit, found and written out. Whoever does so is recorded first."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from gateway.admin import cef
from gateway.admin.access import Access
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model_records import Audit
from gateway.errors import BadPlace
from gateway.flow.context import Context

PAGE = 1000
TAIL = 64 * 1024
"""Octets at the end of a file in which its last line lies."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are looked for; "" and None for any."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    action: str = ""
    subject: str = ""
    place: str = ""

    @property
    def conditions(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in ("actor", "action", "subject", "place")}
        times = {
            "at__gt": self.since - timedelta(microseconds=1) if self.since else None,
            "at__lt": self.until,
        }
        return {name: value for name, value in {**named, **times}.items() if value}

    @property
    def told(self) -> str:
        """By what was looked, without the values: people type those."""
        return ", ".join(name.partition("__")[0] for name in self.conditions)


def note_look(ctx: Context, wanted: Wanted) -> None:
    """Record that somebody looks."""
    ctx.audit(ADMINISTRATOR, Act.LISTED_AUDIT, "audit", wanted.told)


def listed(ctx: Context, wanted: Wanted, limit: int, *, oldest: bool) -> list[Audit]:
    """The newest rows that are wanted, the newest first; or the oldest."""
    return ctx.tx.find(Audit, order="id" if oldest else "-id", limit=limit, **wanted.conditions)


def facts(row: Audit) -> dict[str, object]:
    """A row for a table, and as JSON. One that somebody has altered may hold anything."""
    texts = ("actor", "action", "subject", "detail", "place")
    return {"id": row.id, "at": row.at.isoformat(), **{name: str(getattr(row, name)) for name in texts}}


# -------------------------------------------------------------------------------------------------------------- export


class Format(StrEnum):
    """How rows are written out."""

    JSONL = "jsonl"
    CEF = "cef"


def _json(row: Audit) -> str:
    return json.dumps(facts(row) | {"mac": row.mac.hex() if isinstance(row.mac, bytes) else ""}, ensure_ascii=False)


def _json_number(text: str) -> int | None:
    try:
        number = json.loads(text)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return number if isinstance(number, int) else None


_LINES: Mapping[Format, Callable[[Audit], str]] = {Format.JSONL: _json, Format.CEF: cef.line}
_NUMBERS: Mapping[Format, Callable[[str], int | None]] = {Format.JSONL: _json_number, Format.CEF: cef.number_of}


def note_export(ctx: Context, after: int, how: Format) -> int:
    """Record that rows after this number are exported; how many there are about."""
    ctx.audit(ADMINISTRATOR, Act.EXPORTED_AUDIT, "audit", f"{how.value} after {after}")
    newest = ctx.tx.find(Audit, order="-id", limit=1, id__gt=after)
    return newest[0].id - after if newest else 0


def written(access: Access, out: BinaryIO, how: Format, after: int) -> Iterator[int]:
    """Write all rows after this number, the oldest first; after each page, how many. Raises StoreBusy, OSError."""
    while rows := access.ask(_after(after)):
        out.write("".join(f"{_LINES[how](row)}\n" for row in rows).encode())
        after = rows[-1].id
        yield len(rows)
    out.flush()


def _after(number: int) -> Callable[[Context], list[Audit]]:
    return lambda ctx: ctx.tx.find(Audit, id__gt=number, limit=PAGE)


def end_of(file: Path, how: Format) -> tuple[int, int]:
    """The number of the last row in a file that an export wrote, and where what is whole of it ends.

    Raises BadPlace for a file of something else, OSError.
    """
    if not file.exists() or not (size := file.stat().st_size):
        return 0, 0
    with file.open("rb") as there:
        there.seek(max(size - TAIL, 0))
        tail = there.read()
    whole, _, _ = tail.rpartition(b"\n")
    if not whole:  # not even its first line was written to the end
        return 0, 0
    number = _NUMBERS[how](whole.rpartition(b"\n")[2].decode("utf-8", "replace"))
    if number is None:
        raise BadPlace(f"{file} does not end with a row of the audit as {how.value}; name another file")
    return number, size - len(tail) + len(whole) + 1


def to_go_on(file: Path, where: int) -> BinaryIO:
    """The file, for its owner alone, cut off behind the last whole line. Raises OSError."""
    out = os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    out.truncate(where)
    out.seek(where)
    return out
