"""Waiting for what passes: to start, a full disk or a database that is busy; for an administrator, another process."""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from gateway.edge.run.notify import notify
from gateway.errors import StoreBusy, StoreFull

R = TypeVar("R")
log = structlog.get_logger()


def until(is_so: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
    """Ask again and again, for so long; whether it was so in the end."""
    end = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < end:
        time.sleep(pause)
    return so


def patiently(prepare: Callable[[], R], seconds: float = 2.0) -> R:
    """Prepare as soon as that can be: a disk that is full, or a database that cannot be used now, is waited for.

    Each reason is told once, in a line for an administrator. Raises what only they can mend.
    """
    told = ""
    while True:
        try:
            return prepare()
        except StoreFull:
            what = "there is no room on the disk"
        except StoreBusy as trouble:
            what = f"the database cannot be used now: {trouble}"
        except OSError as trouble:
            if trouble.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            what = "there is no room on the disk"
        if what != told:
            log.warning("waiting to start", reason=what)
            notify(f"STATUS=waiting: {what}")
        told = what
        time.sleep(seconds)
