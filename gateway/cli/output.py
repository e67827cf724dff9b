"""How commands show what they found: a table for people, JSON lines for programs, a bar for what takes long.

Exit codes, for every command: 0 done, or nothing to tell; 1 something asked for is not there, or is not as it should
be; and of sysexits.h 65 (damaged data), 74 (the disk), 75 (the database is busy or full; try again), 78 (settings or
keys cannot be used).
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich import filesize
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

JsonOption = Annotated[bool, typer.Option("--json", help="one JSON object a line")]
_INSTANT = re.compile(r"(?:(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\+00:00|Z))?")
"""An instant in UTC, or nothing."""
_SHOWN = re.compile(r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ)?")
"""The same as it is shown."""
GAP = 2
"""Columns between two columns of a table."""
WIDE = 250
"""Columns of a table that no terminal shows."""
Row = Mapping[str, object]
"""A line of what was found: names of columns, and values that JSON knows."""


class Octets(int):
    """A size, which people read as 82 GB and programs as a number."""


def show(rows: Sequence[Row], *, as_json: bool, nothing: str, columns: Sequence[str] = ()) -> None:
    """Print the rows; `columns` are those of the table, all where none are named. `nothing` is said for no rows."""
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
    elif not rows:
        typer.echo(nothing)
    else:
        console, names = _console(), columns or tuple(rows[0])
        if sum(_least(rows, name) + GAP for name in names) <= console.width:
            console.print(_table(rows, names))
            return
        for row in rows:  # a table so narrow would break numbers, times and ids
            console.print(_lines({name: row.get(name) for name in names if row.get(name) not in (None, "")}), "")


def show_one(row: Row, *, as_json: bool) -> None:
    """Print one thing: a line for each of its values."""
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False))
    else:
        _console().print(_lines(row))


def instant(at: datetime | None) -> str | None:
    """A time as rows have it, to the second: JSON keeps its offset, and tables show it in UTC."""
    return at.isoformat(timespec="seconds") if at else None


@contextlib.contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error while something long is done, at a terminal; call what it gives with how many more."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # it would write an empty line into a log
    )
    with bar:
        task = bar.add_task(title, total=total)
        yield lambda more: bar.advance(task, more)


def _console() -> Console:
    """As wide as the terminal; a file or another program gets long lines, in which each value is whole."""
    return Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=WIDE)


def _lines(row: Row) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        table.add_row(f"[bold]{_title(name)}[/bold]", _text(value) or "none")
    return table


def _least(rows: Sequence[Row], name: str) -> int:
    """How wide a column is at least, so that none of its words is broken. A time is one word."""
    cells = [_text(row.get(name)) for row in rows]
    words = [one for cell in cells for one in ([cell] if _SHOWN.fullmatch(cell) else cell.split())]
    return max(map(len, [*words, *_title(name).split()]))


def _table(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in columns:
        is_short = all(_SHOWN.fullmatch(_text(row.get(name))) for row in rows)
        table.add_column(_title(name), overflow="fold", no_wrap=is_short, min_width=_least(rows, name))
    for row in rows:
        table.add_row(*(_text(row.get(name)) for name in columns))
    return table


def _title(name: str) -> str:
    return name.replace("_", " ")


def _text(value: object) -> str:
    """A value in a cell: what people wrote must not be read as rich's markup."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Octets):
        return filesize.decimal(value)
    if isinstance(value, dict):
        return "\n".join(f"{_title(name)}: {_text(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    text = str(value)
    found = _INSTANT.fullmatch(text)
    return f"{found[1]} {found[2]}Z" if found and found[1] else text.replace("[", r"\[")
