"""`gateway status`: how it is, on one screen."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, Octets, Row, instant, show_one
from gateway.cli.parts import ConfigOption, plain_errors
from gateway.config.toml_file import load

if TYPE_CHECKING:
    from gateway.flow.administration.status import NodeLine


def status(
    config: ConfigOption,
    deep: Annotated[bool, typer.Option("--deep", help="read the whole database for damage; may take minutes")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how the gateway is, beside it while it serves. Exit 1 if something needs a person; the last lines name it."""
    from gateway.admin.status import look  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors():
        found = look(load(config), deep=deep)
    rows = found.rows
    shown: Row = {
        "clock": instant(found.at),
        "serves": found.serves,
        "listeners": {name: "answers" if answers else "no answer" for name, answers in found.listeners.items()},
        "workers": list(rows.workers),
        "nodes": {one.node.name: _node(one, found.at) for one in rows.nodes},
        "reminders_and_expiries_done_until": instant(rows.timed_work),
        "last_backup": instant(rows.backup),
        "database": {name: _value(name, value) for name, value in found.database.items()},
        "disk_free": Octets(found.free),
        "keys": "the right ones",
        "queue": {
            "waiting": rows.queue.count,
            "oldest_due_for": str(rows.queue.overdue).partition(".")[0],
            "paused": rows.paused,
            "set_aside": rows.queue.set_aside,
        },
        "queue_by_hop": {hop or "next_hop": count for hop, count in rows.by_hop.items()},
        "invitations": {state.value: count for state, count in rows.invitations.items()},
        "due_today": rows.due_today,
        "mails_held": rows.held,
        "in_inboxes": rows.in_inboxes,
        "needs": list(found.needs),
    }
    show_one(shown, as_json=as_json)
    raise typer.Exit(1 if found.needs else 0)


def _node(one: "NodeLine", at: datetime) -> str:
    state = "running" if one.node.lives(at) else f"not heard from since {instant(one.node.seen_at)}"
    return f"{state}; workers: {one.node.workers}; key: {one.keys}"


def _value(name: str, value: object) -> object:
    return Octets(value) if name.endswith("octets") and isinstance(value, int) else value
