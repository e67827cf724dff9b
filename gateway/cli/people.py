"""`gateway people`: who is here, people lists, what is held about somebody, and its end."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.admin import dossier, people_file, people_import
from gateway.admin.access import Access, ask, opened
from gateway.admin.people_import import Preview
from gateway.cli.output import JsonOption, instant, progress, show, show_one
from gateway.cli.parts import ConfigOption, fail, known, plain_errors, said
from gateway.config.toml_file import load
from gateway.domain.address import Address, address
from gateway.domain.model_records import LegalHold
from gateway.flow.administration import erase as erasing
from gateway.flow.administration import holds, people, people_list
from gateway.flow.administration.people import As, Person
from gateway.flow.administration.people_list import Becomes

app = typer.Typer(no_args_is_help=True, help="Who is here, what is held about them, and its end.")

At = Annotated[str, typer.Argument(help="the person's address", metavar="ADDRESS")]
YesOption = Annotated[bool, typer.Option("--yes", help="do it without asking")]
COLUMNS = ("address", "name", "registered", "invited_by", "listed_at", "sends_for", "legal_hold")
SHOWN_FAULTS = 50


@app.command("list")
def list_people(
    config: ConfigOption,
    practice: Annotated[str, typer.Option("--practice", help="only people of the practice with this id")] = "",
    registered: Annotated[bool, typer.Option("--registered", help="only those with an account")] = False,
    invited: Annotated[bool, typer.Option("--invited", help="only those with an open invitation")] = False,
    listed: Annotated[bool, typer.Option("--listed", help="only those on a people list")] = False,
    senders: Annotated[bool, typer.Option("--senders", help="only those who have written for a practice")] = False,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="as a file that `people import` and Excel read")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="how many at most, by address")] = 1000,
) -> None:
    """Show who is here and as what: registered, invited, on a people list, writing for a practice."""
    chosen = {As.REGISTERED: registered, As.INVITED: invited, As.LISTED: listed, As.SENDERS: senders}
    kinds = [kind for kind, wanted in chosen.items() if wanted]
    if len(kinds) > 1:
        fail("choose one of --registered, --invited, --listed and --senders")
    with plain_errors(), opened(load(config)) as access:
        _known_practice(access, practice)
        found = list(_some(access, practice, kinds[0] if kinds else None, limit))
    if as_csv:
        typer.echo(people_file.as_csv(people_file.COLUMNS, list(_list_rows(found, practice))), nl=False)
        return
    show([_facts(one) for one in found], as_json=as_json, nothing="nobody is here", columns=COLUMNS)


@app.command("show")
def show_person(at: At, config: ConfigOption, as_json: JsonOption = False) -> None:
    """Show what an address is here, and how much there is of theirs. Nothing of any content."""
    with plain_errors(), opened(load(config)) as access:
        one = access.ask(people.person, address(at))
        figures = access.ask(people.figures, one)
        writes_for = access.ask(people.writes_for, one)
    if not one.is_known and not writes_for:
        fail(f"{at}: nobody with this address is here")
    counts = {name: getattr(figures, name) for name in figures.__slots__}
    told = _facts(one) | {"writes_for": writes_for} | counts
    show_one(told if as_json else {name: value for name, value in told.items() if value}, as_json=as_json)


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(help="CSV with the columns address, name, role, practice", metavar="FILE")],
    config: ConfigOption,
    practice: Annotated[str, typer.Option("--practice", help="of rows that name none: the practice's id")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="take off the list who is not in the file")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would change")] = False,
    yes: YesOption = False,
) -> None:
    """Bring in a practice's people list: they write for the practice, and are colleagues there."""
    with plain_errors(), opened(load(config)) as access:
        _known_practice(access, practice)
        read = people_file.read(file, access.site, practice)
        for fault in read.faults[:SHOWN_FAULTS]:
            typer.echo(fault.told, err=True)
        if read.faults:
            fail(f"{len(read.faults)} mistakes in {file}; nothing was changed")
        found = people_import.preview(access, read.rows, replace=replace)
        _show_preview(found)
        if dry_run or not found.steps:
            return
        _confirm(f"Change {found.steps} rows?", yes)
        with progress("changing the list", found.steps) as advance:
            people_import.carry_out(access, found, advance)
    typer.echo(f"{found.steps} rows changed")


@app.command("export")
def export(
    at: At,
    place: Annotated[Path, typer.Argument(help="a new folder, or a new file that ends with .zip", metavar="PLACE")],
    config: ConfigOption,
    with_holds: Annotated[
        bool, typer.Option("--with-holds", help="also legal holds and why they stand: not for the person's own eyes")
    ] = False,
) -> None:
    """Write out everything that is held about an address: a page to read, JSON, and the mails themselves."""
    with plain_errors(), opened(load(config)) as access:
        who = address(at)
        if not access.ask(people.is_here, who):
            fail(f"{at}: nothing is held about this address")
        with dossier.place(place) as into, progress("writing messages", None) as advance:
            messages = dossier.export(access, who, into, advance, with_holds=with_holds)
    typer.echo(f"{place}: {messages} messages and index.html; it is not encrypted, and it is in the audit")


@app.command()
def erase(at: At, config: ConfigOption, yes: YesOption = False) -> None:
    """Destroy what is held about an address; those whose mail is never delivered are told."""
    with plain_errors(), opened(load(config)) as access:
        who = address(at)
        one = access.ask(people.person, who)
        if hindering := access.ask(erasing.hindrances, one):
            fail(_held(who, hindering))
        was_here = access.ask(people.is_here, who)
        _tell_loss(access, one)
        _confirm(f"Erase {who.typed}? This cannot be undone", yes)
        if hindering := _erased(access, who):
            fail(_held(who, hindering))
        stays = access.ask(erasing.remains, who)
    done = f"{who.typed} is erased" if was_here else f"nothing was held about {who.typed} any more"
    typer.echo(f"{done}; the audit keeps that this was done, and who they were")
    if stays:
        typer.echo(f"{stays} messages that they wrote for a practice are the practice's, and stay with their name")


