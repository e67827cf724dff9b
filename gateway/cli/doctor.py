"""`gateway doctor`: what of a damaged gateway is whole, what is lost, and for whom."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, Row, progress, show, show_one
from gateway.cli.parts import ConfigOption, plain_errors
from gateway.config.toml_file import load

if TYPE_CHECKING:
    from gateway.admin.doctor.findings import Report
    from gateway.config.settings import Settings

HOW = (
    "What is whole lies in {new}. To use it: stop the gateway; move {name}, {name}-wal, {name}-shm and {name}.spool "
    "from {old} to a safe place; move those of {new} to {old}; start it. Below is what the new database is like."
)
_ORDER = ("lost", "damage", "note")


def doctor(
    config: ConfigOption,
    fix: Annotated[bool, typer.Option("--fix", help="mend in place what can be mended without loss")] = False,
    repair: Annotated[
        Path | None,
        typer.Option("--repair", metavar="FOLDER", help="save what is whole into a new database in this new folder"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for damage in keys, database and files, and say what is whole and what is lost, for whom.

    Nothing is changed unless that is asked for, also beside a gateway that serves. Exit 0 if all is whole, 65 if not.
    """
    from gateway.admin.doctor.examination import examine  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors():
        settings = load(config)
        if repair:
            report = _repaired(settings, repair, as_json=as_json)
        else:
            with _bar() as step:
                report = examine(settings, step)
            if fix and any(one.fixable for one in report.findings):
                report = _fixed(settings, report)
    _tell(report, as_json=as_json)
    raise typer.Exit(os.EX_DATAERR if report.is_damaged else 0)


def _fixed(settings: "Settings", report: "Report") -> "Report":
    from gateway.admin.doctor.examination import examine  # noqa: PLC0415
    from gateway.admin.doctor.fixing import fix  # noqa: PLC0415

    for finding in report.findings:
        if finding.fixable:
            why = fix(settings, finding)
            typer.echo(f"could not be mended ({why}): {finding.what}" if why else f"mended: {finding.what}", err=True)
    with _bar() as step:
        return examine(settings, step)


def _repaired(settings: "Settings", folder: Path, *, as_json: bool) -> "Report":
    from gateway.admin.doctor.repair import repair  # noqa: PLC0415

    with _bar() as step:
        saved = repair(settings, folder, step)
    rows: list[Row] = [{"left_behind": line} for line in saved.left]
    rows += [{"made_anew": line} for line in saved.made]
    if as_json:
        show(rows, as_json=True, nothing="")
    for row in rows if not as_json else ():
        typer.echo(" ".join(f"{name.replace('_', ' ')}: {line}" for name, line in row.items()))
    path = settings.database_path
    typer.echo(HOW.format(name=path.name, old=path.parent, new=folder), err=True)
    return saved.report


def _tell(report: "Report", *, as_json: bool) -> None:
    found = sorted(report.findings, key=lambda one: _ORDER.index(one.harm.value))
    if as_json:
        show([asdict(one) for one in found], as_json=True, nothing="")
        show_one({"whole": report.whole, "lost": report.lost, "damaged": report.is_damaged}, as_json=True)
        return
    for one in found:
        typer.echo(f"{one.harm.value.upper():7} {one.what}" + (f"\n        -> {one.remedy}" if one.remedy else ""))
    show_one({"whole": report.whole, "lost": report.lost or "nothing"}, as_json=False)


@contextmanager
def _bar() -> Iterator[Callable[[str, int], None]]:
    """One bar for all that is looked at: nobody knows beforehand how much that is."""
    with progress("looked at", None) as step:
        yield lambda _title, more: step(more)
