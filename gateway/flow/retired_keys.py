"""Which links of invitations are dead because the key that they were made under was retired.

A link shows its key, but what was mailed is not kept. So it is known from when on all are made under a key that lives:
the time at which the key that was current at the last retirement had become so.
"""

from datetime import datetime

from gateway.flow import meta
from gateway.flow.context import Context
from gateway.ports import Tx

_CURRENT_SINCE = "current key since"
_DEAD_BEFORE = "links dead before"


def note_current(ctx: Context) -> None:
    """Another key is the current one from now on."""
    meta.put(ctx.tx, _CURRENT_SINCE, ctx.now.isoformat().encode())


def note_retired(ctx: Context) -> None:
    """An older key opens nothing any more."""
    since = meta.instant(ctx.tx, _CURRENT_SINCE) or ctx.now
    meta.put(ctx.tx, _DEAD_BEFORE, since.isoformat().encode())


def dead_before(tx: Tx) -> datetime | None:
    """Links that were mailed before are dead; None where no key was ever retired."""
    return meta.instant(tx, _DEAD_BEFORE)


def would_be_dead_before(ctx: Context) -> datetime:
    """The same, once an older key will have been retired."""
    return meta.instant(ctx.tx, _CURRENT_SINCE) or ctx.now
