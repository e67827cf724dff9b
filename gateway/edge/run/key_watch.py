"""A serving process learns by itself that the site's keys were rotated or retired, and says which one it seals with."""

import asyncio

import structlog

from gateway.errors import ConfigError
from gateway.flow.context import Context, Desk
from gateway.flow.upkeep import key_use
from gateway.flow.upkeep.key_use import KeysInUse

log = structlog.get_logger()

LOOK_EVERY = 1
AGAIN = 10
"""After how many looks keys that could not be had, or are not the new ones yet, are read again."""


class KeyWatch:
    """Looks at what the database says of the keys in use; where that is news, the keys are read again."""

    def __init__(self, desk: Desk, worker: str) -> None:
        self._desk = desk
        self._worker = worker
        self._seen: KeysInUse | None = None
        self._told = ""
        self._patience = 0

    async def look(self) -> None:
        """Raises StoreBusy, StoreFull."""
        used = await self._desk.ask(_in_use)
        if used and self._is_news(used):
            await self._read_again()
        self._seen = used
        if self._told != self._desk.keys.current:
            await self._desk.do(key_use.serves, self._worker)
            self._told = self._desk.keys.current

    def _is_news(self, used: KeysInUse) -> bool:
        if self._seen is not None and used.marks != self._seen.marks:
            return True
        self._patience = (self._patience + 1) % AGAIN if used.current != self._desk.keys.current else 0
        return self._patience == 1

    async def _read_again(self) -> None:
        keys, before = self._desk.keys, self._desk.keys.current
        try:
            await asyncio.to_thread(keys.look_again)
        except ConfigError as error:
            log.error("the keys were rotated, and the new ones cannot be had", error=str(error))
        if keys.current != before:
            log.info("the keys were rotated: what is new is sealed under the new one", key=keys.current)


def _in_use(ctx: Context) -> KeysInUse | None:
    return key_use.in_use(ctx.tx)
