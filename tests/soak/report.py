"""The table at the end."""

from dataclasses import astuple

from tests.soak import figures
from tests.soak.ledger import total
from tests.soak.month import Options, Result

MOST = 60
"""Faults that are listed."""


def lines(options: Options, result: Result) -> list[str]:
    """All that is said of a run."""
    month = [day for day in result.days if day.day <= options.days]
    return [
        f"{options.days} simulated days in {result.seconds / 60:.1f} minutes, seed {options.seed}; {result.disk}",
        "",
        *_table(result),
        "",
        "What happened: " + ", ".join(f"{what} {times}x" for what, times in sorted(result.incidents.items())),
        "",
        *figures.table(month),
        *(f"{name} in the last third: {how}" for name, how in figures.levels(month).items()),
        "",
        *_faults(result.reckoning.faults),
    ]


def _table(result: Result) -> list[str]:
    columns = _line("", "promised", "came", "lost", "other day", "by a cut", "duplicated")
    rows = [_line(kind.value, *astuple(row)) for kind, row in result.reckoning.rows.items()]
    return [columns, *rows, _line("all", *astuple(total(result.reckoning)))]


def _line(name: str, *columns: object) -> str:
    return f"{name:54}" + "".join(f"{column:>11}" for column in columns)


def _faults(faults: list[str]) -> list[str]:
    if not faults:
        return ["Nothing was lost, and nothing came twice that may not."]
    more = [f"... and {len(faults) - MOST} more"] if len(faults) > MOST else []
    return [f"{len(faults)} faults:", *faults[:MOST], *more]
