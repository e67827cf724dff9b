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
