"""`gateway backup` and `gateway restore`."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption, Row, progress, show_one
from gateway.cli.parts import ConfigOption, fail, plain_errors
from gateway.config.toml_file import load

if TYPE_CHECKING:
    from gateway.admin.restore import Restored

FolderArgument = Annotated[Path, typer.Argument(help="where backups lie: a folder on another disk or machine")]
KeyOption = Annotated[
    Path | None, typer.Option("--recovery-key", help="the file of the recovery key, where backups are encrypted")
]
AtOption = Annotated[
    str, typer.Option("--at", help="the newest snapshot up to then, as 2026-03-02T10:00 (UTC); else the newest of all")
]
KEEP = 30
_TAKEN = {
    "snapshot": "Backup of",
    "holds": "Copies of secure mail in it",
    "passing": "Ordinary mails in it that wait to be sent",
    "invitations": "Invitations in it",
    "accounts": "Accounts in it",
    "content_files": "Mails in it that have a file of their own",
    "encrypted": "Encrypted to the recovery key",
    "missing": "Mails whose file is not in the spool any more",
}
_VERIFIED = {
    "snapshot": "Backup of",
    "files_whole": "Files that were compared with their digests",
    "holds_opened": "Copies of secure mail that opened",
    "passing_opened": "Ordinary mails waiting to be sent that opened",
    "faults": "Faults",
}
_RESTORED = {
    "snapshot": "Backup of",
    "settings": "Settings",
    "ledger": "Ledger that was followed",
    "holds": "Copies of secure mail that opened",
    "passing": "Ordinary mails waiting to be sent that opened",
    "destroyed_again": "Destroyed since the backup, so destroyed again",
    "sent_already": "Mails sent since the backup, so not sent again",
    "moved_on": "Invitations, questions and legal holds put where they stood later",
    "numbers_from": "New invitations and mails are numbered from here, so that no old link opens another's",
}


def backup(
    folder: FolderArgument,
    config: ConfigOption,
    verify: Annotated[bool, typer.Option("--verify", help="take none; see whether a snapshot opens")] = False,
    recovery_key: KeyOption = None,
    at: AtOption = "",
    keep: Annotated[int, typer.Option("--keep", min=1, max=36_500, help="days for which snapshots are kept")] = KEEP,
    compare_all: Annotated[
        bool,
        typer.Option("--compare-all", help="read all that earlier snapshots left, and take anew what is damaged there"),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a backup, also while the gateway serves; or look whether all that one holds can be opened."""
    from gateway.admin.backup import back_up  # noqa: PLC0415 - serving needs nothing of it

    if verify:
        _verify(folder, config, recovery_key, at, as_json=as_json)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that it tidies up
    with plain_errors(), bars() as step:
        done = back_up(load(config), config, folder, keep, step, compares_all=compare_all)
    taken = done.manifest
    said = {"snapshot": taken.at.isoformat(), **taken.counts, "content_files": len(taken.content)}
    _show(said | {"encrypted": taken.encrypted, "missing": len(taken.missing)}, _TAKEN, as_json=as_json)
    for line in done.warnings:
        typer.echo(f"warning: {line}", err=True)
    if not taken.encrypted:
        typer.echo(
            "it holds neither keys nor passwords: keep gateway.keys apart from it (backup.recovery_key)", err=True
        )
    if taken.missing:
        fail(f"{len(taken.missing)} files of held mail are missing in the spool; see gateway doctor", os.EX_DATAERR)


def _verify(folder: Path, config: Path, recovery_key: Path | None, at: str, *, as_json: bool) -> None:
    from gateway.admin.recovery import read_recovery_key  # noqa: PLC0415 - as above
    from gateway.admin.verify import verify  # noqa: PLC0415

    with plain_errors(), bars() as step:
        identity = read_recovery_key(recovery_key) if recovery_key else None
        found = verify(load(config), folder, _instant(at), identity, step)
    opened = {"holds_opened": found.opened.holds, "passing_opened": found.opened.passing} if found.opened else {}
    said = {"snapshot": found.manifest.at.isoformat(), "files_whole": found.files, **opened}
    _show(said | {"faults": len(found.faults)}, _VERIFIED, as_json=as_json)
    for line in found.not_checked:
        typer.echo(f"not checked: {line}", err=True)
    if found.faults:
        heals = ["gateway backup --compare-all takes anew what the spool still has"] if found.damaged else []
        fail("\n".join([*found.faults, *heals]), os.EX_DATAERR)


