"""`gateway leave`: what is held is handed back, and the gateway taken out of use."""

from typing import Annotated

import typer

from gateway.cli.output import progress
from gateway.cli.parts import ConfigOption, fail, plain_errors, sure
from gateway.config.toml_file import load


def leave(
    config: ConfigOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be done, and do nothing")] = False,
    days: Annotated[
        int, typer.Option("--days", min=1, max=365, help="for how long people may save what is in their inboxes")
    ] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="do it without asking")] = False,
) -> None:
    """Hand back all that is held, and say how to take the gateway out of the path. Ended midway, it goes on when run
    again; a gateway that serves sends what is handed back. Exit 1 if something had to stay.
    """
    from gateway.admin import leaving  # noqa: PLC0415 - serving needs nothing of it
    from gateway.admin.access import opened  # noqa: PLC0415
    from gateway.flow.administration.leaving import held  # noqa: PLC0415

    with plain_errors():
        settings = load(config)
        with opened(settings) as access:
            found, until = access.ask(held), leaving.last_day(access, days)
            for line in leaving.preview(found, until):
                typer.echo(line)
            if dry_run:
                typer.echo(leaving.way_out(settings, until))
                return
            sure("This cannot be undone. Go on?", yes=yes)
            with progress("handing back", found.mails or None) as step:
                stays = leaving.hand_back_all(access, until, step)
    typer.echo("done; what is handed back leaves by the queue: let the gateway serve until it is empty")
    typer.echo(leaving.way_out(settings, until))
    if found.came_back:
        fail(f"{found.came_back} mails that were handed back were not taken: see gateway queue list --set-aside")
    if stays:
        fail(
            f"{stays} invitations stay open: their invitees have answered by mail, and that may not travel by this "
            "next hop. Their senders read it on their page; cancel the invitations after that (gateway invitations)"
        )
