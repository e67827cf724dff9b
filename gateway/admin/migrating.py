"""Bringing a database to the schema of this gateway, as `gateway migrate` does it: looked at, tried, backed up."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.admin.access import do
from gateway.admin.backup import Step, back_up
from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.edge.run.clock import the_clock
from gateway.edge.run.supervisor import is_in_use, sole_use
from gateway.errors import ConfigError, StoreDamaged
from gateway.flow.upkeep import backups
from gateway.prepare import check_at_hand, check_writable
from gateway.store.connections import damage_of, open_database
from gateway.store.migrations import migrate
from gateway.store.snapshot import copy_database, private_copy, wipe_left

FRESH = timedelta(days=1)
"""How old a backup may be that was taken before."""
KEEP = 30
"""Days for which the snapshots in the backups' folder are kept, as `gateway backup` has it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: from which schema, and each step's number and title."""

    schema: int
    steps: Sequence[tuple[int, str]]
    last_backup: datetime | None

    @property
    def newest(self) -> int:
        """The schema that there will be."""
        return self.schema + len(self.steps)


def plan(settings: Settings) -> Plan:
    """Look, and change nothing. Raises ConfigError where the schema is newer than ours, StoreBusy, StoreDamaged."""
    check_at_hand(settings)
    database = database_of(settings)
    if not database.is_there():
        raise ConfigError(f"database.url: there is no {database.name}; the first start makes it")
    return Plan(database.schema(), database.pending(), database.read_once(backups.last))


def try_on_a_copy(settings: Settings) -> None:
    """Do it to a copy beside the database, which is wiped afterwards; also beside a gateway that serves.

    Raises ConfigError where there is no room for it, StoreBusy, StoreFull, StoreDamaged.
    """
    if settings.has_nodes:
        raise ConfigError(
            "--dry-run: copies of a PostgreSQL database are made by its own tools; what is to do is above"
        )
    live = settings.database_path
    needed = 2 * live.stat().st_size
    if shutil.disk_usage(live.parent).free < needed:
        raise ConfigError(f"database.url: a copy to try it on needs {needed // 1_000_000} MB of room beside {live}")
    with private_copy(live) as copy:
        copy_database(live, copy)
        database = open_database(copy)
        migrate(database)
        _see_that_it_is_whole(copy)


def check_backed_up(settings: Settings, found: Plan) -> None:
    """Raises ConfigError where no backup is fresh enough to go back to."""
    if settings.has_nodes:
        raise ConfigError(
            "a backup of a PostgreSQL database is taken by its own tools (docs/nodes.md): take one, and run this again "
            "with --no-backup. Nothing was changed"
        )
    if found.last_backup is None or the_clock().now() - found.last_backup > FRESH:
        raise ConfigError(
            "no backup was taken within the last day, and there is no way back from a migration without one: name the "
            "folder of your backups with --backup DIR, or go without by --no-backup. Nothing was changed"
        )


def carry_out(settings: Settings, config: Path, found: Plan, backup_to: Path | None, step: Step) -> None:
    """Back up if that is asked for, migrate, and look whether all is whole; nobody may serve from a file meanwhile.

    Raises ConfigError, WrongKey, StoreBusy, StoreFull, StoreDamaged, OSError.
    """
    said = f"schema {found.schema} to {found.newest}"
    if settings.has_nodes:
        database_of(settings).migrate()
        do(settings, lambda ctx: ctx.audit(ADMINISTRATOR, Act.MIGRATED, "the database", said))
        return
    if is_in_use(settings.serving_path):
        raise ConfigError("this gateway serves now: stop it first (systemctl stop gateway). Nothing was changed")
    check_writable(settings)
    with sole_use(settings.serving_path, patience=0):
        if backup_to:
            back_up(settings, config, backup_to, KEEP, step, is_noted=False)  # an older schema may have no place for it
        wipe_left(settings.database_path)
        migrate(open_database(settings.database_path))
        _see_that_it_is_whole(settings.database_path)
        do(settings, lambda ctx: ctx.audit(ADMINISTRATOR, Act.MIGRATED, "the database", said))


def _see_that_it_is_whole(path: Path) -> None:
    if damage := damage_of(open_database(path)):
        raise StoreDamaged(damage)
