"""What the audit hears of a reload of the settings: which keys, and nothing of their values."""

import re
from collections.abc import Iterable, Sequence

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.flow.context import Context

SUBJECT, PLACE = "the settings", "SIGHUP"
MOST = 40
"""How many keys a row names; it counts all."""
_KEY = re.compile(r"[a-z_]{1,40}(?:\.[a-z0-9_]{1,40}){0,2}")


def taken(ctx: Context, changed: Sequence[str], waiting: Sequence[str]) -> None:
    """These keys are gone by from now on; those that wait for a restart have changed in the file alone."""
    waits = f"; waits for a restart: {_listed(waiting)}" if waiting else ""
    ctx.audit(ADMINISTRATOR, Act.RELOADED, SUBJECT, f"{_listed(changed)}{waits}")


def refused(ctx: Context, keys: Sequence[str]) -> None:
    """Nothing was taken, for the fault of these keys."""
    ctx.audit(ADMINISTRATOR, Act.RELOAD_REFUSED, SUBJECT, _listed(keys))


def at_fault(lines: Iterable[str]) -> list[str]:
    """The keys that lines of faults begin with, each once; "file" for whatever else is wrong."""
    heads = (line.partition(": ")[0] for line in lines)
    return list(dict.fromkeys(head if _KEY.fullmatch(head) else "file" for head in heads))


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - MOST} more" if len(keys) > MOST else ""
    return ", ".join(keys[:MOST]) + more or "nothing"
