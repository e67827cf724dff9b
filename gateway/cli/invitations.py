"""`gateway invitations`: whom the gateway waits for, and what an administrator may do about them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.admin.access import ask, do
from gateway.cli.output import JsonOption, Row, instant, show, show_one
from gateway.cli.parts import ConfigOption, fail, known, plain_errors, sure
from gateway.config.toml_file import load
from gateway.domain.address import Address, address
from gateway.domain.vocabulary import OPEN, State
from gateway.flow.administration import invitations
from gateway.flow.administration.invitations import DONE, Did, Line, Shown, Wanted
from gateway.flow.context import Context

app = typer.Typer(no_args_is_help=True, help="Whom the gateway waits for: listed, shown, reminded, cancelled.")

MOST = 1000
COLUMNS = ("number", "state", "practice", "address", "since", "next_step", "waiting", "held")
Named = Annotated[str, typer.Argument(metavar="NUMBER|ADDRESS", help="an invitation's number, or its mail address")]
YesOption = Annotated[bool, typer.Option("--yes", help="do it without asking")]


@app.command("list")
def list_invitations(
    config: ConfigOption,
    state: Annotated[list[State] | None, typer.Option("--state", help="only in this state; all open ones else")] = None,
    practice: Annotated[str, typer.Option("--practice", help="only of the practice of this id")] = "",
    who: Annotated[str, typer.Option("--address", help="only of this mail address")] = "",
    due_before: Annotated[
        datetime | None, typer.Option("--due-before", formats=["%Y-%m-%d"], help="only with a step due before this day")
    ] = None,
    days: Annotated[int, typer.Option("--waiting-longer-than", min=0, help="only older than so many days")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, help="how many at most, the earliest first")] = MOST,
    as_json: JsonOption = False,
) -> None:
    """Show the invitations that are open, or those that are asked for."""
    with plain_errors():
        settings = load(config)
        key = address(who).key if who else ""
        states = tuple(state or OPEN)

        def look(ctx: Context) -> list[Line]:
            due = due_before.replace(tzinfo=ctx.site.zone).astimezone(UTC) if due_before else None
            before = ctx.now - timedelta(days=days) if days else None
            return invitations.listed(ctx, Wanted(states, practice, key, due, before), limit)

        found = ask(settings, look)
    if not found:  # one that the settings have no more may still have some
        known("practice", practice, (one.id for one in settings.policy().practices))
    show([_facts(one) for one in found], as_json=as_json, nothing="no invitation is as you ask", columns=COLUMNS)


@app.command("show")
def show_invitation(named: Named, config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show what is known of an invitation: never its birthdate, nothing that a mail says. Exit 1 if none is there."""
    with plain_errors():
        found = ask(
            load(config), lambda ctx: [invitations.shown(ctx, one) for one in invitations.named(ctx, *_meant(named))]
        )
    if not found:
        fail(f"{named}: {Did.UNKNOWN}")
    for one in found:
        show_one(_details(one), as_json=as_json)


@app.command()
def remind(named: Named, config: ConfigOption) -> None:
    """Remind an invitee now, as a sender's REMIND does; at most once an hour. Exit 1 if that cannot be done."""
    _act(named, config, invitations.remind, "")


@app.command()
def cancel(named: Named, config: ConfigOption, yes: YesOption = False) -> None:
    """End an invitation: what is held is destroyed, and whoever waits is told. Exit 1 if that cannot be done."""
    _act(named, config, invitations.cancel, "" if yes else "is cancelled, and its held mail destroyed. Go on?")


def _act(named: str, config: ConfigOption, act: Callable[[Context, int], Did], question: str) -> None:
    with plain_errors():
        settings = load(config)
        found = ask(settings, lambda ctx: invitations.named(ctx, *_meant(named)))
        if len(found) > 1:
            several = ", ".join(f"{one.id} ({one.practice_id})" for one in found)
            fail(f"{named}: there are several invitations; name one by its number: {several}")
        if not found:
            fail(f"{named}: {Did.UNKNOWN}")
        if question:
            sure(f"Invitation {found[0].id} of {found[0].who} {question}", yes=False)
        did = do(settings, lambda ctx: act(ctx, found[0].id))
    typer.echo(f"{found[0].id}: {did}")
    raise typer.Exit(0 if did in DONE else 1)


def _meant(named: str) -> tuple[int, Address | None]:
    """Raises BadAddress."""
    return (int(named), None) if named.isdecimal() and len(named) < 19 else (0, address(named))


# ------------------------------------------------------------------------------------------------------------- showing


def _facts(line: Line) -> Row:
    one = line.invitation
    return {
        "number": one.id,
        "state": one.state.value,
        "practice": one.practice_id,
        "address": one.typed,
        "name": one.name,
        "relationship": one.relationship.value if one.relationship else None,
        "since": instant(one.created_at),
        "next_step": instant(one.due_at),
        "waiting": line.waiting,
        "held": line.held,
    }


def _details(found: Shown) -> Row:
    one, standing = found.line.invitation, found.standing
    return {
        **_facts(found.line),
        "role": one.role.value if one.role else None,
        "day_0": one.schedule_start.isoformat(),
        "ends": standing.ends or None,
        "reminders_to_come": list(standing.reminders),
        "wrong_birthdates": one.wrong_birthdates,
        "tries_left": standing.tries_left,
        "changed": instant(one.changed_at),
        "link_number": one.generation,
        "link_used": instant(one.opened_at),
        "new_link_asked": instant(one.asked_at),
        "their_mail_system_says": standing.delivery_signal or None,
        "account": one.account_id,
        "who_waits": [f"{sender.typed} since {instant(own.since)}" for own, sender in found.waiting],
        "held_octets": found.octets,
        "answers_by_mail": found.answers,
        "sent_to_them": [f"{instant(row.created_at)} {row.notice} {row.state}" for row in found.told],
        "done": [f"{instant(row.at)} {row.actor} {row.action}" for row in found.audit],
    }
