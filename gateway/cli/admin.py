"""`gateway admin`: the way to the administrator's pages."""

import getpass
import os
from typing import Annotated

import typer

from gateway.admin.access import do
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.kinds import split_address
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.flow.administration.admin_session import LINK_LASTS, make_link

app = typer.Typer(no_args_is_help=True, help="The administrator's pages in a web browser.")


@app.callback()
def _group() -> None:
    """Keeps `link` a command of its own."""


@app.command()
def link(
    config: ConfigOption,
    name: Annotated[str, typer.Option("--for", help="who will use it; if left out this user, or who typed sudo")] = "",
) -> None:
    """Print a link to the administrator's pages: good once, for ten minutes, for whoever has it."""
    with plain_errors():
        settings = load(config)
        if not settings.admin.listen:
            fail('admin.listen: there are no such pages; write listen = "127.0.0.1:8081" under [admin], then restart')
        who = name or _user()
        token = do(settings, lambda ctx: make_link(ctx, who))
    from gateway.admin.pages import url_of  # noqa: PLC0415 - it brings the web pages along

    typer.echo(f"{url_of(settings)}/admin/enter/{token}")
    typer.echo(
        f"It is good once, within {LINK_LASTS.seconds // 60} minutes, for {who}: the audit has that name."
        f"{_way(settings)}",
        err=True,
    )


def _way(settings: Settings) -> str:
    """How to come to a listener that only this machine reaches."""
    if settings.admin.url:
        return ""
    _, port = split_address(settings.admin.listen)
    return f" From another machine: ssh -L {port}:{settings.admin.listen} this-machine, then open it there."


def _user() -> str:
    """Who typed this: behind sudo, and not the user that the service runs as."""
    if who := os.environ.get("SUDO_USER"):
        return who
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "an administrator"
