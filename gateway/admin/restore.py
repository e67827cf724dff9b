"""Restoring a backup where nothing is: checked first, put in its place last, brought up to what is known since."""

import contextlib
import os
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.admin import drills, hop_log
from gateway.admin.ledger import ledger_of
from gateway.admin.ledger_choice import Followed, followed
from gateway.admin.manifest import Kept, Manifest, chosen, content_file, name_of, read_manifest
from gateway.admin.opening import BackedUpContent, Opened
from gateway.admin.recovery import decrypt, opened
from gateway.admin.restored import Comeback, How, bring_up, lost_holds, returned_keys, settle
from gateway.admin.verify import Step, Verified, check_files, opened_in
from gateway.config.settings import Settings
from gateway.config.toml_file import build, load
from gateway.domain.ledger import Gap, LedgerKind, LedgerPosition
from gateway.domain.model_records import LedgerEntry
from gateway.edge.run.clock import the_clock
from gateway.edge.run.supervisor import sole_use
from gateway.errors import ConfigError, DamagedBackup
from gateway.flow.upkeep.replay import Replayed
from gateway.ports import Keys
from gateway.prepare import keys_of, restoring
from gateway.store.content import SpooledContent, sync_folder
from gateway.store.ledger import ChainedLedger
from gateway.store.snapshot import close_log, look

ELSEWHERE = "elsewhere"
"""The folder, beside the settings, for files whose own place is outside of the settings' folder."""
PLACING = "placing"
"""What is there once some of it may be in its place: then the rest is kept, too."""
_LOGS = ("", "-wal", "-shm", "-journal")
_AFTER = "what was destroyed or sent since the backup would come back, or go out again"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored, where to, and with what."""

    folder: Path
    target: Path
    """A settings file, or the folder that it is to lie in."""
    at: datetime | None = None
    identity: Any = None
    ledger: Path | None = None
    without_ledger: bool = False
    hop_log: Path | None = None
    without_damaged: bool = False
    """Whether to go on without content whose files are damaged: what they hold is lost."""
    drill: bool = False
    """Whether it is only to be looked at: then nothing is written outside of its folder, and it is never served."""


@dataclass(slots=True)
class Restored:
    """What was restored. `by_hand` are lines about what is left to do; `ledger` is None where none was followed."""

    snapshot: str
    config: Path
    manifest: Manifest
    ledger: Followed | None = None
    replayed: Replayed = field(default_factory=Replayed)
    last_number: int = 0
    opened: Opened = field(default_factory=Opened)
    by_hand: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Restore:
    """A restore under way; all of it is in `staging` until it is put in its place."""

    wanted: Wanted
    manifest: Manifest
    snapshot: Path
    config: Path
    settings: Settings
    staging: Path
    damaged: frozenset[str]
    step: Step

    @property
    def database(self) -> Path:
        return self.staging / "gateway.db"

    @property
    def spool(self) -> Path:
        return self.staging / "spool"

    @property
    def ledger(self) -> Path:
        return self.staging / "gateway.ledger"

    def staged(self, kept: Kept) -> Path:
        return self.staging / "files" / kept.name

    def place_of(self, kept: Kept) -> Path:
        """Where a file of the settings' belongs."""
        if kept.kind == "settings":
            return self.config
        folder = self.config.parent
        return folder / ELSEWHERE / kept.path.lstrip("/") if Path(kept.path).is_absolute() else folder / kept.path


def restore(wanted: Wanted, step: Step) -> Restored:
    """Restore a backup. A restore that fails leaves nothing; one that is killed leaves nothing that serves.

    Raises ConfigError, DamagedBackup, WrongKey, StoreFull, StoreDamaged, OSError.
    """
    snapshot = chosen(wanted.folder, wanted.at)
    manifest = read_manifest(snapshot)
    verified = Verified(snapshot, manifest)
    check_files(wanted.folder, verified, step)
    _refuse_damaged(wanted, verified)
    is_file = wanted.target.is_file() or wanted.target.suffix == ".toml"
    config = (wanted.target if is_file else wanted.target / "gateway.toml").absolute()
    settings = load(config) if config.exists() else _settings(wanted, snapshot, manifest, config)
    one = _Restore(wanted, manifest, snapshot, config, settings, restoring(settings), frozenset(verified.damaged), step)
    _refuse_outside(one)
    with _leaving_nothing(settings), sole_use(settings.serving_path, patience=0):
        _refuse_over_what_lives(one)
        with _staging(one):
            return _restored(one)


