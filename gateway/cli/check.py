"""`gateway check`: whether everything that serving needs is there."""

import asyncio
import json
import logging
from pathlib import Path

import typer

from gateway.admin.checks.finding import Level
from gateway.cli.output import JsonOption
from gateway.cli.parts import ConfigOption
from gateway.edge.run.logs import log_to_stderr

PAGES = Path("/usr/share/doc/secure-mail-gateway")
"""Where the Debian package puts the pages."""


def check(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Look at everything that serving needs: a line for each fault, with its key and what to write.

    Exit 1 if there is a fault, 0 if there are only warnings.
    """
    from gateway.admin.checks.table import look_at  # noqa: PLC0415 - serving needs nothing of it, nor of DNS
    from gateway.setup import recipe  # noqa: PLC0415

    log_to_stderr(logging.ERROR)
    settings, findings = asyncio.run(look_at(config))
    for finding in findings:
        typer.echo(json.dumps(finding.row, ensure_ascii=False) if as_json else finding.line)
    if settings and not as_json:
        typer.echo(recipe(settings))
        if PAGES.is_dir():
            typer.echo(f"These pages lie in {PAGES}.")
    raise typer.Exit(1 if any(finding.level is Level.FAULT for finding in findings) else 0)
