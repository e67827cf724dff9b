"""`gateway init`: at a terminal an interview that ends with a first held mail, else by options; and `gateway try`."""

import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.kinds import Domain, HostPort, MailAddress, WebAddress, split_address
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.address import Address, address
from gateway.errors import ConfigError

REACH_SECONDS = 5.0
_NOT_APART = "write another one, for example secure.{}: mail for this one goes to the practice"
Check = Callable[[str], str]
"""An answer as it is used. Raises ConfigError: what to write."""


def init(
    folder: Annotated[Path, typer.Argument(help="where the settings are to lie")],
    domain: Annotated[str, typer.Option("--domain", help="of the gateway itself: bot@ lives here")] = "",
    practice: Annotated[str, typer.Option("--practice", help="the practice's name")] = "",
    practice_domain: Annotated[str, typer.Option("--practice-domain", help="its people's mail domain")] = "",
    next_hop: Annotated[str, typer.Option("--next-hop", help="host:port that takes our mail on")] = "",
    portal_url: Annotated[str, typer.Option("--portal-url", help="where people reach the portal")] = "",
    data: Annotated[
        Path | None, typer.Option("--data", help="where database and held mail are to lie, if not beside the settings")
    ] = None,
    no_recovery_key: Annotated[
        bool, typer.Option("--no-recovery-key", help="backups are not encrypted, and hold neither keys nor passwords")
    ] = False,
) -> None:
    """Write settings, keys and an empty database; nothing that exists is overwritten. At a terminal it asks for what is
    missing, and offers to send a first mail.
    """
    from gateway.setup import Answers, set_up  # noqa: PLC0415 - serving needs nothing of it, nor of DNS

    if (folder / "gateway.toml").exists():
        fail(f"{folder / 'gateway.toml'} exists already; nothing was written")
    asked_anything = not all((domain, practice, practice_domain, next_hop))
    name = practice or _ask("--practice", "The practice's name", "Riverside Family Practice", _text)
    own = practice_domain or _ask("--practice-domain", "The practice's mail domain", "riverside.example", _kind(Domain))
    if domain.casefold() == own.casefold():
        fail(f"--domain: {_NOT_APART.format(domain)}")
    ours = domain or _ask(
        "--domain",
        "A mail domain for the gateway alone, under the practice's",
        "secure.riverside.example",
        lambda text: _apart(_kind(Domain)(text), own),
        f"secure.{own}",
    )
    hop = next_hop or _ask(
        "--next-hop", "The mail server that takes our mail on, host:port", "127.0.0.1:2526", _reachable, "127.0.0.1:25"
    )
    url = portal_url or f"https://{ours}"
    if asked_anything and not portal_url:
        url = _ask("--portal-url", "Where people will reach the portal", "https://secure…", _kind(WebAddress), url)
    with plain_errors(always=1):
        for line in set_up(folder, Answers(ours, name, own, hop, url, not no_recovery_key, data)):
            typer.echo(line)
    if asked_anything:
        _first_mail(folder / "gateway.toml", own)


def try_(
    config: ConfigOption,
    sender: Annotated[str, typer.Option("--from", help="an address of your own at the practice")],
    recipient: Annotated[str, typer.Option("--to", help="an address of your own elsewhere")],
) -> None:
    """Send a secure mail through the gateway, and show that it is held. One that does not serve is started for it."""
    from gateway.admin.trying import try_mail  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors(always=1):
        settings = load(config)
        queue_id, became = try_mail(settings, config, address(sender), address(recipient))
    trace = f"gateway trace {queue_id} --config {shlex.quote(str(config))}"
    for line in became:
        typer.echo(line)
    if not became or not all(line.endswith(": held") for line in became):
        fail(f"the mail is not held; {trace} says why")
    typer.echo(f"its way so far: {trace}")
    typer.echo(f"{sender} is asked who {recipient} is, as soon as the gateway serves")


# --------------------------------------------------------------------------------------------------------- interview


def _first_mail(config: Path, practice_domain: str) -> None:
    if not typer.confirm("Send a first secure mail through it now, and see that it is held?", default=True):
        return
    from gateway.admin.trying import check_recipient, check_sender  # noqa: PLC0415 - as above

    sender = _ask(
        "--from", "Your own address at the practice", f"you@{practice_domain}", _address(config, check_sender)
    )
    elsewhere = _address(config, check_recipient)
    recipient = _ask("--to", "An address of your own elsewhere", "you@home.example", elsewhere)
    try_(config, sender, recipient)
    typer.echo(f"next: gateway serve --config {shlex.quote(str(config))}")


def _ask(option: str, question: str, example: str, check: Check, default: str = "") -> str:
    """Ask until the answer can be used; where nobody can be asked, say which option is missing."""
    if not sys.stdin.isatty():
        fail(f"{option} is missing: {question}, for example {example}")
    while True:
        shown = question if default else f"{question}, for example {example}"
        text = str(typer.prompt(shown, default=default or None)).strip()
        try:
            return check(text)
        except ConfigError as error:
            typer.echo(f"  {error}")


def _text(text: str) -> str:
    if not text:
        raise ConfigError("write a name")
    return text


def _kind(kind: Any) -> Check:
    """The check of a kind of setting."""

    def check(text: str) -> str:
        try:
            return str(TypeAdapter(kind).validate_python(text))
        except ValidationError as error:
            raise ConfigError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error

    return check


def _address(config: Path, can_be_used: Callable[[Settings, Address], None]) -> Check:
    """The check of a mail address, and of what it is wanted for."""

    def check(text: str) -> str:
        found = _kind(MailAddress)(text)
        can_be_used(load(config), address(found))
        return found

    return check


def _apart(domain: str, practice_domain: str) -> str:
    if domain == practice_domain:
        raise ConfigError(_NOT_APART.format(domain))
    return domain


def _reachable(text: str) -> str:
    """A hop that does not answer yet may be right all the same: that is asked."""
    where = _kind(HostPort)(text)
    try:
        socket.create_connection(split_address(where), REACH_SECONDS).close()
    except OSError as error:
        typer.echo(f"  nothing answers at {where} ({error.strerror or error})")
        if not typer.confirm("  Keep it all the same?", default=False):
            raise ConfigError("write where your mail server listens for mail from this machine") from error
    return where
