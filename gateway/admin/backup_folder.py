"""The folder that backups lie in: who may write to it, what earlier snapshots left in it, what goes out of it again."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gateway.admin.manifest import UNFINISHED, Manifest, read_manifest, snapshots, taken_at
from gateway.admin.recovery import Stored
from gateway.config.settings import Settings
from gateway.errors import BadPlace, ConfigError, DamagedBackup, StoreBusy
from gateway.owner import make_folder, open_owned
from gateway.ports import Keys
from gateway.store.content import sync_folder
from gateway.store.snapshot import wipe_left

WEEK = 7
"""Days within which each file that earlier snapshots left is compared with its digest again."""


def refuse_place(settings: Settings, config: Path, folder: Path) -> None:
    """No backup goes to where the gateway itself lives. Raises BadPlace."""
    place = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise BadPlace(f"{folder} is a file; name a folder for backups")
    if place.is_relative_to(settings.spool_path.resolve()):
        raise BadPlace(f"{folder} is the gateway's own folder for held mail; name another one, on another disk")
    if place in (config.resolve().parent, settings.database_path.resolve().parent):
        raise BadPlace(f"{folder} is where the gateway itself lies; name another one, on another disk")


def about_place(settings: Settings, folder: Path) -> list[str]:
    """What is to be said of a folder that will do, but not for everything."""
    if folder.stat().st_dev != settings.database_path.stat().st_dev:
        return []
    return [f"{folder} is on the same disk as the database: whoever loses that disk loses the backup with it"]


@contextlib.contextmanager
def alone(folder: Path, live: Path) -> Iterator[None]:
    """One backup at a time. A folder that is made belongs to the owner of the database, and what is in it likewise.

    Raises StoreBusy, OSError.
    """
    make_folder(folder, live)
    make_folder(folder / "content")
    make_folder(folder / "snapshots")
    with open(folder / ".lock", "w", opener=open_owned) as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBusy(f"another backup goes to {folder} at this moment") from error
        yield


def tidy(folder: Path, live: Path) -> None:
    """Remove what a backup that was killed has left."""
    for left in [*(folder / "snapshots").glob(f"*{UNFINISHED}"), *(folder / "content").glob(f"*{UNFINISHED}")]:
        remove(left)
    wipe_left(live)


@dataclass(slots=True)
class Earlier:
    """The snapshots that are there already; `unreadable` are those whose manifest cannot be read."""

    folder: Path
    manifests: dict[Path, Manifest] = field(default_factory=dict)
    unreadable: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Earlier":
        earlier = cls(folder)
        for snapshot in snapshots(folder):
            try:
                earlier.manifests[snapshot] = read_manifest(snapshot)
            except (ConfigError, DamagedBackup) as error:
                earlier.unreadable[snapshot] = str(error)
        return earlier

    def content(self, keys: Keys, *, encrypted: bool) -> dict[str, Stored]:
        """The content of the newest snapshot that has it in the same way."""
        same = [one for one in self.manifests.values() if one.encrypted == encrypted and one.is_ours(keys)]
        return dict(same[-1].content) if same else {}

    def forget(self, before: datetime) -> list[str]:
        """Remove old snapshots but for the newest, and content that none of those left names; what is to be said.

        Where a snapshot cannot be read, it is not known which content it names: then all content stays.
        """
        every = sorted([*self.manifests, *self.unreadable])
        old = [one for one in every[:-1] if taken_at(one) < before]
        for one in old:
            shutil.rmtree(one)
            self.manifests.pop(one, None)
            self.unreadable.pop(one, None)
        if self.unreadable:
            return [
                f"{fault}; that snapshot cannot be restored, and no old content was removed: remove {one}"
                for one, fault in self.unreadable.items()
            ]
        named = {name + one.suffix for one in self.manifests.values() for name in one.content}
        for file in (self.folder / "content").iterdir():
            if file.name not in named:
                remove(file)
        return []


def is_due(content_id: str, at: datetime) -> bool:
    """Whether a content's file is among those that are compared on this day: each is once a week."""
    return sum(content_id.encode()) % WEEK == at.toordinal() % WEEK


def renew(earlier: Earlier, renewed: dict[str, Stored], keys: Keys, *, encrypted: bool) -> None:
    """Have earlier snapshots name files as they are since they were taken anew. Raises OSError."""
    for snapshot, manifest in earlier.manifests.items():
        changed = {name: stored for name, stored in renewed.items() if manifest.content.get(name, stored) != stored}
        if changed and manifest.encrypted == encrypted and manifest.is_ours(keys):
            fresh = replace(manifest, content={**manifest.content, **changed}).signed(keys)
            earlier.manifests[snapshot] = fresh
            write_manifest(snapshot, fresh)


def write_manifest(snapshot: Path, manifest: Manifest) -> None:
    """A snapshot's manifest, whole or not at all. Raises OSError."""
    unfinished = snapshot / f"manifest.json{UNFINISHED}"
    with open(unfinished, "w", encoding="utf-8", opener=open_owned) as file:
        file.write(manifest.text())
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(snapshot / "manifest.json")
    sync_folder(snapshot)


def remove(path: Path) -> None:
    """Take a file, a link or a folder away. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
