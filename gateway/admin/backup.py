"""Taking a backup beside a gateway that may serve: the database first, then the content that its rows name."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from gateway.admin import drills
from gateway.admin.access import ask, do
from gateway.admin.backup_folder import (
    Earlier,
    about_place,
    alone,
    is_due,
    refuse_place,
    remove,
    renew,
    tidy,
    write_manifest,
)
from gateway.admin.manifest import UNFINISHED, Kept, Manifest, name_of
from gateway.admin.recovery import SUFFIX, Stored, digest_of, encrypt, recipient_of
from gateway.config.section import Section
from gateway.config.settings import Settings
from gateway.domain.model import Content
from gateway.edge.run.clock import the_clock
from gateway.errors import ConfigError, StoreBusy, StoreDamaged, StoreFull
from gateway.flow.upkeep import backups
from gateway.owner import make_folder, open_owned
from gateway.ports import Keys
from gateway.prepare import keys_of
from gateway.store.content import sync_folder
from gateway.store.snapshot import copy_database, fault_of, look, private_copy

FICLONE = 0x40049409
"""Linux's number for sharing the blocks of a file: nothing is copied until one of the two changes."""
KEPT_DAYS = 30
PLAIN = ("settings", "templates")
"""What of the settings' files goes into a backup that is not encrypted: nothing secret."""
_PLACES = re.compile(r"(.*_)?file|tls_cert|tls_key|logo|templates")
_COUNTS = {
    "holds": "SELECT count(*) FROM copy WHERE wrapped_key IS NOT NULL",
    "passing": "SELECT count(*) FROM delivery WHERE wrapped_key IS NOT NULL",
    "invitations": "SELECT count(*) FROM invitation",
    "accounts": "SELECT count(*) FROM account WHERE typed <> ''",
}
Step = Callable[[str, int, int], None]
"""Hears what is done, how much of it, and how much there is."""


@dataclass(slots=True)
class Backup:
    """One backup under way. `recipient` is the recovery key's public half, if it is encrypted."""

    settings: Settings
    config: Path
    folder: Path
    at: datetime
    step: Step
    recipient: Any
    known: Mapping[str, Stored]
    """The content that earlier snapshots have in the same way."""
    compares_all: bool = False
    files: list[Kept] = field(default_factory=list)
    content: dict[str, Stored] = field(default_factory=dict)
    renewed: dict[str, Stored] = field(default_factory=dict)
    """What was known, and damaged: it was taken anew."""
    destroyed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def suffix(self) -> str:
        return SUFFIX if self.recipient else ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken, and lines about what is not as it should be."""

    manifest: Manifest
    warnings: Sequence[str] = ()


def back_up(
    settings: Settings,
    config: Path,
    folder: Path,
    days: int,
    step: Step,
    *,
    is_noted: bool = True,
    compares_all: bool = False,
) -> Taken:
    """Take a snapshot, and remove those that are older than so many days. It is noted in the database.

    Content files that earlier snapshots left are compared with their digests, each once a week, or all of them where
    `compares_all`; damaged ones are taken anew.
    Raises ConfigError, StoreBusy, StoreFull, StoreDamaged, OSError. Whatever happens, earlier snapshots stay whole.
    """
    if not settings.database_path.exists():
        raise ConfigError(f"database.url: there is no {settings.database_path}")
    ask(settings, lambda ctx: drills.refuse(ctx.tx))
    refuse_place(settings, config, folder)
    keys, recipient = keys_of(settings), recipient_of(settings.backup.recovery_key)
    with alone(folder, settings.database_path):
        tidy(folder, settings.database_path)
        earlier, at = Earlier.of(folder), _free_instant(folder)
        known = earlier.content(keys, encrypted=recipient is not None)
        backup = Backup(settings, config, folder, at, step, recipient, known, compares_all)
        unfinished = folder / "snapshots" / (name_of(at) + UNFINISHED)
        make_folder(unfinished)
        manifest = _filled(backup, unfinished, keys)
        renew(earlier, backup.renewed, keys, encrypted=manifest.encrypted)
        snapshot = unfinished.rename(folder / "snapshots" / name_of(at))
        sync_folder(snapshot.parent)
        earlier.manifests[snapshot] = manifest
        warnings = [
            *about_place(settings, folder),
            *_about_renewed(backup),
            *earlier.forget(at - timedelta(days=days)),
            *(_noted(settings, at) if is_noted else ()),
        ]
    return Taken(manifest, warnings)


def _about_renewed(backup: Backup) -> list[str]:
    return [
        f"content/{name}{backup.suffix} was damaged in the backup, and was taken anew; look at that disk"
        for name in backup.renewed
    ]


def _noted(settings: Settings, at: datetime) -> list[str]:
    """The snapshot is in its place already, whatever becomes of the note."""
    try:
        do(settings, lambda ctx: backups.note(ctx, name_of(at), at))
    except (StoreBusy, StoreFull) as error:
        return [f"the backup is whole, but gateway status will not tell of it: the database took no note ({error})"]
    return []


def _filled(backup: Backup, unfinished: Path, keys: Keys) -> Manifest:
    schema, ledger, counts, needed = _database(backup, unfinished)
    for number, content_id in enumerate(needed, 1):
        _take_content(backup, content_id)
        backup.step("content", number, len(needed))
    _take_files(backup, unfinished)
    manifest = Manifest(
        at=backup.at,
        encrypted=backup.recipient is not None,
        schema=schema,
        ledger=ledger,
        counts=counts,
        files=tuple(backup.files),
        content=backup.content,
        destroyed=tuple(backup.destroyed),
        missing=tuple(backup.missing),
    ).signed(keys)
    sync_folder(backup.folder / "content")
    write_manifest(unfinished, manifest)
    return manifest


# ------------------------------------------------------------------------------------------------------- the database


def _database(backup: Backup, unfinished: Path) -> tuple[int, str, dict[str, int], list[str]]:
    """Take the database; its schema, how far the ledger had come, how much it holds, and the content it names."""
    live = backup.settings.database_path
    with private_copy(live) as copy:
        copy_database(live, copy, lambda done, total: backup.step("database", done, total))
        if fault := fault_of(copy):
            raise StoreDamaged(fault)
        schema = int(str(look(copy, "PRAGMA user_version")[0][0]))
        counts = {name: int(str(look(copy, query)[0][0])) for name, query in _COUNTS.items()}
        ledger = look(copy, "SELECT value FROM meta WHERE name = 'ledger'")
        needed = [str(row[0]) for row in look(copy, "SELECT id FROM content WHERE inline IS NULL ORDER BY id")]
        _keep(backup, unfinished, copy, "database", "")
    position = ledger[0][0] if ledger else b""
    return schema, bytes(position).decode() if isinstance(position, bytes) else "", counts, needed


# -------------------------------------------------------------------------------------------------------- the content


def _take_content(backup: Backup, content_id: str) -> None:
    """A content's file never changes: what an earlier snapshot has is there already, unless it was damaged since."""
    target = backup.folder / "content" / (content_id + backup.suffix)
    known = backup.known.get(content_id)
    if known and _is_whole(target, known, is_read=backup.compares_all or is_due(content_id, backup.at)):
        backup.content[content_id] = known
        return
    try:
        with (backup.settings.spool_path / content_id).open("rb") as source:
            backup.content[content_id] = _written(source, target, backup)
    except FileNotFoundError:
        still_named = ask(backup.settings, lambda ctx: ctx.tx.get(Content, content_id)) is not None
        (backup.missing if still_named else backup.destroyed).append(content_id)
    else:
        if known:
            backup.renewed[content_id] = backup.content[content_id]


