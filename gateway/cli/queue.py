"""`gateway queue`: what waits to be sent, is paused, or was set aside: it could not be prepared, or came back."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from gateway.admin.access import ask, do
from gateway.cli.output import JsonOption, Row, instant, progress, show, show_one
from gateway.cli.parts import ConfigOption, fail, known, plain_errors, sure
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.context import Context
from gateway.flow.outbound import queue
from gateway.flow.outbound.queue import QueueChange, Sieve

app = typer.Typer(no_args_is_help=True, help="Mail that waits to be sent, is paused, or was set aside.")

MOST = 1000
AT_A_TIME = 200
"""Mails in one transaction, so that nobody who serves waits for it."""
NEXT_HOP = "next_hop"
COLUMNS = ("id", "state", "kind", "to", "hop", "since", "attempts", "next_try", "last_reply")


class Shown(StrEnum):
    """What `--state` may ask for."""

    WAITS = "waits"
    PAUSED = "paused"
    ASIDE = "set-aside"
    ASKED = "asked"


_STATES = {
    Shown.WAITS: DeliveryState.QUEUED,
    Shown.PAUSED: DeliveryState.PAUSED,
    Shown.ASIDE: DeliveryState.QUARANTINED,
    Shown.ASKED: DeliveryState.HELD,
}
_SAID = {state: shown.value.replace("-", " ") for shown, state in _STATES.items()}

Ids = Annotated[list[int] | None, typer.Argument(help="the numbers that `gateway queue list` shows")]
AllOption = Annotated[bool, typer.Option("--all", help="all of them, after a preview")]
HopOption = Annotated[str, typer.Option("--hop", help="all for this relay's domain, or next_hop, after a preview")]
YesOption = Annotated[bool, typer.Option("--yes", help="do it without asking")]


@app.command("list")
def list_queue(
    config: ConfigOption,
    state: Annotated[Shown | None, typer.Option("--state", help="only these; asked: its sender is asked first")] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="the same as --state set-aside")] = False,
    hop: Annotated[str, typer.Option("--hop", help="only for this relay's domain, or next_hop")] = "",
    to: Annotated[str, typer.Option("--to", help="only to this address, or a part of one")] = "",
    older_than: Annotated[int, typer.Option("--older-than", min=0, help="only what waits for so many minutes")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, help="how many at most, the oldest first")] = MOST,
    as_json: JsonOption = False,
) -> None:
    """Show what waits: since when, for whom, how often it was tried, what the hop said last. Nothing of any content."""
    wanted = Shown.ASIDE if set_aside else state
    states = (_STATES[wanted],) if wanted else queue.WAITING
    sieve = Sieve(states, _hop(hop), to)
    with plain_errors():
        settings = load(config)
        found = ask(settings, lambda ctx: queue.listed(ctx, limit, _older(ctx, sieve, older_than)))
    if not found:
        _known_hop(settings, hop)
    show([_facts(one) for one in found], as_json=as_json, nothing="nothing waits", columns=COLUMNS)


@app.command("show")
def show_delivery(
    number: Annotated[int, typer.Argument(help="the number of the delivery")],
    config: ConfigOption,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of one delivery, waiting or done; nothing of its content. Exit 1 if there is none."""
    with plain_errors():
        found = ask(load(config), lambda ctx: queue.shown(ctx, number))
    if found is None:
        fail(f"{number}: there is no such delivery")
    one = found.delivery
    show_one(
        {
            **_facts(one),
            "queue_id": one.queue_id,
            "from": one.mail_from,
            "message": found.message_id or None,
            "copy": one.copy_id,
            "invitation": one.invitation_id,
            "size": found.size or None,
            "in_hand_of": one.claimed_by if one.lease_until else None,
            "in_hand_until": instant(one.lease_until),
            "ended": instant(one.ended_at),
            "done_to_it": [f"{instant(row.at)} {row.actor} {row.action}".strip() for row in found.audit],
        },
        as_json=as_json,
    )


@app.command()
def retry(
    config: ConfigOption, ids: Ids = None, everything: AllOption = False, hop: HopOption = "", yes: YesOption = False
) -> None:
    """Try these again at once; a mail that was set aside starts afresh."""
    sieve = Sieve((DeliveryState.QUEUED, DeliveryState.QUARANTINED))
    _act(config, ids, _meant(sieve, hop, everything=everything), queue.retry, "will be tried again", yes=yes)


@app.command()
def hold(
    config: ConfigOption, ids: Ids = None, everything: AllOption = False, hop: HopOption = "", yes: YesOption = False
) -> None:
    """Pause these: neither sent nor given up until they are released or dropped. Their senders are not told."""
    sieve = Sieve((DeliveryState.QUEUED, DeliveryState.QUARANTINED))
    _act(
        config, ids, _meant(sieve, hop, everything=everything), queue.hold, "paused, until released or dropped", yes=yes
    )


