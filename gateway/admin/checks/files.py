"""Files that the settings name: who else can read or write them."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.config.changes import named_files
from gateway.config.settings import Settings

SECRET = re.compile(r"(?:password|secret|token|key|users)_file$|tls_key$")
"""Keys whose file must be its owner's alone. That of keys.file has checks of its own."""


async def files(settings: Settings) -> list[Finding]:
    found = [*_secrets(settings), *_kept(settings), *_heads(settings)]
    return found or [ok("files", "nobody else can read what is secret")]


def _secrets(settings: Settings) -> Iterator[Finding]:
    for key, file in named_files(settings).items():
        if SECRET.search(key) and file.is_file() and (others := _others(file)):
            yield warning(key, f"others can {others} {file}", f"chmod 600 {file}")


def _kept(settings: Settings) -> Iterator[Finding]:
    """The database, and what lies beside it."""
    own = () if settings.has_nodes else (settings.database_path, settings.spool_path)
    for place in (*own, settings.path(settings.ledger.file)):
        if place.exists() and (others := _others(place)):
            mode = "700" if place.is_dir() else "600"
            key = "ledger.file" if place.name == Path(settings.ledger.file).name else "database.url"
            yield warning(key, f"others can {others} {place}", f"chmod {mode} {place}")
    data, folder = settings.data_folder, settings.folder
    if data.exists() and data.stat().st_mode & stat.S_IWOTH:
        yield warning("database.url", f"everybody can replace files in {data}", f"chmod 700 {data}")
    if folder.exists() and folder != data and folder.stat().st_mode & stat.S_IWOTH:
        yield warning("settings", f"everybody can replace the settings in {folder}", f"chmod 755 {folder}")


def _heads(settings: Settings) -> Iterator[Finding]:
    """The file elsewhere that gets the heads of the audit's chain; it need not be there yet."""
    file = settings.heads_file
    if file is None:
        return
    if file.is_dir():
        yield fault("audit.heads_to", f"{file} is a folder", "name a file in it")
    elif not file.parent.is_dir():
        yield fault("audit.heads_to", f"there is no folder {file.parent}", "make it, or name a file elsewhere")
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        yield fault("audit.heads_to", f"{file} cannot be written to", "name a file that this user may write to")


def _others(place: Path) -> str:
    """What those can do with it who are neither its owner nor of its group."""
    mode = place.stat().st_mode
    return "write" if mode & stat.S_IWOTH else "read" if mode & stat.S_IROTH else ""
