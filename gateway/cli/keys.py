"""`gateway keys`: the site's keys rotated, retired and listed, and printed on sheets of paper."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from shamir_mnemonic import Share

from gateway.admin import key_sheets
from gateway.admin import keys as admin
from gateway.admin.key_sheets import Sheet
from gateway.cli.output import JsonOption, progress, show
from gateway.cli.parts import ConfigOption, fail, plain_errors, sure
from gateway.config.toml_file import load
from gateway.errors import ConfigError
from gateway.prepare import key_source
from gateway.store.key_file import text_of

app = typer.Typer(no_args_is_help=True, help="The keys that seal everything. Losing them is losing the mail.")

COLUMNS = ("key", "for", "sealed", "serving")


@app.command("list")
def list_keys(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show the keys by their letters, what each is for, and how many values are sealed under it; never a secret."""
    with plain_errors():
        rows = admin.listed(load(config))
    show(rows, as_json=as_json, nothing="there are no keys", columns=COLUMNS)


@app.command()
def rotate(
    config: ConfigOption,
    new_file: Annotated[
        Path | None,
        typer.Option(
            "--new-file", help="write the new key file here: where the keys are not a file, or several nodes serve"
        ),
    ] = None,
) -> None:
    """Seal everything anew under a new key, while the gateway serves. Ended midway, it goes on when run again."""
    with plain_errors():
        settings = load(config)
        with admin.alone(settings):
            made = admin.new_key(settings, new_file)
            if new_file:
                typer.echo(f"{new_file} has the new key {made}: {key_source(settings).next_step}.")
                typer.echo(f"Then delete {new_file}, and run `gateway keys rotate` again: it seals everything anew.")
                return
            typer.echo(f"made key {made}" if made else "going on with the rotation that was begun")
            done = admin.rotate(settings, lambda total: progress("sealing anew", total))
    typer.echo(f"{done.resealed} rows were sealed anew; all is under key {done.current} now")
    if done.older:
        typer.echo(f"Links made under {done.older} are still good; `gateway keys retire` ends a key.")
    typer.echo("Key sheets of before do not have the new key: print new ones (gateway keys split).")
    for row in sorted(done.unopened, key=lambda one: (one.table, one.id)):
        typer.echo(f"{row.table} {row.id}: does not open (its row was altered); it was left as it is", err=True)
    if done.unreadable:
        typer.echo(f"{done.unreadable} rows cannot be read; `gateway doctor` names them", err=True)
    if done.unopened or done.unreadable:
        raise typer.Exit(1)


@app.command()
def retire(
    letter: Annotated[str, typer.Argument(help="of the key, as `gateway keys list` shows it")],
    config: ConfigOption,
    yes: Annotated[bool, typer.Option("--yes", help="do it without asking")] = False,
) -> None:
    """End a key: nothing opens under it, and all links that were made under it are dead."""
    with plain_errors():
        settings = load(config)
        with admin.alone(settings):
            since, invited = admin.before_retiring(settings, letter)
            typer.echo(
                f"Links that were mailed before {since:%Y-%m-%d %H:%M} UTC will be dead: of {invited} people who are "
                "invited and have not accepted, and whatever else was mailed. The next reminder brings a new link."
            )
            sure(f"Retire key {letter}?", yes=yes)
            by_hand = admin.retire(settings, letter, lambda total: progress("looking through", total))
            stays = key_source(settings).ring().digests == letter
    typer.echo(f"key {letter} is retired: what was made under it, such as links in mails, is dead")
    if stays:
        typer.echo("It stays in the key file for digests alone: the audit and recovery codes are compared by it.")
    if by_hand:
        typer.echo(f"To do by hand: {by_hand}.")
    typer.echo("Key sheets of before would bring it back: destroy them, and print new ones (gateway keys split).")


@app.command()
def split(
    config: ConfigOption,
    shares: Annotated[
        int, typer.Option("--shares", min=1, max=16, help="how many sheets, each for somebody else to keep")
    ] = 5,
    needed: Annotated[int, typer.Option("--needed", help="how many of them bring the keys back")] = 3,
) -> None:
    """Print the keys as sheets of paper, to standard output alone: send it to a printer (| lp)."""
    with plain_errors():
        settings = load(config)
        sheets = admin.split(settings, shares, needed)
    typer.echo("\f".join(sheets), nl=False)


@app.command()
def join(
    to: Annotated[Path, typer.Argument(help="where the key file is to be written; it must not exist")],
    sheets: Annotated[
        list[Path] | None, typer.Argument(help="sheets that were typed into files; else they are asked")
    ] = None,
) -> None:
    """Bring the keys back from key sheets."""
    with plain_errors():
        if to.exists():
            fail(f"{to} exists already; nothing was written")
        found = [sheet for one in sheets or () for sheet in key_sheets.read(one.read_text("utf-8"))]
        ring = key_sheets.join(found if sheets else _typed())
        admin.write_new(to, text_of(ring))
    typer.echo(f"wrote {to}: keys {', '.join(sorted(ring.secrets))}, the current one is {ring.current}")
    typer.echo("next: gateway check --config FILE says whether they are the keys of the database")


def is_terminal() -> bool:
    """Whether somebody sits there and types."""
    return sys.stdin.isatty()


def _typed() -> list[Sheet]:
    """Sheets from standard input: all at once, or one after the other from somebody who types."""
    if not is_terminal():
        return key_sheets.read(sys.stdin.read())
    shares: list[Share] = []
    while not shares or key_sheets.still_needed(shares):
        asked = typer.prompt(f"The words of share {len(shares) + 1}, in one line")
        with _said():
            shares.append(key_sheets.share(len(shares) + 1, key_sheets.words_in(asked)))
    lines: dict[int, str] = {}
    length = 1
    while len(lines) < length:
        line = typer.prompt(f"Line {len(lines) + 1} of the sealed key file")
        with _said():
            number, length, _ = key_sheets.row(line)
            lines[number] = line
    return [Sheet(tuple(one.words()), tuple(lines.values())) for one in shares]


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """What was mistyped is said, and asked again."""
    try:
        yield
    except ConfigError as error:
        typer.echo(str(error), err=True)
