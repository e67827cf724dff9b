"""The one sealer of the audit: batch after batch, each minute or when many rows wait, and what is left at the end."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.domain.audit_chain import MOST_ROWS
from gateway.errors import TryAgain
from gateway.flow.context import Desk
from gateway.flow.upkeep import chain, heads

log = structlog.get_logger()

SEAL_EVERY = 60.0
"""Seconds: for so long a row may lie open. Each batch takes a row of its own, so not with each commit."""
SETTLED = 2.0
"""Seconds after which hardly any transaction is still under way that has a number before those of rows seen then."""


class Sealer:
    """Makes batches of what was recorded; appends the newest head to a file elsewhere once a day, if one is named.

    Where several write at the same time, rows do not appear in the order of their numbers. A batch of the newest rows
    would be undone by each that appears among them, or undo it, and its work would have to be done again: `settles` is
    for how many seconds rows are left alone. Whichever is undone in the end, none is ever left out of the chain.
    """

    def __init__(
        self, desk: Desk, heads_file: Callable[[], Path | None] = lambda: None, *, settles: float = 0.0
    ) -> None:
        self._desk = desk
        self._heads_file = heads_file
        self._settles = settles
        self._seen: deque[tuple[float, int]] = deque()
        """When which row was the last one; the first of them is settled, if any is."""
        self._sealed_at = float("-inf")
        self._told = ""
        """The local day on which the file got its line, or could not."""

    async def look(self) -> None:
        """Seal if it is time; called each second. Raises StoreBusy, StoreFull."""
        ends = await self._desk.ask(chain.ends)
        upto = self._settled(ends.written)
        waiting = upto - ends.sealed
        if waiting >= MOST_ROWS or (waiting > 0 and time.monotonic() - self._sealed_at >= SEAL_EVERY):
            await self.seal(upto)
        if file := self._heads_file():
            await self._tell(file)

    def _settled(self, written: int) -> int:
        """The last row, as it was some seconds ago; 0 where we did not look then."""
        now = time.monotonic()
        self._seen.append((now, written))
        while len(self._seen) > 1 and now - self._seen[1][0] >= self._settles:
            self._seen.popleft()
        seen_at, number = self._seen[0]
        return number if now - seen_at >= self._settles else 0

    async def seal(self, upto: int = chain.LAST) -> None:
        """Seal all that there is up to this row. Raises StoreBusy, StoreFull."""
        while await self._desk.do_at_length(chain.seal, upto):
            pass
        self._sealed_at = time.monotonic()

    async def end(self) -> None:
        """Seal what is left, if the database can be written; else whoever serves it next does."""
        try:
            await self.seal()
        except TryAgain as error:
            log.warning("the newest rows of the audit are left to be sealed at the next start", error=str(error))

    async def _tell(self, file: Path) -> None:
        today = self._desk.today.isoformat()
        if today == self._told:
            return
        line = await self._desk.ask(heads.newest_line)
        self._told = today if line else ""
        try:
            if line:
                await asyncio.to_thread(_append, file, line, today)
        except OSError as error:
            log.error("the head of the audit could not be kept elsewhere: see audit.heads_to", error=str(error))


def _append(file: Path, line: str, today: str) -> None:
    """One line a day, on the disk on return: what a run before has written counts. Raises OSError."""
    written = file.read_text("utf-8").splitlines() if file.exists() else []
    if written and written[-1].startswith(today):
        return
    with file.open("a", encoding="utf-8") as out:
        out.write(f"{line}\n")
        out.flush()
        os.fsync(out.fileno())