def _refuse_damaged(wanted: Wanted, verified: Verified) -> None:
    """Raises DamagedBackup, unless only content is damaged, and it is to go on without that."""
    faults = [one for one in verified.faults if "was missing already" not in one]
    only_content = bool(verified.damaged) and len(verified.damaged) == len(faults)
    if not faults or (only_content and wanted.without_damaged):
        return
    goes_on = ["--without-damaged goes on without what these files hold"] if only_content else []
    raise DamagedBackup("\n".join([*faults, *goes_on]))


def _settings(wanted: Wanted, snapshot: Path, manifest: Manifest, config: Path) -> Settings:
    kept = manifest.one("settings")
    if kept is None:
        raise ConfigError("the backup holds no settings; name the file that is to be used with --config")
    text = opened(snapshot / kept.name, wanted.identity).decode()
    settings = build(tomllib.loads(text), config.parent)
    if not wanted.drill:
        return settings
    inside = build(tomllib.loads(drills.moved(text, config.parent)), config.parent)
    return inside.model_copy(update={"ledger": settings.ledger})  # which is followed, where it is


def _refuse_outside(one: _Restore) -> None:
    """A drill writes nothing outside of its folder, and a ledger needs one that is there. Raises ConfigError."""
    folder, database, ledger = (
        one.config.parent,
        one.settings.database_path,
        one.settings.path(one.settings.ledger.file),
    )
    if one.wanted.drill and not database.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"database.url: {database} lies outside of {folder}, where a drill writes nothing; put settings with "
            "another database.url into that folder, and name their file with --config"
        )
    if not one.wanted.drill and ledger.parent != folder and not ledger.parent.is_dir():
        raise ConfigError(f"ledger.file: there is no folder {ledger.parent}; make it, or mount its disk")


@contextlib.contextmanager
def _leaving_nothing(settings: Settings) -> Iterator[None]:
    """What was made for a restore that did not come about is taken away again, unless some of it is in its place."""
    folder, lock = settings.database_path.parent, settings.serving_path
    made, was_locked = [one for one in (folder, *folder.parents) if not one.exists()], lock.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        if not restoring(settings).exists():
            if not was_locked:
                lock.unlink(missing_ok=True)
            for one in made:
                with contextlib.suppress(OSError):  # something else was put there meanwhile
                    one.rmdir()
        raise


def _refuse_over_what_lives(one: _Restore) -> None:
    """Raises ConfigError where anything is that the restore would replace."""
    path, spool = one.settings.database_path, one.settings.spool_path
    if one.staging.exists():  # an earlier restore did not come to its end: what is there is its own
        for log in _LOGS:
            path.with_name(path.name + log).unlink(missing_ok=True)
        shutil.rmtree(spool, ignore_errors=True)
    lives = [path.with_name(path.name + log) for log in _LOGS if path.with_name(path.name + log).exists()]
    lives += [spool] if spool.is_dir() and any(spool.iterdir()) else []
    for kept in one.manifest.files:
        place = one.place_of(kept)
        if kept.kind not in ("database", "settings") and place.exists():
            same = place.read_bytes() == opened(one.snapshot / kept.name, one.wanted.identity)
            lives += [] if same else [place]
    if lives:
        raise ConfigError(
            f"{lives[0]} is there already; restore into a folder where no gateway is. Nothing was written"
        )


@contextlib.contextmanager
def _staging(one: _Restore) -> Iterator[None]:
    shutil.rmtree(one.staging, ignore_errors=True)
    for folder in (one.staging, one.spool, one.staging / "files"):
        folder.mkdir(mode=0o700)
    try:
        yield
    except BaseException:
        if not (one.staging / PLACING).exists():
            shutil.rmtree(one.staging, ignore_errors=True)
        raise


def _restored(one: _Restore) -> Restored:
    manifest, now = one.manifest, the_clock().now()
    for kept in manifest.files:
        _copy(one.snapshot / kept.name, one.database if kept.kind == "database" else one.staged(kept), one)
    if one.wanted.drill and (text := manifest.one("settings")):
        file = one.staged(text)
        file.write_text(drills.moved(file.read_text("utf-8"), one.config.parent), "utf-8")
    keys = _keys(one)
    if not manifest.is_ours(keys):
        raise DamagedBackup("manifest.json is not as a gateway with these keys has signed it")
    own, since = ledger_of(one.settings, keys), LedgerPosition.read(manifest.ledger or "0")
    found = _followed(one, own, since)
    result = Restored(name_of(manifest.at), one.config, manifest, found)
    comeback = Comeback(one.database, one.settings, keys, now)
    content = BackedUpContent(one.wanted.folder, manifest, one.wanted.identity, one.damaged)
    lines = [line for line in found.known.lines if line.number > since.number] if found else []
    result.replayed = bring_up(comeback, lines, content, _sent(one.wanted.hop_log))
    _take_content(one)
    position = _go_on(one, own, found, since, now)
    how = How(without_ledger=found is None, as_drill=one.wanted.drill)
    result.last_number = settle(comeback, result.snapshot, position, how)
    spooled = SpooledContent(one.spool)
    left = [*returned_keys(comeback, lines), *lost_holds(comeback, lines), *_about_ledger(one.wanted, found)]
    result.opened = opened_in(one.settings, one.database, manifest, keys, spooled, one.step)
    close_log(one.database)
    result.by_hand = left + _put_in_place(one, own, now)
    return result


