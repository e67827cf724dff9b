"""`gateway migrate`: a database of an older gateway is brought to this one's schema."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.backup import bars
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.toml_file import load


def migrate(
    config: ConfigOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be done, and try it on a copy; also while it serves")
    ] = False,
    backup: Annotated[
        Path | None, typer.Option("--backup", help="take a backup into this folder first, as gateway backup does")
    ] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="go without a backup of the last day")] = False,
) -> None:
    """Bring the database to the schema of this gateway, while none serves; there is no way back but a backup."""
    from gateway.admin import migrating  # noqa: PLC0415 - serving needs nothing of it

    if backup and no_backup:
        fail("--backup and --no-backup: say one of them", 2)
    with plain_errors():
        settings = load(config)
        found = migrating.plan(settings)
        if not found.steps:
            typer.echo(f"the database has schema {found.schema}, which is this gateway's: there is nothing to do")
            return
        typer.echo(f"the database has schema {found.schema}; to do, up to schema {found.newest}:")
        for number, title in found.steps:
            typer.echo(f"  {number}  {title}")
        if dry_run:
            migrating.try_on_a_copy(settings)
            typer.echo("tried on a copy: it can be done, and the copy was whole. Nothing was changed")
            return
        if not (backup or no_backup):
            migrating.check_backed_up(found)
        with bars() as step:
            migrating.carry_out(settings, config, found, backup, step)
    typer.echo(f"done: the database has schema {found.newest}. Start the gateway")
