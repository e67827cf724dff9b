"""`gateway dkim`: keys that sign the mail that we write."""

from enum import StrEnum
from typing import Annotated

import typer

from gateway.admin.dns.zone import Record
from gateway.admin.keys import write_new
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.section_dkim import checked_selector
from gateway.config.toml_file import load

app = typer.Typer(no_args_is_help=True, help="Keys that sign the mail that the gateway writes itself (DKIM).")


class Kind(StrEnum):
    """What a key is made for."""

    RSA = "rsa"
    ED25519 = "ed25519"


@app.command()
def new(
    selector: Annotated[str, typer.Argument(help="a name for the key, such as gateway1; one that was never used")],
    config: ConfigOption,
    kind: Annotated[Kind, typer.Option("--kind", help="every receiver knows rsa, few know ed25519")] = Kind.RSA,
) -> None:
    """Make a key beside the settings; print the record that publishes it, and what to write into the settings."""
    from gateway.edge.dkim_signer import new_key, read_key  # noqa: PLC0415 - serving without DKIM needs nothing of it

    with plain_errors():
        settings = load(config)
        try:
            name = checked_selector(selector)
        except ValueError as error:
            fail(f"{selector}: {error}")
        file = settings.path(f"dkim.{name}.key")
        if file.exists():
            fail(f"{file} exists already; nothing was written. A new key needs a selector of its own")
        write_new(file, new_key(kind.value).decode())
        record = Record(f"{name}._domainkey.{settings.site.domain}", "TXT", read_key(name, file).record)
    typer.echo(f"wrote {file}. First publish this record:\n\n{record.line}\n")
    typer.echo(f"Once `gateway dns` finds it, write this into {config.name}; every key that stands there signs:\n")
    typer.echo(f'[[dkim]]\nselector = "{name}"\nkey_file = "{file.name}"')
