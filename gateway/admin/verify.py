"""Looking whether a backup is whole, and whether all that it holds can be opened; nothing is written to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.admin.manifest import Manifest, chosen, content_file, read_manifest
from gateway.admin.opening import BackedUpContent, Opened, Opens, open_all
from gateway.admin.recovery import Stored, decrypt, digest_of
from gateway.config.settings import Settings
from gateway.edge.run.clock import the_clock
from gateway.flow.context import Context
from gateway.ports import Keys
from gateway.prepare import check_keys, keys_of
from gateway.store.connections import open_database
from gateway.store.migrations import migrate
from gateway.store.runner import read_once
from gateway.store.snapshot import fault_of, private_copy

Step = Callable[[str, int, int], None]


@dataclass(slots=True)
class Verified:
    """What was looked at, and a line for each fault. `opened` is None where no key was there to open anything with."""

    snapshot: Path
    manifest: Manifest
    files: int = 0
    opened: Opened | None = None
    faults: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    """The content whose files are not as they were written, or missing."""
    not_checked: list[str] = field(default_factory=list)


def verify(settings: Settings, folder: Path, at: datetime | None, identity: Any, step: Step) -> Verified:
    """Look at a snapshot beside the gateway whose it is. Raises ConfigError, WrongKey, OSError."""
    snapshot = chosen(folder, at)
    verified = Verified(snapshot, read_manifest(snapshot))
    keys = keys_of(settings)
    if not verified.manifest.is_ours(keys):
        verified.faults.append("manifest.json is not as this gateway's keys have signed it")
    check_files(folder, verified, step)
    if verified.manifest.encrypted and identity is None:
        verified.not_checked.append("whether the database and the holds open: name --recovery-key for that")
    elif not verified.faults:
        _open(settings, folder, verified, keys, identity, step)
    return verified


def check_files(folder: Path, verified: Verified, step: Step) -> None:
    """Compare every file with the digest that the manifest has of it."""
    manifest = verified.manifest
    own = [(verified.snapshot / one.name, one.stored, "") for one in manifest.files]
    content = [(content_file(folder, manifest, name), stored, name) for name, stored in manifest.content.items()]
    for number, (file, stored, content_id) in enumerate([*own, *content], 1):
        if fault := _fault(file, stored):
            verified.faults.append(f"{file.relative_to(folder)} {fault}")
            verified.damaged |= {content_id} if content_id else set()
        step("files", number, len(own) + len(content))
    verified.files = len(own) + len(content)
    lost = [f"content {one} was missing already when the backup was taken" for one in manifest.missing]
    verified.faults += lost


def _fault(file: Path, stored: Stored) -> str:
    """What is wrong with a file of a backup; "" for nothing."""
    if not file.is_file():
        return "is missing"
    try:
        return "" if digest_of(file) == stored else "is not as it was written"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _open(settings: Settings, folder: Path, verified: Verified, keys: Keys, identity: Any, step: Step) -> None:
    manifest = verified.manifest
    name = manifest.database.name
    with private_copy(settings.database_path) as database:
        with (verified.snapshot / name).open("rb") as source, database.open("xb") as target:
            decrypt(source, target, identity, name)
        verified.opened = opened_in(
            settings, database, manifest, keys, BackedUpContent(folder, manifest, identity), step
        )
    verified.faults += verified.opened.faults


def opened_in(settings: Settings, database: Path, manifest: Manifest, keys: Keys, content: Opens, step: Step) -> Opened:
    """Open all that a database of its own holds; a fault of the file itself is one of what opened."""
    if fault := fault_of(database):
        return Opened(faults=[f"the database is damaged: {fault}"])
    opening = open_database(database)
    migrate(opening)
    total, done = manifest.counts["holds"] + manifest.counts["passing"], 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        step("holds", done, max(total, done))

    def look(tx: Any) -> Opened:
        check_keys(tx, keys)
        return open_all(Context(tx, settings.policy(), keys, the_clock().now()), content, manifest.destroyed, more)

    return read_once(opening, look)
