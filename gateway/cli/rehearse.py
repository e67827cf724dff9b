"""`gateway rehearse` and `gateway observed`: what would have been done, before anything is done."""

import csv
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from gateway.admin.access import ask
from gateway.cli.output import JsonOption, Row, progress, show
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.toml_file import load
from gateway.flow.inbound import observe
from gateway.flow.inbound.rehearse import Rehearsed

CsvOption = Annotated[bool, typer.Option("--csv", help="a table with commas, for a spreadsheet")]
SHOWN = 50
"""Mails that are named at a terminal; the totals count all."""


def rehearse(
    mailbox: Annotated[Path, typer.Argument(help="an mbox file, a Maildir, or a folder of .eml files")],
    config: ConfigOption,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Say what would have become of the mails of a mailbox, by the rules as they stand; nothing is done or written."""
    from gateway.admin.rehearsal import rehearsed  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors(), ExitStack() as bar:

        def begin(count: int) -> Callable[[int], None]:
            return bar.enter_context(progress("mails", count))

        found = rehearsed(load(config), mailbox, begin)
    if not found:
        fail(f"{mailbox}: there is no mail in it")
    if as_json:
        show([_row(name, one) for name, one in found], as_json=True, nothing="")
    elif as_csv:
        rows = ((name, one.message_id, one.author, one.recipient, one.action, one.reason) for name, one in found)
        _table(("mail", "message id", "from", "to", "would have been", "because"), rows)
    else:
        _tell(found)


def observed(config: ConfigOption, as_json: JsonOption = False, as_csv: CsvOption = False) -> None:
    """Say what would have been done in the last 30 days, at a gateway that only observes (secure_mail.mode)."""
    with plain_errors():
        rows = ask(load(config), observe.rows)
    if as_csv:
        _table(observe.COLUMNS, rows)
        return
    names = [name.replace(" ", "_") for name in observe.COLUMNS]
    show([dict(zip(names, row, strict=True)) for row in rows], as_json=as_json, nothing="nothing was observed")


def _tell(found: Sequence[tuple[str, Rehearsed]]) -> None:
    """First how many of each, then the mails that would not have passed."""
    totals = Counter((one.action, one.reason) for _, one in found)
    lines: list[Row] = [
        {"recipients": count, "would_be": action, "because": reason} for (action, reason), count in totals.most_common()
    ]
    show(lines, as_json=False, nothing="")
    stopped = [(name, one) for name, one in found if not one.passes]
    mails = len({name for name, _ in found})
    typer.echo(f"\n{mails} mails; {len({name for name, _ in stopped})} of them would not just have passed.")
    if stopped:
        show([_row(name, one) for name, one in stopped[:SHOWN]], as_json=False, nothing="", columns=COLUMNS)
    if len(stopped) > SHOWN:
        typer.echo(f"and {len(stopped) - SHOWN} more: --csv has them all")


COLUMNS = ("mail", "from", "to", "would_be", "because")


def _row(name: str, one: Rehearsed) -> Row:
    return {
        "mail": name,
        "message_id": one.message_id,
        "from": one.author,
        "to": one.recipient,
        "would_be": one.action,
        "because": one.reason,
    }


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows([observe.cell(one) for one in row] for row in rows)
