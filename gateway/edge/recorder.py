"""What became of mails is recorded many at a time: what comes in while one transaction runs goes into the next."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from gateway.domain.model import Delivery
from gateway.errors import TryAgain
from gateway.flow import deliver
from gateway.flow.context import Desk
from gateway.flow.deliver import Result

log = structlog.get_logger()

MOST = 40
"""Results in one transaction."""
PAUSE = 1.0
"""Seconds before a store that had no time is asked again: to forget a result is to send its mail twice."""


class Recorder:
    """Records results; `recorded` is called with those that are done with, one way or the other."""

    def __init__(self, desk: Desk, recorded: Callable[[Sequence[Result]], None]) -> None:
        self._desk = desk
        self._recorded = recorded
        self._results: list[Result] = []
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    def add(self, results: Iterable[Result]) -> None:
        """Record these as soon as may be."""
        self._results += results
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def finish(self) -> None:
        """Wait until all is recorded; a store that has no time now is asked once more and no further."""
        self._ending = True
        if self._task:
            await self._task

    async def _run(self) -> None:
        try:
            while self._results:
                batch, self._results = self._results[:MOST], self._results[MOST:]
                await self._record(batch)
                self._recorded(batch)
        finally:
            self._task = None

    async def _record(self, batch: Sequence[Result]) -> None:
        try:
            self._tell(batch, await self._patiently(batch))
        except TryAgain as error:  # we are ending: they are sent again after the start
            log.error("what became of mails could not be recorded", deliveries=len(batch), error=str(error))
        except Exception as error:
            if len(batch) > 1:  # one of them spoils the transaction: each gets its own
                for result in batch:
                    await self._record([result])
            else:
                delivery = batch[0].delivery
                log.error("what became of a mail could not be recorded", delivery=delivery.id, exc_info=error)

    async def _patiently(self, batch: Sequence[Result]) -> list[Delivery]:
        while True:
            try:
                return await self._desk.do(deliver.record_all, batch)
            except TryAgain as error:
                if self._ending:
                    raise
                log.warning("the store has no time to record what was sent; trying again", error=str(error))
                await asyncio.sleep(PAUSE)

    def _tell(self, batch: Sequence[Result], recorded: Sequence[Delivery]) -> None:
        for result, became in zip(batch, recorded, strict=True):
            log.info(
                "sent" if result.outcome.sent else "not sent",
                delivery=became.id,
                kind=became.kind.value,
                notice=became.notice and became.notice.value,
                state=became.state.value,
                code=result.outcome.code,
            )