def _is_whole(file: Path, known: Stored, *, is_read: bool) -> bool:
    """Whether an earlier snapshot's file is as it was written, by its size or by all of it."""
    if not file.is_file() or file.stat().st_size != known.size:
        return False
    return not is_read or digest_of(file) == known


def _written(source: BinaryIO, target: Path, backup: Backup) -> Stored:
    """A file in its place, whole or not at all."""
    unfinished = target.with_name(target.name + UNFINISHED)
    if target.is_dir():
        remove(target)
    with _new(unfinished) as file:
        if backup.recipient is None and _shared(source, file):
            stored = digest_of(unfinished)
        else:
            stored = encrypt(source, file, backup.recipient)
    unfinished.rename(target)
    return stored


def _shared(source: BinaryIO, target: BinaryIO) -> bool:
    """Whether the file system could share the blocks."""
    try:
        fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
        os.fsync(target.fileno())
    except OSError:
        return False
    return True


# ---------------------------------------------------------------------------------------- settings, keys and passwords


def _take_files(backup: Backup, unfinished: Path) -> None:
    for kind, path in belongings(backup.settings, backup.config):
        if path.is_file() and (backup.recipient or kind in PLAIN):
            _keep(backup, unfinished, path, kind, _relative(path, backup.config.resolve().parent))


def belongings(settings: Settings, config: Path) -> list[tuple[str, Path]]:
    """The files that the settings name, and their own; each with its kind. The ledger is none: it stays outside."""
    found = [("settings", config.resolve())]
    for section in _sections(settings):
        for name, value in section:
            if isinstance(value, str) and value and _PLACES.fullmatch(name) and section is not settings.ledger:
                kind = (
                    "keys" if section is settings.keys else "templates" if name in ("templates", "logo") else "secret"
                )
                path = settings.path(value)
                files = sorted(path.rglob("*")) if path.is_dir() else [path]
                found += [(kind, one) for one in files]
    return found


def _sections(settings: Settings) -> Iterator[Section]:
    for _, value in settings:
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Section))


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _keep(backup: Backup, unfinished: Path, source: Path, kind: str, path: str) -> None:
    name = f"{len(backup.files)}-{source.name}{backup.suffix}"
    with source.open("rb") as file, _new(unfinished / name) as target:
        stored = encrypt(file, target, backup.recipient)
    backup.files.append(Kept(name, kind, path, stored))


def _free_instant(folder: Path) -> datetime:
    """Now, or a moment after the snapshot that is of this very instant."""
    at = the_clock().now()
    while (folder / "snapshots" / name_of(at)).exists():
        at += timedelta(microseconds=1)
    return at


def _new(path: Path) -> BinaryIO:
    return os.fdopen(open_owned(path, os.O_RDWR | os.O_CREAT | os.O_EXCL), "rb+")
