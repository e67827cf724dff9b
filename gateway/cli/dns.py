"""`gateway dns`: the records to publish for the site's domain, and whether they stand there."""

import json

import typer

from gateway.admin.checks.finding import Level
from gateway.cli.output import JsonOption
from gateway.cli.parts import ConfigOption, plain_errors
from gateway.config.toml_file import load


def dns(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Print the records to publish for the site's domain, for a zone file, and look whether they stand there.

    What was found follows as remarks of the zone file; exit 1 if anything is wrong, 0 if something is only missing.
    """
    from gateway.admin.dns.judged import judged  # noqa: PLC0415 - serving needs nothing of it
    from gateway.admin.dns.resolver import Resolver  # noqa: PLC0415
    from gateway.admin.dns.wanted import remarks, wanted  # noqa: PLC0415

    with plain_errors(always=1):
        settings = load(config)
        resolver = Resolver(settings.dns.resolver)
        records, findings = wanted(settings, resolver), judged(settings, resolver)
    if as_json:
        for one in records:
            record = one.record
            typer.echo(json.dumps({"name": record.name, "type": record.type, "value": record.value, "for": one.why}))
        for finding in findings:
            typer.echo(json.dumps(finding.row, ensure_ascii=False))
    else:
        lines = [line for one in records for line in one.lines]
        typer.echo("\n".join([*lines, *remarks(settings), *(f"; {finding.line}" for finding in findings)]))
    raise typer.Exit(1 if any(finding.level is Level.FAULT for finding in findings) else 0)
