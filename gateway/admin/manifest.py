"""What lies in a backup's folder, and where.

`content/` holds the content of messages: each file is written once, and shared by all snapshots. What a snapshot has
for itself is in `snapshots/<time>/`: database, settings, keys, and `manifest.json`, which says what all of it is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__
from gateway.admin.recovery import SUFFIX, Stored
from gateway.errors import BadPlace, ConfigError, DamagedBackup
from gateway.ports import Keys

FORMAT = 1
UNFINISHED = ".tmp"
_STAMP = "%Y-%m-%dT%H-%M-%S.%fZ"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a snapshot: how it is called there, what it is, and where it belongs.

    `kind` is database, settings, keys or other. `path` is where it belongs, from the settings' folder, or absolute.
    """

    name: str
    kind: str
    path: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is. `destroyed` are contents that were destroyed while it was taken, `missing` are lost ones."""

    at: datetime
    encrypted: bool
    schema: int
    ledger: str
    counts: Mapping[str, int]
    files: Sequence[Kept]
    content: Mapping[str, Stored]
    destroyed: Sequence[str] = ()
    missing: Sequence[str] = ()
    made_by: str = __version__
    format: int = FORMAT
    mac: str = field(default="", compare=False)

    @property
    def suffix(self) -> str:
        return SUFFIX if self.encrypted else ""

    def one(self, kind: str) -> Kept | None:
        return next((one for one in self.files if one.kind == kind), None)

    @property
    def database(self) -> Kept:
        """Raises ConfigError where there is none."""
        found = self.one("database")
        if found is None:
            raise ConfigError("the manifest names no database; take an older snapshot with --at")
        return found

    def signed(self, keys: Keys) -> "Manifest":
        return replace(self, mac=_mac(self, keys))

    def is_ours(self, keys: Keys) -> bool:
        """Whether it is as a gateway with these keys has written it."""
        return _mac(self, keys) == self.mac

    def text(self) -> str:
        return json.dumps(_plain(self), indent=1)


def _mac(manifest: Manifest, keys: Keys) -> str:
    return keys.digest("backup", json.dumps(_plain(replace(manifest, mac="")), sort_keys=True).encode()).hex()


def _plain(manifest: Manifest) -> dict[str, object]:
    return {**asdict(manifest), "at": manifest.at.isoformat()}


def read_manifest(snapshot: Path) -> Manifest:
    """Raises DamagedBackup, and ConfigError for one of a newer gateway."""
    try:
        said = json.loads((snapshot / "manifest.json").read_text("utf-8"))
        if said["format"] > FORMAT:
            raise ConfigError(f"{snapshot}: a newer gateway has made it ({said['made_by']}); restore it with that one")
        files = [Kept(**one | {"stored": Stored(**one["stored"])}) for one in said["files"]]
        content = {name: Stored(**one) for name, one in said["content"].items()}
        at = datetime.fromisoformat(said["at"])
        _refuse_ways_out([*content, *(one.name for one in files)], [one.path for one in files])
        return Manifest(**said | {"at": at, "files": files, "content": content})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise DamagedBackup(f"{snapshot / 'manifest.json'} cannot be read ({why}); take another with --at") from error


def _refuse_ways_out(names: Sequence[str], paths: Sequence[str]) -> None:
    """No manifest, whoever wrote it, has a file be written outside of where it belongs. Raises ValueError."""
    for name in names:
        if Path(name).name != name:
            raise ValueError(f"{name!r} is no name of a file")
    for path in paths:
        if ".." in Path(path).parts:
            raise ValueError(f"{path!r} leads out of the folder")


def name_of(at: datetime) -> str:
    """How a snapshot's folder is called; names are ordered as the snapshots are."""
    return at.astimezone(UTC).strftime(_STAMP)


def taken_at(snapshot: Path) -> datetime:
    """Raises ValueError."""
    return datetime.strptime(snapshot.name, _STAMP).replace(tzinfo=UTC)


def snapshots(folder: Path) -> list[Path]:
    """Those that are whole, the oldest first."""
    place = folder / "snapshots"
    return sorted(one for one in place.iterdir() if _is_snapshot(one)) if place.is_dir() else []


def _is_snapshot(path: Path) -> bool:
    try:
        taken_at(path)
    except ValueError:
        return False
    return path.is_dir()


def chosen(folder: Path, at: datetime | None) -> Path:
    """The newest snapshot, or the newest that is no later than this. Raises BadPlace."""
    found = [one for one in snapshots(folder) if at is None or taken_at(one) <= at]
    if not found:
        raise BadPlace(f"{folder}: there is no snapshot{f' of {at:%Y-%m-%d %H:%M} UTC or before' if at else ''}")
    return found[-1]


def content_file(folder: Path, manifest: Manifest, content_id: str) -> Path:
    """Where a content lies."""
    return folder / "content" / (content_id + manifest.suffix)
