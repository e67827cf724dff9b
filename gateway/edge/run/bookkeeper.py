"""Keeping the ledger: what was destroyed goes from the database into its file, and so does what was sent.

What was sent is gathered here and written each second: no mail waits for it, and none costs a transaction.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from gateway.domain.ledger import LedgerKind, LedgerPosition
from gateway.domain.model import Delivery
from gateway.domain.model_records import LedgerEntry
from gateway.flow import ledger
from gateway.flow.context import Desk
from gateway.flow.upkeep import backups

log = structlog.get_logger()

MAILS_IN_A_LINE = 100
NOTE_EVERY = timedelta(minutes=1)
"""How often the database hears how far the file has come, where nothing is destroyed meanwhile."""

SLACK = timedelta(days=1)
"""How far behind the file the database may have been when a backup was taken of it."""


class Bookkeeper:
    """Writes to the ledger's file; a file that cannot be written to is said once, and holds up no mail."""

    def __init__(self, desk: Desk, file: ledger.LedgerFile) -> None:
        self._desk = desk
        self._file = file
        self._sent: list[Delivery] = []
        self._noted: datetime | None = None
        self._has_failed = False

    def sent(self, deliveries: Iterable[Delivery]) -> None:
        """A hop has taken these."""
        self._sent += deliveries

    async def write_down(self) -> None:
        """Write what was sent into the file. Each process does that for itself."""
        sent, self._sent = self._sent, []
        groups = [sent[start : start + MAILS_IN_A_LINE] for start in range(0, len(sent), MAILS_IN_A_LINE)]
        lines = [" ".join(str(ledger.sent(self._desk.keys, one)) for one in group) for group in groups]
        now = self._desk.clock.now()
        entries = [LedgerEntry(at=now, kind=LedgerKind.SENT, subject=line) for line in lines]
        if entries and await self._append(entries) is None:
            self._sent = sent + self._sent

    async def keep(self) -> None:
        """Move what waits in the database, for all processes. Raises StoreBusy, StoreFull."""
        while rows := await self._desk.ask(lambda ctx: ledger.waiting(ctx.tx)):
            position = await self._append(rows)
            if position is None:
                return
            await self._moved([row.id for row in rows], position)
            self._noted = self._desk.clock.now()
        now = self._desk.clock.now()
        if self._noted is None or abs(now - self._noted) >= NOTE_EVERY:
            self._noted = now
            position = await self._append([])
            if position and position != await self._desk.ask(lambda ctx: ledger.position(ctx.tx, self._file.of)):
                await self._moved([], position)

    async def forget(self, days: int) -> None:
        """Leave out what is older than so many days, and than the last backup, which needs it. Raises OSError."""
        before = self._desk.clock.now() - timedelta(days=days)
        last = await self._desk.ask(lambda ctx: backups.last(ctx.tx))
        await asyncio.to_thread(self._file.forget, min(before, last - SLACK) if last else before)

    async def _moved(self, ids: Sequence[int], position: LedgerPosition) -> None:
        await self._desk.do(lambda ctx: ledger.moved(ctx.tx, ids, position, self._file.of))

    async def _append(self, entries: Sequence[LedgerEntry]) -> LedgerPosition | None:
        try:
            position = await asyncio.to_thread(self._file.append, entries)
        except OSError as error:
            if not self._has_failed:
                log.error("the ledger cannot be written to; what it is to be told waits", error=str(error))
            self._has_failed = True
            return None
        self._has_failed = False
        return position
