"""`--fix`: small repairs in place that destroy nothing; each is audited."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.admin.access import do
from gateway.admin.doctor.findings import Finding
from gateway.config.settings import Settings
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model import Delivery, Invitation, Meta
from gateway.domain.model_search import SearchEntry
from gateway.flow.context import Context
from gateway.flow.invitations import invite
from gateway.store.mending import remake_index


def fix(settings: Settings, finding: Finding) -> str:
    """Mend what was found; "" if it is done, else why not. Raises as `access.do`."""
    try:
        FIXES[finding.kind](settings, finding)
    except (sqlite3.DatabaseError, OSError) as error:
        return str(error)
    return ""


def _close(_: Settings, finding: Finding) -> None:
    """Take from others the right to read."""
    place = Path(finding.where)
    for one in [place, *(place.iterdir() if place.is_dir() else ())]:
        one.chmod(0o700 if one.is_dir() else 0o600)


def _index(settings: Settings, finding: Finding) -> None:
    remake_index(settings.database_path, finding.where)
    do(settings, lambda ctx: ctx.audit(ADMINISTRATOR, Act.MENDED, finding.where, "index"))


def _row(table: type, change: Callable[[Context, Any], None]) -> Callable[[Settings, Finding], None]:
    """A change of the row that the finding names, if it is still there."""

    def mend(settings: Settings, finding: Finding) -> None:
        def work(ctx: Context) -> None:
            row = ctx.tx.get(table, int(finding.where.split()[-1]))
            if row is not None:
                change(ctx, row)
                ctx.audit(ADMINISTRATOR, Act.MENDED, finding.where, str(finding.kind))

        do(settings, work)

    return mend


def _due(ctx: Context, row: Invitation) -> None:
    ctx.tx.put(replace(row, due_at=invite.planned(ctx, row)))


def _lease(ctx: Context, row: Delivery) -> None:
    ctx.tx.put(replace(row, lease_until=None))


def _note(ctx: Context, row: Meta) -> None:
    ctx.tx.remove(Meta, id=row.id)


def _entry(ctx: Context, row: SearchEntry) -> None:
    ctx.tx.put(replace(row, sealed=None, whole=False))


FIXES: dict[str, Callable[[Settings, Finding], None]] = {
    "keys-open": _close,
    "open-to-others": _close,
    "schema-index": _index,
    "schema-other-index": _index,
    "index-pages": _index,
    "due": _row(Invitation, _due),
    "lease": _row(Delivery, _lease),
    "meta": _row(Meta, _note),
    "search-entry": _row(SearchEntry, _entry),
}