def restore(
    folder: FolderArgument,
    target: Annotated[
        Path, typer.Option("--config", help="the folder to restore into, or the settings file there that is to be used")
    ],
    recovery_key: KeyOption = None,
    at: AtOption = "",
    ledger: Annotated[Path | None, typer.Option("--ledger", help="the ledger; else where the settings have it")] = None,
    without_ledger: Annotated[
        bool, typer.Option("--without-ledger", help="restore although what was destroyed since may come back")
    ] = False,
    hop_log: Annotated[
        Path | None,
        typer.Option("--hop-log", help="the log of the next hop (Postfix): what it shows as sent stays sent"),
    ] = None,
    without_damaged: Annotated[
        bool, typer.Option("--without-damaged", help="restore although files of held mail are damaged in the backup")
    ] = False,
    drill: Annotated[
        bool, typer.Option("--drill", help="restore only to look: nothing is written elsewhere, and it is never served")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup to where no gateway is; nothing that was destroyed comes back, nothing goes out twice."""
    from gateway.admin.recovery import read_recovery_key  # noqa: PLC0415 - as above
    from gateway.admin.restore import Wanted, restore  # noqa: PLC0415
    from gateway.errors import DamagedBackup  # noqa: PLC0415

    os.umask(0o077)
    with plain_errors(), bars() as step:
        identity = read_recovery_key(recovery_key) if recovery_key else None
        ways = {"without_ledger": without_ledger, "without_damaged": without_damaged, "drill": drill}
        wanted = Wanted(folder, target, _instant(at), identity, ledger, hop_log=hop_log, **ways)
        try:
            done = restore(wanted, step)
        except DamagedBackup as error:
            fail(f"{error}\nNothing was restored; take an older snapshot with --at", os.EX_DATAERR)
    _say_restored(done, as_json=as_json)


def _say_restored(done: "Restored", *, as_json: bool) -> None:
    said = {"snapshot": done.manifest.at.isoformat(), "settings": str(done.config), "holds": done.opened.holds}
    followed = {"destroyed_again": done.replayed.destroyed, "sent_already": done.replayed.sent}
    moved = {"moved_on": done.replayed.moved, "numbers_from": done.last_number + 1}
    ledger_said = {"ledger": str(done.ledger.file) if done.ledger else None}
    _show(said | ledger_said | {"passing": done.opened.passing} | followed | moved, _RESTORED, as_json=as_json)
    for line in done.by_hand:
        typer.echo(f"to do by hand: {line}", err=True)
    if done.opened.faults:
        fail(
            "\n".join(
                ["it was restored, but these do not open (gateway doctor says whose they are):", *done.opened.faults]
            ),
            os.EX_DATAERR,
        )
    typer.echo(f"next: gateway check --config {shlex.quote(str(done.config))}", err=True)


def _show(said: Row, words: Mapping[str, str], *, as_json: bool) -> None:
    """For people in words, for programs under the names of the values."""
    show_one(said if as_json else {words[name]: value for name, value in said.items()}, as_json=as_json)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--at: {text!r} is no time; write for example 2026-03-02T10:00")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@contextmanager
def bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each part of what is done."""
    with ExitStack() as stack:
        shown: dict[str, tuple[Callable[[int], None], list[int]]] = {}

        def step(title: str, done: int, total: int) -> None:
            if title not in shown:
                stack.close()
                shown[title] = (stack.enter_context(progress(title, total)), [0])
            advance, before = shown[title]
            advance(done - before[0])
            before[0] = done

        yield step
