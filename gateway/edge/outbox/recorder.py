"""What became of mails is recorded many at a time: what comes in while one transaction runs goes into the next."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from gateway.domain.model import Delivery
from gateway.edge.run.log_names import named_reader
from gateway.errors import TryAgain
from gateway.flow.context import Desk
from gateway.flow.outbound import deliver
from gateway.flow.outbound.deliver import DeliveryResult

log = structlog.get_logger()

MOST = 40
"""Results in one transaction."""
PAUSE = 1.0
"""Seconds before a store that had no time is asked again: to forget a result is to send its mail twice."""


class Recorder:
    """Records results; `recorded` is called with those that are done with, one way or the other, `sent` with the mails
    that a hop has taken, once that is recorded.
    """

    def __init__(
        self,
        desk: Desk,
        recorded: Callable[[Sequence[DeliveryResult]], None],
        sent: Callable[[Sequence[Delivery]], None] = lambda _: None,
    ) -> None:
        self._desk = desk
        self._recorded = recorded
        self._sent = sent
        self._results: list[DeliveryResult] = []
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    def add(self, results: Iterable[DeliveryResult]) -> None:
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

    async def _record(self, batch: Sequence[DeliveryResult]) -> None:
        try:
            became = await self._patiently(batch)
            self._sent([one for one, result in zip(became, batch, strict=True) if result.outcome.sent])
            self._tell(batch, became)
        except TryAgain as error:  # we are ending: they are sent again after the start
            log.error("what became of mails could not be recorded", deliveries=len(batch), error=str(error))
        except Exception as error:
            if len(batch) > 1:  # one of them spoils the transaction: each gets its own
                for result in batch:
                    await self._record([result])
            else:
                delivery = batch[0].delivery
                log.error("what became of a mail could not be recorded", delivery=delivery.id, exc_info=error)

    async def _patiently(self, batch: Sequence[DeliveryResult]) -> list[Delivery]:
        while True:
            try:
                return await self._desk.do(deliver.record_all, batch)
            except TryAgain as error:
                if self._ending:
                    raise
                log.warning("the store has no time to record what was sent; trying again", error=str(error))
                await asyncio.sleep(PAUSE)

    def _tell(self, batch: Sequence[DeliveryResult], recorded: Sequence[Delivery]) -> None:
        for result, became in zip(batch, recorded, strict=True):
            log.info(
                "sent" if result.outcome.sent else "not sent",
                delivery=became.id,
                queue_id=became.queue_id,
                kind=became.kind.value,
                notice=became.notice and became.notice.value,
                state=became.state.value,
                code=result.outcome.code,
                **named_reader(became.recipient),
            )
