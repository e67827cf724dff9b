"""`gateway trace`: one mail's way from its 250 to its delivery and its reading."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from gateway.admin.access import ask
from gateway.cli.output import JsonOption, Row, instant, show
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.address import Address, address
from gateway.errors import BadAddress
from gateway.flow.administration.trace import Way
from gateway.flow.administration.trace import trace as trace_of
from gateway.flow.administration.trace_found import MailOf, addresses_called, mails_of
from gateway.flow.context import Context
from gateway.flow.pseudonyms import NAME

MOST = 100
UNKNOWN = (
    "nothing is known of {asked}: the mail was refused or was taken in before, or its records were deleted after the "
    "set time; the log may still have it. It may also be your own mail server's id: look in that server's log for "
    "'queued as'"
)


def trace(
    asked: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="a queue id, a Message-ID, the number of a delivery, a mail address or its digest",
        ),
    ],
    config: ConfigOption,
    days: Annotated[int, typer.Option("--since", min=1, help="with an address: so many days back")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Tell a mail's way, from being taken in to being read; nothing of what it says. Exit 1 if nothing is known."""
    with plain_errors():
        settings = load(config)
        ways = ask(settings, lambda ctx: trace_of(ctx, asked))
        found = [] if ways else _mails(settings, asked, days)
    if not ways and not found:
        fail(UNKNOWN.format(asked=asked))
    if found:
        show([_mail(one) for one in found], as_json=as_json, nothing="")
    for way in ways:
        _tell(way, as_json=as_json)


def _mails(settings: Settings, asked: str, days: int) -> list[MailOf]:
    who, since = _address(asked), timedelta(days=days)
    if NAME.fullmatch(asked):
        return ask(settings, lambda ctx: _mails_of_name(ctx, asked, ctx.now - since))
    return ask(settings, lambda ctx: mails_of(ctx, who, ctx.now - since, MOST)) if who else []


def _mails_of_name(ctx: Context, name: str, since: datetime) -> list[MailOf]:
    return [mail for who in addresses_called(ctx, name, since) for mail in mails_of(ctx, who, since, MOST)][:MOST]


def _address(asked: str) -> Address | None:
    try:
        return address(asked)
    except BadAddress:
        return None


def _tell(way: Way, *, as_json: bool) -> None:
    if not as_json:
        names = (f"queue id {way.queue_id}" if way.queue_id else "", way.header_id)
        typer.echo(" ".join(filter(None, names)))
    rows: list[Row] = [_names(way, as_json=as_json) | asdict(step) | {"at": instant(step.at)} for step in way.steps]
    show(rows, as_json=as_json, nothing="")


def _names(way: Way, *, as_json: bool) -> dict[str, object]:
    return {"queue_id": way.queue_id, "message_id": way.header_id} if as_json else {}


def _mail(one: MailOf) -> Row:
    return {
        "at": instant(one.at),
        "queue_id": one.queue_id,
        "from": one.sender,
        "to": one.recipient,
        "number": one.number,
        "message_id": one.header_id,
    }
