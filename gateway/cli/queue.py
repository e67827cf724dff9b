"""`gateway queue`: what waits to be sent, and what was set aside because it could not be prepared."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.admin import ask, do
from gateway.cli.parts import ConfigOption, plain_errors
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.flow import queue
from gateway.settings_file import load

app = typer.Typer(no_args_is_help=True, help="Mail that waits to be sent, or was set aside.")

MOST = 1000
Ids = Annotated[list[int], typer.Argument(help="the numbers that `gateway queue list` shows")]


@app.command("list")
def list_queue(
    config: ConfigOption,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="only what could not be prepared for sending")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="how many at most, the oldest first")] = MOST,
) -> None:
    """Show what waits: since when, for whom, how often it was tried, what the hop said last. Nothing of any content."""
    states = (DeliveryState.QUARANTINED,) if set_aside else queue.WAITING
    with plain_errors():
        found = ask(load(config), lambda ctx: queue.listed(ctx, limit, states))
    if as_json:
        for one in found:
            typer.echo(json.dumps(_facts(one), ensure_ascii=False))
        return
    if not found:
        typer.echo("nothing waits")
        return
    Console().print(_table(found))


@app.command()
def retry(ids: Ids, config: ConfigOption) -> None:
    """Try these again at once; a mail that was set aside starts afresh."""
    with plain_errors():
        _tell(ids, do(load(config), lambda ctx: queue.retry(ctx, ids)), "will be tried again")


@app.command()
def drop(
    ids: Ids,
    config: ConfigOption,
    silently: Annotated[bool, typer.Option("--silently", help="do not tell whoever wrote it")] = False,
) -> None:
    """Give these up and destroy what they hold; whoever wrote them is told that they were not delivered."""
    with plain_errors():
        _tell(ids, do(load(config), lambda ctx: queue.drop(ctx, ids, tell=not silently)), "dropped")


def _tell(asked: Sequence[int], done: Sequence[int], what: str) -> None:
    """A line for each; exit 1 where one of them does not wait."""
    for number in asked:
        typer.echo(f"{number}: {what if number in done else 'nothing with this number waits'}")
    if set(asked) - set(done):
        raise typer.Exit(1)


def _facts(one: Delivery) -> dict[str, object]:
    return {
        "id": one.id,
        "state": "set aside" if one.state is DeliveryState.QUARANTINED else "waits",
        "kind": (one.notice or one.kind).value,
        "to": one.recipient,
        "hop": one.hop or "next_hop",
        "since": one.created_at.isoformat(timespec="seconds"),
        "attempts": one.attempts,
        "next_try": one.due_at.isoformat(timespec="seconds") if one.state is DeliveryState.QUEUED else None,
        "last_reply": one.last_reply,
    }


def _table(found: Sequence[Delivery]) -> Table:
    names = ("id", "state", "kind", "to", "since", "attempts", "next_try", "last_reply")
    table = Table(*(name.replace("_", " ") for name in names), box=None, header_style="bold")
    for one in found:
        facts = _facts(one)
        table.add_row(*(str(facts[name] if facts[name] is not None else "") for name in names))
    return table
