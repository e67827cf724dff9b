"""The command line: parse, call, print."""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.app import PARTS
from gateway.cli import queue
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.edge.logs import log_to_stderr
from gateway.settings_file import load
from gateway.workers import serve as serve_as

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Secure-mail invitation gateway: an SMTP relay that invites those who have no account yet.",
)


def main() -> None:
    """The entry point: `gateway`."""
    app()


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
    """Try everything on this machine, with sample people; nothing is left behind."""
    from gateway.demo import check as story  # noqa: PLC0415 - serving needs nothing of the demo
    from gateway.demo import show  # noqa: PLC0415

    log_to_stderr(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        raise typer.Exit(asyncio.run(story.run() if check else show.run(port)))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="where the settings are to lie")],
    domain: Annotated[str, typer.Option("--domain", help="of the gateway itself: bot@ lives here")] = "",
    practice: Annotated[str, typer.Option("--practice", help="the practice's name")] = "",
    practice_domain: Annotated[str, typer.Option("--practice-domain", help="its people's mail domain")] = "",
    next_hop: Annotated[str, typer.Option("--next-hop", help="host:port that takes our mail on")] = "",
    portal_url: Annotated[str, typer.Option("--portal-url", help="where people reach the portal")] = "",
) -> None:
    """Write settings, keys and an empty database; nothing that exists is overwritten."""
    from gateway.setup import Answers, set_up  # noqa: PLC0415 - serving needs nothing of it, nor of DNS

    asked = {
        "--domain": (domain, "The gateway's own mail domain, for example secure.riverside.example"),
        "--practice": (practice, "The practice's name, for example Riverside Family Practice"),
        "--practice-domain": (practice_domain, "The practice's mail domain, for example riverside.example"),
        "--next-hop": (next_hop, "The mail server that takes our mail on, for example 127.0.0.1:2526"),
    }
    own, name, practices_own, hop = [value or _ask(option, question) for option, (value, question) in asked.items()]
    with plain_errors(always=1):
        for line in set_up(folder, Answers(own, name, practices_own, hop, portal_url or f"https://{own}")):
            typer.echo(line)


@app.command()
def check(config: ConfigOption) -> None:
    """Look at everything that serving needs; one clear line for each fault, exit 1 if there is any."""
    from gateway.setup import inspect  # noqa: PLC0415 - as for init

    log_to_stderr(logging.ERROR)
    with plain_errors(always=1):
        settings = load(config)
        findings = asyncio.run(inspect(settings))
    for finding in findings:
        typer.echo(finding.line)
    raise typer.Exit(1 if any(finding.fault for finding in findings) else 0)


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
        raise typer.Exit(serve_as(settings, parts, workers))


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
app.add_typer(queue.app, name="queue")


@logins.command("add")
def add_login(
    login: Annotated[str, typer.Argument(help="an address, or *@domain for a mail server of that domain")],
    config: ConfigOption,
) -> None:
    """Write a login into smtp.users_file, or give it a new password; the password is asked, or read from stdin."""
    from gateway.edge.sign_in import add_user  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors():
        settings = load(config)
        if not settings.smtp.users_file:
            fail('smtp.users_file: is not set; write for example users_file = "gateway.users"')
        asked = sys.stdin.isatty()
        password = (
            typer.prompt("Password", hide_input=True, confirmation_prompt=True) if asked else sys.stdin.readline()
        )
        file = settings.path(settings.smtp.users_file)
        typer.echo(f"{add_user(file, login, password.rstrip(chr(13) + chr(10)))} may sign in")


# ------------------------------------------------------------------------------------------------------------- helpers


def _ask(option: str, question: str) -> str:
    if not sys.stdin.isatty():
        fail(f"{option} is missing: {question}")
    return str(typer.prompt(question))
