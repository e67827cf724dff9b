"""`gateway migrate`: a database is brought to this gateway's schema, or copied from SQLite to PostgreSQL."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.backup import bars
from gateway.cli.output import JsonOption, show, show_one
from gateway.cli.parts import USAGE, ConfigOption, fail, plain_errors
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.errors import ConfigError

if TYPE_CHECKING:
    from gateway.admin.copying import Copied
    from gateway.store.postgres.comparing import Compared

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def migrate(
    config: ConfigOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be done, and try it on a copy; also while it serves")
    ] = False,
    backup: Annotated[
        Path | None, typer.Option("--backup", help="take a backup into this folder first, as gateway backup does")
    ] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="go without a backup of the last day")] = False,
    source: Annotated[
        str, typer.Option("--from", help="with --to: the SQLite database, sqlite:///…; else that of the settings")
    ] = "",
    target: Annotated[
        str, typer.Option("--to", help="copy everything to this empty PostgreSQL database, postgresql://…, and compare")
    ] = "",
    without_missing: Annotated[
        bool, typer.Option("--without-missing", help="with --to: copy although files of held mail are missing")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the database to the schema of this gateway, while none serves; there is no way back but a backup.

    With --to it is copied to PostgreSQL instead, and only read. Broken off, that goes on when it is run again. Exit 1
    where the copy is not equal.
    """
    if backup and no_backup:
        fail("--backup and --no-backup: say one of them", USAGE)
    if target and (dry_run or backup or no_backup):
        fail("--to goes without --dry-run, --backup and --no-backup: the database is only read", USAGE)
    if not target and (source or without_missing or as_json):
        fail("--from, --without-missing and --json go with --to", USAGE)
    with plain_errors():
        settings = load(config)
        if target:
            _copy(settings, config, source, target, without_missing=without_missing, as_json=as_json)
        else:
            _bring_forward(settings, config, backup, dry_run=dry_run, no_backup=no_backup)


def _bring_forward(settings: Settings, config: Path, backup: Path | None, *, dry_run: bool, no_backup: bool) -> None:
    from gateway.admin import migrating  # noqa: PLC0415 - serving needs nothing of it

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
        migrating.check_backed_up(settings, found)
    with bars() as step:
        migrating.carry_out(settings, config, found, backup, step)
    typer.echo(f"done: the database has schema {found.newest}. Start the gateway")


# ------------------------------------------------------------------------------------------------ to another database


def _copy(settings: Settings, config: Path, source: str, target: str, *, without_missing: bool, as_json: bool) -> None:
    try:
        from gateway.admin.copying import copy_to_postgres, of_database  # noqa: PLC0415 - psycopg is an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--to: {error.name} is not installed; type {sys.executable} -m pip install 'psycopg[binary]' psycopg-pool"
        ) from error
    source = source or settings.database.url
    _check_way(source, target)
    with bars() as step:
        done = copy_to_postgres(of_database(settings, source), target, step, without_missing=without_missing)
    _show(done, as_json=as_json)
    if not done.is_equal:
        fail(_different(done))
    if not as_json:
        typer.echo(_next(done, config), err=True)


def _check_way(source: str, target: str) -> None:
    """Only one way is built. What is said has no word of a URL: there may be a password in it."""
    if not source.startswith(_SQLITE):
        said = "--from" if not source.startswith(_POSTGRES) else "--from, or database.url where it is left out,"
        fail(f"{said} has to be a SQLite file (sqlite:///gateway.db): from PostgreSQL no copy is built", USAGE)
    if not target.startswith(_POSTGRES):
        fail("--to has to be a PostgreSQL database (postgresql://…): a copy to anything else is not built", USAGE)


def _show(done: "Copied", *, as_json: bool) -> None:
    rows = [
        {"table": one.table, "rows": one.source.rows, "copied": one.copy.rows, "equal": one.is_equal}
        | ({"digest": one.source.digest, "copied_digest": one.copy.digest, "differing": one.named} if as_json else {})
        for one in done.tables
    ]
    show(rows, as_json=as_json, nothing="")
    said = {"complete": done.is_equal, "large_content": done.files, "missing": done.missing}
    show_one(said | {"left_out": done.left_out, "replaced": done.replaced}, as_json=True) if as_json else _say(done)


def _say(done: "Copied") -> None:
    """What is not in the copy as it is in the source, where there is any."""
    lines = (
        (done.files, "mails are too large for a row; their files are pieces in the table chunk now"),
        (done.missing, "files of held mail are missing in the spool, and so in the copy"),
        (done.left_out, "files of the spool that belong to no mail are left out"),
        (done.replaced, "texts have a NUL in them, which PostgreSQL cannot hold: there it is U+FFFD"),
    )
    for count, words in lines:
        if count:
            typer.echo(f"{count} {words}")


def _different(done: "Copied") -> str:
    return "\n".join(
        [
            *(f"{one.table}: {one.differing} rows differ ({_named(one)})" for one in done.tables if not one.is_equal),
            "the copy is not equal, and nothing can be served from it. Empty the target (dropdb, createdb), and run "
            f"this again; serve from {done.source} as before until then",
        ]
    )


def _named(one: "Compared") -> str:
    return ", ".join([*one.named, "…"] if one.differing > len(one.named) else one.named)


def _next(done: "Copied", config: Path) -> str:
    return f"""\
done: {done.target} is equal to {done.source}, which was only read.
next:
  1. in {shlex.quote(str(config))} write database.url = "{done.target}"; if it needs a password,
     write that into a file, and password_file = "…" beside the URL
  2. gateway check, then start the gateway. Keys and ledger stay where they are
  3. never serve from {done.source} again: what comes in from now on is not in it
  4. keep it and its spool until a backup of the new database was taken and restored once; then destroy them"""