REASON_KEPT = (
    "Keep its reason elsewhere, too: the ledger has no words, and a restore that places the hold again has it from the "
    "backup alone"
)


@app.command()
def hold(
    at: At,
    config: ConfigOption,
    reason: Annotated[str, typer.Option("--reason", callback=said, help="why, for whoever reads the list of holds")],
) -> None:
    """Place a legal hold: nothing of this person is destroyed while it stands."""
    with plain_errors(), opened(load(config)) as access:
        is_known = access.ask(people.is_here, address(at))
        placed = access.do(holds.hold_person, address(at), reason)
    typer.echo(f"{at}: a legal hold stands{f'. {REASON_KEPT}' if placed else ' already'}")
    if not is_known:
        typer.echo("nothing else is held about this address: look whether it is right; the hold keeps what comes")


@app.command()
def release(at: At, config: ConfigOption) -> None:
    """Release a legal hold; what has ended meanwhile is destroyed."""
    with plain_errors(), opened(load(config)) as access:
        if not access.do(holds.release_person, address(at)):
            fail(f"{at}: no legal hold stands")
        sweep(access)
    typer.echo(f"{at}: the legal hold is released")


@app.command("holds")
def list_holds(
    config: ConfigOption,
    as_json: JsonOption = False,
    released: Annotated[bool, typer.Option("--released", help="those that were released")] = False,
) -> None:
    """Show the legal holds that stand, on people and on practices."""
    with plain_errors():
        found = ask(load(config), lambda ctx: holds.listed(ctx, released=released))
    rows = [
        {
            "on": one.hold.address or f"practice {one.hold.practice_id}",
            "reason": one.hold.reason,
            "placed": instant(one.hold.placed_at),
            "released": instant(one.hold.released_at),
            "also_at": ", ".join(one.also),
        }
        for one in found
    ]
    show(rows, as_json=as_json, nothing="no legal hold stands")


def sweep(access: Access) -> None:
    """Destroy what a hold has kept that was released just now."""
    with progress("destroying what was kept", None) as advance:
        after, done = access.do(holds.sweep, 0)
        advance(done)
        while after:
            after, done = access.do(holds.sweep, after)
            advance(done)


# --------------------------------------------------------------------------------------------------------------- parts


def _some(access: Access, practice: str, kind: As | None, limit: int) -> Iterator[Person]:
    after = ""
    while limit > 0 and (found := access.ask(people.listed, practice, kind, after)):
        yield from found[:limit]
        limit, after = limit - len(found), found[-1].address


def _known_practice(access: Access, practice: str) -> None:
    known("practice", practice, (one.id for one in access.site.practices))


def _facts(one: Person) -> dict[str, object]:
    return {
        "address": one.typed,
        "name": one.name,
        "registered": one.account is not None,
        "invited_by": ", ".join(f"{row.practice_id} ({row.state})" for row in one.invitations),
        "listed_at": ", ".join(f"{row.practice_id} ({row.role or 'no role'})" for row in one.listed),
        "sends_for": ", ".join(row.practice_id for row in one.sends_for),
        "legal_hold": bool(one.holds),
    }


def _list_rows(found: Sequence[Person], practice: str) -> Iterator[tuple[str, ...]]:
    for one in found:
        for row in one.listed or (None,):
            if row is None:
                yield one.typed, one.name, "", practice
            elif practice in ("", row.practice_id):
                yield row.typed, row.name, row.role or "", row.practice_id


def _show_preview(found: Preview) -> None:
    for kind in Becomes:
        count, first = found.total[kind], found.first.get(kind, [])
        typer.echo(f"{kind.value}: {count}")
        if kind is not Becomes.UNCHANGED:
            for line in first:
                typer.echo(f"  {line}")
            if count > len(first):
                typer.echo(f"  and {count - len(first)} more")


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        fail("nothing was changed; write --yes to do it without being asked")
    if not typer.confirm(question):
        fail("nothing was changed")


def _tell_loss(access: Access, one: Person) -> None:
    figures = access.ask(people.figures, one)
    show_one(
        {
            "person": one.typed,
            "account": one.account is not None,
            "open invitations": sum(row.is_open for row in one.invitations),
            "messages in the inbox": figures.in_inbox,
            "messages held": figures.held,
            "people lists": len(one.listed),
            "mails in the queue": figures.waiting_mail,
        },
        as_json=False,
    )


def _erased(access: Access, who: Address) -> list[LegalHold]:
    """The legal holds that stand in the way, if one was placed meanwhile."""
    with progress("erasing", None) as advance:
        if hindering := access.do(erasing.end, who):
            return hindering
        while done := access.do(erasing.destroy_copies, who, AT_A_TIME):
            advance(done)
        after = access.do(erasing.take_out_of_queue, who, 0, AT_A_TIME)
        while after:
            after = access.do(erasing.take_out_of_queue, who, after, AT_A_TIME)
        access.do(erasing.forget, who)
    return []


AT_A_TIME = people_list.AT_A_TIME


def _held(who: Address, found: Sequence[LegalHold]) -> str:
    on = ", ".join(sorted({one.address or f"practice {one.practice_id}" for one in found}))
    return f"{who.typed}: nothing was erased, since a legal hold stands on {on}; see gateway people holds"
