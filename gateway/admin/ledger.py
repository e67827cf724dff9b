"""The ledger beside its database: opened, compared, taken up where an earlier run has left it."""

from collections.abc import Callable
from datetime import datetime
from errno import EDQUOT, EIO, ENOSPC
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gateway.config.settings import Settings
from gateway.domain.ledger import Gap, Ledger, LedgerPosition
from gateway.domain.model import Meta
from gateway.errors import ConfigError, StoreFull
from gateway.flow import ledger, meta
from gateway.ports import Keys, Tx
from gateway.store.databases import Database
from gateway.store.ledger import ChainedLedger
from gateway.store.ledger_copy import beyond

log = structlog.get_logger()

WITHOUT = "restored without its ledger"
"""When a backup was restored that no ledger could be followed for."""


def ledger_of(settings: Settings, keys: Keys) -> ChainedLedger:
    """The ledger that the settings name."""
    own = settings.ledger
    return ChainedLedger(settings.path(own.file), keys, list(map(settings.path, own.copies)), settings.node)


def compared(tx: Tx, file: ChainedLedger) -> str:
    """What is wrong with the ledger, beside the database that has told it things; "" where nothing is.

    An older ledger, one with lines that were altered or taken out, and one of another database are named as such.
    Raises OSError, but not where there is none.
    """
    return _fault(file, ledger.position(tx, file.of))


def take_up(database: Database, file: ChainedLedger, now: datetime) -> ChainedLedger:
    """Go on with the ledger where an earlier run has left it: what waits in the database is written down.

    A ledger that was lost or is an older one is taken from a copy that is not; else that is said, in it as well, and it
    goes on. Raises ConfigError, StoreBusy, StoreFull.
    """
    try:
        _mend(file, database.read_once(partial(ledger.position, of=file.of)), now)
        write_down(database.read_once, database.write_once, file)
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT, EIO):
            raise StoreFull(str(error)) from error
        raise ConfigError(f"ledger.file: {file.file} cannot be written to ({error.strerror})") from error
    return file


def write_down(read: Callable[..., Any], write: Callable[..., Any], file: ChainedLedger) -> None:
    """Move what waits in the database into the ledger, by these transactions. Raises StoreBusy, StoreFull, OSError."""
    while rows := read(ledger.waiting):
        if not file.file.exists():  # or what follows would be numbered from 1 on, and nobody would miss the rest
            _mend(file, read(partial(ledger.position, of=file.of)), rows[0].at)
        position, ids = file.append(rows), [row.id for row in rows]
        write(partial(ledger.moved, ids=ids, position=position, of=file.of))
    file.append([])  # so that it is there, and its copies are


def astray(file: ChainedLedger) -> list[tuple[Path, str]]:
    """The copies that tell something else than the ledger, or more, each with what is wrong and what to do.

    Nothing is ever written to them. Raises OSError.
    """
    own = file.read() if file.file.exists() else Ledger()
    found = [(copy, beyond(own, file.at(copy).read())) for copy in file.copies if copy.exists() and copy.stat().st_size]
    return [
        (
            copy,
            f"{copy} is no copy of {file.file}: {fault}. It is left as it is. If this gateway is a drill, name another "
            "place in ledger.copies; otherwise move that file away by hand, and a new copy is made",
        )
        for copy, fault in found
        if fault
    ]


def note_without(tx: Tx, now: datetime) -> None:
    """A backup was restored without a ledger: what was destroyed since may have come back."""
    meta.put(tx, WITHOUT, now.date().isoformat().encode())


def restored_without(tx: Tx) -> str:
    """On which day that was; "" if never."""
    known = tx.one(Meta, name=WITHOUT)
    return known.value.decode() if known else ""


def _mend(file: ChainedLedger, position: LedgerPosition, now: datetime) -> None:
    """Where the ledger does not tell all up to here, take it from a copy that does; else it goes on behind a gap."""
    _take_longer_copy(file, position, now)
    if fault := _fault(file, position):
        log.error("the ledger does not tell all that happened", file=str(file.file), fault=fault)
        file.begin(position, now, Gap.LOST)


def _take_longer_copy(file: ChainedLedger, position: LedgerPosition, now: datetime) -> None:
    """Where a copy tells all that the file does, and more, as when the file's disk is a new one, it takes its place."""
    own = file.read() if file.file.exists() else Ledger()
    size = file.file.stat().st_size if file.file.exists() else 0
    for copy in file.copies:
        if not copy.exists() or (copy.stat().st_size <= size and not own.lacks(position)):
            continue
        known = file.at(copy).read()
        tells_more = known.end.number > own.end.number or bool(own.fault)
        if tells_more and not known.lacks(position) and not known.leaves_out(Ledger(own.lines)):
            log.warning("the ledger is taken from its copy, which tells more", copy=str(copy))
            file.take_from(copy, now)
            return


def _fault(file: ChainedLedger, position: LedgerPosition) -> str:
    if not file.file.exists():
        return f"there is none, and line {position.number} had been written" if position.number else ""
    return file.read().lacks(position)
