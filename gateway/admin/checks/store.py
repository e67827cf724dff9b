"""Keys, database, ledger, backups, disk."""

import asyncio
import shutil

from gateway.admin import drills
from gateway.admin.checks.finding import Finding, fault, ok, warning
from gateway.admin.keeping import about_backup, about_ledger
from gateway.admin.key_checks import key_warnings
from gateway.admin.sights import ENOUGH_ROOM
from gateway.admin.unfinished import refuse_unfinished
from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.domain.model import Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.prepare import check_at_hand, check_fits, check_writable, keys_of


async def keys(settings: Settings) -> list[Finding]:
    ring = keys_of(settings).ring
    warnings = await asyncio.to_thread(key_warnings, settings, ring)
    said = f"the current one is {ring.current}; losing them is losing the mail"
    return [ok("keys", said), *(warning("keys", *one.split("; ", 1)) for one in warnings)]


async def database(settings: Settings) -> list[Finding]:
    return await asyncio.to_thread(_database, settings)


def _database(settings: Settings) -> list[Finding]:
    kept = database_of(settings)
    check_writable(settings)
    check_at_hand(settings)
    if not kept.is_there():
        return [ok("database", f"{kept.name} will be made when serving starts")]
    ring = keys_of(settings)
    if damage := kept.damage():
        return [damaged(settings, damage)]
    kept.read_once(refuse_unfinished)
    kept.read_once(lambda tx: check_fits(tx, settings, ring))
    aside = kept.read_once(lambda tx: tx.count(Delivery, state=DeliveryState.QUARANTINED))
    if aside:
        said = f"{aside} mails were set aside: they could not be prepared for sending, or came back from their sender"
        return [fault("queue", said, "gateway queue list --set-aside shows them")]
    drill = kept.read_once(drills.said)
    return [warning("database", drill, "gateway serve refuses it") if drill else ok("database")]


def damaged(settings: Settings, why: object) -> Finding:
    said = f"{database_of(settings).name} is no database, or it is damaged ({why})"
    return fault("database.url", said, "restore it from a backup, or name the right file")


async def ledger(settings: Settings) -> list[Finding]:
    return [await asyncio.to_thread(about_ledger, settings)]


async def backup(settings: Settings) -> list[Finding]:
    return [await asyncio.to_thread(about_backup, settings)]


async def disk(settings: Settings) -> list[Finding]:
    folder = settings.data_folder
    if not folder.exists():  # which is said of the database
        return []
    space = shutil.disk_usage(folder)
    said = f"{space.free // 1_000_000} MB are free where {folder} lies"
    if space.free < ENOUGH_ROOM:
        return [fault("disk", f"only {said}, and mail is refused when it is full", "make room")]
    if space.free < space.total // 20:
        return [warning("disk", f"{said}, less than a twentieth", "make room")]
    return [ok("disk", said)]
