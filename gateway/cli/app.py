"""The commands, put together."""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.admin.access import do
from gateway.app import PARTS
from gateway.cli import admin, audit, backup, dkim, invitations, keys, people, practices, queue
from gateway.cli.check import check
from gateway.cli.dns import dns
from gateway.cli.doctor import doctor
from gateway.cli.init import init, try_
from gateway.cli.leave import leave
from gateway.cli.migrate import migrate
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.cli.rehearse import observed, rehearse
from gateway.cli.status import status
from gateway.cli.trace import trace
from gateway.config.toml_file import load
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.edge.run.logs import log_to_stderr
from gateway.workers import serve as serve_as

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Secure-mail invitation gateway: an SMTP relay that invites those who have no account yet.",
)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="print the version and end")] = False) -> None:
    if show:
        typer.echo(f"gateway {__version__}")
        raise typer.Exit


@app.command()
def demo(
    check: Annotated[bool, typer.Option("--check", help="walk the whole story without a person")] = False,
    port: Annotated[int, typer.Option("--port", help="of the inbox page; 0 takes a free one")] = 8025,
) -> None:
    """Try everything on this machine, with sample people, in a folder that is deleted at the end."""
    from gateway.demo import check as story  # noqa: PLC0415 - serving needs nothing of the demo
    from gateway.demo import show  # noqa: PLC0415

    log_to_stderr(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        raise typer.Exit(asyncio.run(story.run() if check else show.run(port)))


app.command()(init)
app.command("try")(try_)


@app.command()
def serve(
    config: ConfigOption,
    only: Annotated[str, typer.Option("--only", help=f"parts, with commas: {','.join(PARTS)}")] = "",
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="processes that share the work")] = 1,
) -> None:
    """Run until SIGTERM; prints one line when everything listens."""
    os.umask(0o077)
    log_to_stderr(logging.INFO)
    parts = tuple(filter(None, only.split(","))) or PARTS
    if unknown := sorted(set(parts) - set(PARTS)):
        fail(f"--only: there is no part {unknown[0]!r}; the parts are {', '.join(PARTS)}")
    with plain_errors():
        settings = load(config)
        with contextlib.suppress(ImportError):  # it is not made for every machine; asyncio's own loop serves as well
            import uvloop  # noqa: PLC0415

            uvloop.install()
        raise typer.Exit(serve_as(settings, lambda: load(config), parts, workers))


@app.command()
def explain(
    mail: Annotated[Path, typer.Argument(help="a mail as a file (.eml); - for standard input", allow_dash=True)],
    config: ConfigOption,
    sender: Annotated[str, typer.Option("--from", help="the envelope sender; <> for none")],
    recipients: Annotated[list[str], typer.Option("--rcpt", help="a recipient; may be given several times")],
    stranger: Annotated[bool, typer.Option("--stranger", help="as if from outside the trusted networks")] = False,
) -> None:
    """Say what would become of a mail, for each recipient and why; nothing is done."""
    from gateway.explain import explained  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors():
        settings = load(config)
        raw = sys.stdin.buffer.read() if str(mail) == "-" else mail.read_bytes()
        for line in explained(settings, raw, sender.strip("<>"), recipients, trusted=not stranger):
            typer.echo(line)


logins = typer.Typer(no_args_is_help=True, help="Who may sign in at the listener (smtp.users_file).")
app.add_typer(logins, name="users")
app.add_typer(admin.app, name="admin")
app.add_typer(people.app, name="people")
app.add_typer(practices.app, name="practices")
app.add_typer(queue.app, name="queue")
app.add_typer(keys.app, name="keys")
app.add_typer(dkim.app, name="dkim")
app.add_typer(audit.app, name="audit")
app.add_typer(invitations.app, name="invitations")
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(migrate)
app.command()(leave)
app.command()(check)
app.command()(dns)
app.command()(doctor)
app.command()(status)
app.command()(rehearse)
app.command()(observed)
app.command()(trace)


@logins.command("add")
def add_login(
    login: Annotated[str, typer.Argument(help="an address, or *@domain for a mail server of that domain")],
    config: ConfigOption,
) -> None:
    """Write a login into smtp.users_file, or give it a new password; the password is asked, or read from stdin."""
    from gateway.edge.smtp.sign_in import add_user, login_key  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors():
        settings = load(config)
        if not settings.smtp.users_file:
            fail('smtp.users_file: is not set; write for example users_file = "gateway.users"')
        asked = sys.stdin.isatty()
        password = (
            typer.prompt("Password", hide_input=True, confirmation_prompt=True) if asked else sys.stdin.readline()
        )
        file = settings.path(settings.smtp.users_file)
        do(settings, lambda ctx: ctx.audit(ADMINISTRATOR, Act.ADDED_LOGIN, login_key(login)))
        typer.echo(f"{add_user(file, login, password.rstrip(chr(13) + chr(10)))} may sign in")
