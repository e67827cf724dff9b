"""`gateway practices`: which practices there are, and legal holds on them."""

from typing import Annotated

import typer

from gateway.admin.access import ask, do, opened
from gateway.cli.output import JsonOption, progress, show
from gateway.cli.parts import ConfigOption, fail, known, plain_errors, said, sure
from gateway.cli.people import REASON_KEPT, sweep
from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.flow.administration import holds, people

app = typer.Typer(no_args_is_help=True, help="The practices, and legal holds on them.")

Id = Annotated[str, typer.Argument(help="the practice's id, as `gateway practices list` shows it", metavar="ID")]


@app.command("list")
def list_practices(config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show the practices and how many people each has."""
    with plain_errors():
        found = ask(load(config), people.practices)
    rows = [
        {
            "id": one.practice.id,
            "name": one.practice.name,
            "senders": one.senders,
            "listed_people": one.listed,
            "open_invitations": one.open_invitations,
            "accepted_invitations": one.accepted_invitations,
            "legal_hold": one.hold is not None,
        }
        for one in found
    ]
    show(rows, as_json=as_json, nothing="there is no practice")


@app.command()
def hold(
    practice: Id,
    config: ConfigOption,
    reason: Annotated[str, typer.Option("--reason", callback=said, help="why, for whoever reads the list of holds")],
) -> None:
    """Place a legal hold: nothing of this practice is destroyed while it stands."""
    with plain_errors():
        settings = load(config)
        _must_be(settings, practice)
        placed = do(settings, lambda ctx: holds.hold_practice(ctx, practice, reason))
    typer.echo(f"{practice}: a legal hold stands{f'. {REASON_KEPT}' if placed else ' already'}")


@app.command()
def close(
    practice: Id,
    config: ConfigOption,
    yes: Annotated[bool, typer.Option("--yes", help="do it without asking")] = False,
) -> None:
    """End all that is open of a practice, before it is taken out of the settings: held mail goes back to its senders,
    invitations end, and its people list is emptied. Inboxes stay. Exit 1 if something had to stay.
    """
    from gateway.admin.leaving import close_practice  # noqa: PLC0415 - serving needs nothing of it

    with plain_errors():
        settings = load(config)
        _must_be(settings, practice)
        sure(f"{practice}: hand its held mail back, and end its invitations? This cannot be undone.", yes=yes)
        with opened(settings) as access, progress("handing back", None) as step:
            stays = close_practice(access, practice, step)
    if stays:
        fail(
            f"{stays} invitations stay open: their invitees have answered by mail, or a legal hold keeps their mail; "
            "once the senders have read the answers on their page, gateway invitations cancel ends them"
        )
    typer.echo(f"{practice}: nothing is open; once gateway queue list is empty, take it out of the settings")


def _must_be(settings: Settings, practice: str) -> None:
    known("practice", practice, (one.id for one in settings.policy().practices))


@app.command()
def release(practice: Id, config: ConfigOption) -> None:
    """Release a legal hold; what has ended meanwhile is destroyed."""
    with plain_errors(), opened(load(config)) as access:
        if not access.do(holds.release_practice, practice):
            known("practice", practice, (one.id for one in access.site.practices))
            fail(f"{practice}: no legal hold stands")
        sweep(access)
    typer.echo(f"{practice}: the legal hold is released")
