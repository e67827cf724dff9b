"""What `gateway check` says of the ledger and of backups."""

from collections.abc import Callable

from gateway.admin import drills
from gateway.admin.access import ask
from gateway.admin.checks.finding import Finding, ok, warning
from gateway.admin.ledger import astray, compared, ledger_of, restored_without
from gateway.config.settings import Settings
from gateway.database import database_of
from gateway.flow.context import Context
from gateway.flow.upkeep import backups
from gateway.store.ledger import ChainedLedger


def about_ledger(settings: Settings) -> Finding:
    return _looked(settings, _ledger, "ledger")


def about_backup(settings: Settings) -> Finding:
    return _looked(settings, _backup, "backup")


def _looked(settings: Settings, look: Callable[[Context, Settings], str], what: str) -> Finding:
    found = ask(settings, lambda ctx: look(ctx, settings)) if database_of(settings).is_there() else ""
    said, _, do = found.partition("; ")
    return warning(what, said, do) if found else ok(what)


def _ledger(ctx: Context, settings: Settings) -> str:
    """What is not as it should be; "" for nothing. Raises OSError."""
    file = ledger_of(settings, ctx.keys)
    if drills.said(ctx.tx):
        return "a drill keeps none"
    if fault := compared(ctx.tx, file):
        return f"{file.file}: {fault}"
    if day := restored_without(ctx.tx):
        return f"on {day} a backup was restored without its ledger: what had been destroyed may have come back"
    return _copies(file)


def _copies(file: ChainedLedger) -> str:
    if not file.copies:
        return "it lies on one disk; name a file on another one in ledger.copies"
    if copies := astray(file):
        return "; ".join(what for _, what in copies)
    if nowhere := [copy.parent for copy in file.copies if not copy.parent.is_dir()]:
        return f"there is no folder {nowhere[0]}; make it, or name another place in ledger.copies"
    behind = [copy for copy in file.copies if not copy.exists() or copy.stat().st_size != file.file.stat().st_size]
    if behind:
        return f"{behind[0]} is not a copy of it (ledger.copies); a gateway that serves makes it: look at its log"
    return ""


def _backup(ctx: Context, settings: Settings) -> str:
    """What is not as it should be; "" for nothing."""
    left = settings.path("gateway.recovery")
    if settings.backup.recovery_key and left.exists():
        return f"{left} lies on this machine; move it to a safe place elsewhere: whoever has it can read all backups"
    if settings.has_nodes:
        return ""  # taken by the server's own tools, of which nothing is known here
    last = backups.last(ctx.tx)
    if last is None:
        return "none was taken yet; have gateway backup run each day"
    return (
        f"the last one is of {last:%Y-%m-%d %H:%M} UTC; have it run each day" if ctx.now - last > backups.LATE else ""
    )
