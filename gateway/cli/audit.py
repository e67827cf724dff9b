"""`gateway audit`: who did what, when and from where; whether that is as it was written; and all of it for a SIEM."""

import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from gateway.admin import audit_rows
from gateway.admin.access import ask, do, opened
from gateway.admin.audit_check import Finding, Walk
from gateway.admin.audit_heads import read_heads
from gateway.admin.audit_rows import Format, Wanted
from gateway.cli.output import JsonOption, progress, show, show_one
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model_records import Audit
from gateway.errors import StoreBusy, StoreDamaged, StoreFull
from gateway.flow.context import Context

app = typer.Typer(no_args_is_help=True, help="Who did what, when and from where.")

COLUMNS = ("id", "at", "actor", "action", "subject", "detail", "place")
MOST = 100
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


@app.command("list")
def list_rows(
    config: ConfigOption,
    since: Annotated[datetime | None, typer.Option("--since", formats=TIMES, help="from this time on (UTC)")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=TIMES, help="before this time (UTC)")] = None,
    actor: Annotated[str, typer.Option("--actor", help="who did it: an address, gateway, administrator")] = "",
    action: Annotated[str, typer.Option("--action", help='what was done, such as "viewed"')] = "",
    subject: Annotated[str, typer.Option("--subject", help='to what, such as "copy 12"')] = "",
    place: Annotated[str, typer.Option("--place", help="from where: a client's address")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="how many at most")] = MOST,
    oldest: Annotated[bool, typer.Option("--oldest", help="the oldest first, instead of the newest")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show rows of the audit, the newest first. Whoever looks is in it, too."""
    if action and action not in set(Act):
        fail(f"--action: there is no act {action!r}; docs/audit.md lists them all")
    wanted = Wanted(_utc(since), _utc(until), actor, action, subject, place)
    with plain_errors():
        settings = load(config)
        do(settings, lambda ctx: audit_rows.note_look(ctx, wanted))
        found = ask(settings, lambda ctx: audit_rows.listed(ctx, wanted, limit, oldest=oldest))
    show([audit_rows.facts(one) for one in found], as_json=as_json, nothing="nothing was found", columns=COLUMNS)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="goes on where this file ends; - for standard output", allow_dash=True)],
    config: ConfigOption,
    how: Annotated[Format, typer.Option("--format", help="JSON lines, or CEF for a SIEM")] = Format.JSONL,
    after: Annotated[int | None, typer.Option("--after", min=0, help="only rows after this number")] = None,
) -> None:
    """Write the audit out, the oldest row first. What was interrupted goes on where the file ends."""
    is_out = str(file) == "-"
    with plain_errors():
        settings = load(config)
        last, where = (0, 0) if is_out else audit_rows.end_of(file, how)
        if where and after is not None:
            fail(f"--after: {file} has rows already, and is gone on with; leave --after out, or name another file")
        start = max(last, after or 0)
        total = do(settings, lambda ctx: audit_rows.note_export(ctx, start, how))
        with contextlib.ExitStack() as stack:
            out: BinaryIO = sys.stdout.buffer if is_out else stack.enter_context(audit_rows.to_go_on(file, where))
            count = _written(settings, out, how, start, total)
            if not is_out:
                os.fsync(out.fileno())
    typer.echo(f"{count} rows were written", err=True)


def _written(settings: Settings, out: BinaryIO, how: Format, after: int, total: int) -> int:
    count = 0
    with opened(settings) as access, progress("rows", total) as advance:
        for more in audit_rows.written(access, out, how, after):
            advance(more)
            count += more
    return count


@app.command()
def verify(
    config: ConfigOption,
    head: Annotated[
        Path | None, typer.Option("--head", help="a file of heads that were kept elsewhere (audit.heads_to)")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether the audit is as it was written; name each row that was altered, removed or put in.

    Exit code 65 if there is any.
    """
    with plain_errors():
        settings = load(config)
        heads = read_heads(head) if head else {}
        wrong = 0
        with opened(settings) as access, progress("rows", access.ask(lambda ctx: ctx.tx.count(Audit))) as advance:
            walk = Walk(access, heads, advance)
            for found in walk.findings():
                wrong += 1
                _tell(found, as_json=as_json)
        _note(settings, wrong)
    show_one(_summed_up(walk, wrong), as_json=as_json)
    raise typer.Exit(os.EX_DATAERR if wrong else 0)


def _tell(found: Finding, *, as_json: bool) -> None:
    facts = {"what": found.what.value, "first": found.first, "last": found.last, "says": found.says}
    if as_json:
        show_one(facts, as_json=True)
    else:
        typer.echo(found.says)


def _summed_up(walk: Walk, wrong: int) -> dict[str, object]:
    walked = walk.walked
    return {
        "verdict": f"{wrong} faults were found" if wrong else f"all {walked.rows} rows are as they were written",
        "wrong": wrong,
        "rows": walked.rows,
        "batches": walked.batches,
        "rows_since_the_last_seal": walked.unsealed,
        "forgotten_to_row": walked.forgotten_to,
        "heads_compared": walked.heads,
        "heads_too_old_to_compare": walked.old_heads,
    }


def _note(settings: Settings, wrong: int) -> None:
    """That somebody has verified is in the audit; what is damaged is told all the same."""
    with contextlib.suppress(StoreBusy, StoreFull, StoreDamaged):
        do(settings, lambda ctx: _noted(ctx, wrong))


def _noted(ctx: Context, wrong: int) -> None:
    ctx.audit(ADMINISTRATOR, Act.VERIFIED_AUDIT, "audit", f"{wrong} findings")


def _utc(at: datetime | None) -> datetime | None:
    """What was typed without a zone is UTC, as the list shows it."""
    return at and (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
