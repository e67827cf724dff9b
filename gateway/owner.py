"""Whose a file is that root makes beside the service: it has to be able to read it, and to write it the next day."""

import contextlib
import os
from pathlib import Path


def give(made: int | Path, like: Path) -> None:
    """Give what root has just made, a folder or an open file, to the user and group that `like` belongs to.

    For everybody but root nothing changes. Nor does it where the disk knows no owners, or is another machine's.
    """
    if os.geteuid() != 0:
        return
    of = like.stat()
    with contextlib.suppress(PermissionError):
        os.chown(made, of.st_uid, of.st_gid, **({} if isinstance(made, int) else {"follow_symlinks": False}))


def open_owned(path: str | Path, flags: int) -> int:
    """Open a file, or make it, with `os.O_CREAT`, for whoever its folder belongs to and nobody else. Raises OSError.

    What was there stays with its owner: root must not give away what a link of somebody's in that folder leads to.
    """
    if not flags & os.O_CREAT:
        return os.open(path, flags)
    try:
        file = os.open(path, flags | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags, 0o600)
    give(file, Path(path).parent)
    return file


def make_folder(folder: Path, like: Path | None = None) -> None:
    """Make a folder for the owner of the one around it, or of `like`, unless it is there. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        give(folder, like or folder.parent)