@app.command()
def release(
    config: ConfigOption, ids: Ids = None, everything: AllOption = False, hop: HopOption = "", yes: YesOption = False
) -> None:
    """Let paused mails go on; they are tried at once."""
    sieve = Sieve((DeliveryState.PAUSED,))
    _act(config, ids, _meant(sieve, hop, everything=everything), queue.release, "released, and tried at once", yes=yes)


@app.command()
def drop(
    config: ConfigOption,
    ids: Ids = None,
    everything: AllOption = False,
    hop: HopOption = "",
    silently: Annotated[bool, typer.Option("--silently", help="do not tell whoever wrote it")] = False,
    yes: YesOption = False,
) -> None:
    """Give these up and destroy what they hold; whoever wrote them is told that they were not delivered."""

    def act(ctx: Context, numbers: Collection[int]) -> list[int]:
        return queue.drop(ctx, numbers, tell=not silently)

    _act(config, ids, _meant(Sieve(), hop, everything=everything), act, "dropped", yes=yes)


# ---------------------------------------------------------------------------------------------------------------- acts


def _meant(sieve: Sieve, hop: str, *, everything: bool) -> Sieve | None:
    """All that are meant; None where single ones are."""
    return replace(sieve, hop=_hop(hop)) if everything or hop else None


def _act(
    config: ConfigOption, ids: list[int] | None, sieve: Sieve | None, act: QueueChange, what: str, *, yes: bool
) -> None:
    if bool(ids) == bool(sieve):
        fail("name the numbers of deliveries, or --all, or --hop")
    with plain_errors():
        settings = load(config)
        if sieve:
            _act_on_all(settings, sieve, act, what, yes=yes)
        else:
            _tell(ids or (), do(settings, lambda ctx: act(ctx, ids or ())), what)


def _act_on_all(settings: Settings, sieve: Sieve, act: QueueChange, what: str, *, yes: bool) -> None:
    """Many at once: first how many there are, by hop."""
    counts = ask(settings, lambda ctx: queue.by_hop(ctx, sieve))
    if not counts:
        _known_hop(settings, sieve.hop or "")
        fail("nothing of that waits")
    show([{"hop": hop or NEXT_HOP, "mails": count} for hop, count in counts.items()], as_json=False, nothing="")
    sure(f"{sum(counts.values())} mails: {what}?", yes=yes)
    done = after = 0
    with progress("mails", sum(counts.values())) as step:
        while found := ask(settings, _next(sieve, after)):
            acted = do(settings, _doing(act, [one.id for one in found]))
            after, done = found[-1].id, done + len(acted)
            step(len(found))
    typer.echo(f"{done} mails: {what}")


def _next(sieve: Sieve, after: int) -> Callable[[Context], list[Delivery]]:
    return lambda ctx: queue.listed(ctx, AT_A_TIME, sieve, after)


def _doing(act: QueueChange, ids: list[int]) -> Callable[[Context], list[int]]:
    return lambda ctx: act(ctx, ids)


def _tell(asked: Sequence[int], done: Sequence[int], what: str) -> None:
    """A line for each; exit 1 where one of them does not wait."""
    for number in asked:
        typer.echo(f"{number}: {what if number in done else 'nothing with this number waits'}")
    if set(asked) - set(done):
        raise typer.Exit(1)


# --------------------------------------------------------------------------------------------------------------- parts


def _older(ctx: Context, sieve: Sieve, minutes: int) -> Sieve:
    return replace(sieve, before=ctx.now - timedelta(minutes=minutes)) if minutes else sieve


def _known_hop(settings: Settings, typed: str) -> None:
    """Only where nothing waits: a relay that the settings have no more may still have mail."""
    known("hop", typed.lower(), [NEXT_HOP, *(relay.domain for relay in settings.relays)])


def _hop(typed: str) -> str | None:
    """The hop as rows have it; None for any."""
    return None if not typed else "" if typed == NEXT_HOP else typed.lower()


def _facts(one: Delivery) -> Row:
    return {
        "id": one.id,
        "state": _SAID.get(one.state, one.state.value),
        "kind": (one.notice or one.kind).value,
        "to": one.recipient,
        "hop": one.hop or NEXT_HOP,
        "since": instant(one.created_at),
        "attempts": one.attempts,
        "next_try": instant(one.due_at) if one.state is DeliveryState.QUEUED else None,
        "last_reply": one.last_reply,
    }