def _keys(one: _Restore) -> Keys:
    """The keys from the backup, or else those that the settings name."""
    kept = one.manifest.one("keys")
    settings = one.settings
    if kept:
        keys = settings.keys.model_copy(update={"file": str(one.staged(kept))})
        settings = settings.model_copy(update={"keys": keys})
    return keys_of(settings)


# ---------------------------------------------------------------------------------------------------------- the ledger


def _followed(one: _Restore, own: ChainedLedger, since: LedgerPosition) -> Followed | None:
    """The ledger to be followed; None where it was said that there need be none. Raises ConfigError."""
    try:
        return followed(own, one.wanted.ledger, since)
    except ConfigError as error:
        if one.wanted.without_ledger:
            return None
        raise ConfigError(f"{error}. Name it with --ledger; --without-ledger goes on, but {_AFTER}") from error


def _about_ledger(wanted: Wanted, found: Followed | None) -> list[str]:
    """What is to be said where another ledger was followed than the one that was named."""
    if found is None or wanted.ledger is None or found.file == wanted.ledger:
        return []
    return [f"see why {wanted.ledger} tells less than {found.file}, which was followed in its place"]


def _go_on(
    one: _Restore, own: ChainedLedger, found: Followed | None, since: LedgerPosition, now: datetime
) -> LedgerPosition:
    """The ledger goes on in the restored gateway: the restore is a line of it. A drill's goes on nowhere."""
    if one.wanted.drill:
        return found.known.end if found else since
    staged = own.at(one.ledger)
    if found is None:
        staged.begin(since, now, Gap.LOST)
    else:
        staged.take_from(found.file, now)
    return staged.append([LedgerEntry(at=now, kind=LedgerKind.RESTORED, subject=name_of(one.manifest.at))])


def _sent(log: Path | None) -> set[tuple[str, str]]:
    if log is None:
        return set()
    with log.open(encoding="utf-8", errors="replace") as lines:
        return hop_log.sent_mails(lines)


# ----------------------------------------------------------------------------------------------------------- the files


def _take_content(one: _Restore) -> None:
    """Only what is still named now that the ledger was followed."""
    named = [str(row[0]) for row in look(one.database, "SELECT id FROM content WHERE inline IS NULL")]
    there = [name for name in named if name in one.manifest.content and name not in one.damaged]
    for number, name in enumerate(there, 1):
        _copy(content_file(one.wanted.folder, one.manifest, name), one.spool / name, one)
        one.step("content", number, len(there))
    sync_folder(one.spool)


def _copy(source: Path, target: Path, one: _Restore) -> None:
    with source.open("rb") as file, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as to:
        decrypt(file, to, one.wanted.identity, source.name)
        to.flush()
        os.fsync(to.fileno())


def _put_in_place(one: _Restore, own: ChainedLedger, now: datetime) -> list[str]:
    """Until the last step, the folder that is left keeps the gateway from being served. What is left to do by hand."""
    by_hand = []
    (one.staging / PLACING).touch()
    if one.ledger.exists():
        own.at(own.file).take_from(one.ledger, now)
    path, spool = one.settings.database_path, one.settings.spool_path
    for kept in one.manifest.files:
        place = one.place_of(kept)
        if kept.kind == "database" or place.exists():
            continue
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(one.staged(kept), place)
        if Path(kept.path).is_absolute() and kept.kind != "settings":
            by_hand.append(f"{place} belongs to {kept.path}: put it there, or write its new place into {one.config}")
    if spool.is_dir():
        spool.rmdir()
    one.spool.rename(spool)
    one.database.rename(path)
    for folder in {path.parent, one.config.parent}:
        sync_folder(folder)
    shutil.rmtree(one.staging)
    sync_folder(path.parent)
    return by_hand
