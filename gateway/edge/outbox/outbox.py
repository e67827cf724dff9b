"""The outbox: mails are claimed many at a time, flow to their hops, and are recorded many at a time."""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from gateway.domain.model import Delivery
from gateway.domain.pace import Pace
from gateway.domain.vocabulary import DeliveryKind
from gateway.edge.outbox.reach import Reach
from gateway.edge.outbox.recorder import Recorder
from gateway.edge.outbox.traffic import Traffic
from gateway.edge.traces import UNTRACED, Traces
from gateway.errors import GatewayError, TryAgain
from gateway.flow.context import Desk
from gateway.flow.outbound import deliver
from gateway.flow.outbound.deliver import DeliveryResult
from gateway.flow.outbound.write_out import PreparedDelivery, Writer, together
from gateway.ports import Mail, Mailer, Outcome

log = structlog.get_logger()

MOST_CLAIMED = 200
"""Deliveries claimed in one transaction."""
TRICKLE = 1
"""Deliveries claimed each `GIVE_WAY` seconds while what comes in goes first."""
GIVE_WAY = 0.1
MOST_IN_HAND = 600
"""Deliveries that are claimed and not yet recorded, of all hops."""
MOST_FOR_ONE_HOP = 100
"""Of one hop: beyond it the hop's mail stays in the store, and cannot take the room of the others'."""
LONG_FACTS = 16_384
"""Octets of facts above which a notice holds a long list, and is rendered in a thread."""
PATIENCE = 15
"""Seconds given to what is on the wire when we end; what is cut off then is sent again after the start."""


@dataclass(slots=True)
class Lane:
    """The mails for one hop: those that wait here, and how many are under way."""

    hop: str
    pace: Pace = field(default_factory=Pace)
    waiting: deque[list[PreparedDelivery]] = field(default_factory=deque)
    under_way: int = 0
    in_hand: int = 0

    @property
    def full(self) -> bool:
        return self.in_hand >= MOST_FOR_ONE_HOP


class Outbox:
    """Empties the outbox: starts at once when woken by a commit, and at each tick for what has become due."""

    def __init__(
        self,
        desk: Desk,
        writer: Writer,
        mailer: Mailer,
        traffic: Traffic | None = None,
        worker: str = "",
        sent: Callable[[Sequence[Delivery]], None] = lambda _: None,
        reach: Reach | None = None,
        traces: Traces = UNTRACED,
    ) -> None:
        self._traces = traces
        self._worker = worker
        self._traffic = traffic or Traffic()
        self._desk = desk
        self._writer = writer
        self._mailer = mailer
        self._reach = reach or Reach()
        self._recorder = Recorder(desk, self._recorded, sent)
        self._woken = asyncio.Event()
        self._pen = asyncio.Lock()
        self._lanes: dict[str, Lane] = {}
        self._in_hand: dict[int, Delivery] = {}  # each by its newest claim
        self._full: Sequence[str] = ()
        self._is_unsure = False
        """Whether a claim may have been committed without our hearing of it."""
        self._sending: set[asyncio.Task[None]] = set()

    def follow(self, writer: Writer, mailer: Mailer) -> None:
        """Write and send by other settings what has not begun."""
        self._mailer.close()
        self._writer, self._mailer = writer, mailer

    def close(self) -> None:
        """Take leave of every hop, once `run` has ended."""
        self._mailer.close()

    def wake(self) -> None:
        """There may be something to send. Call it in the event loop."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled; what is on the wire then is waited for, and what has not begun is put back."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                await asyncio.sleep(0)  # uvloop writes at the end of a turn: the 250 of whoever woke us goes first
                await self._fill()
        finally:
            await self._wind_up()

    # ------------------------------------------------------------------------------------------------------- claim

    async def _fill(self) -> None:
        """Claim while there is something due and room for a good handful."""
        while len(self._in_hand) <= MOST_IN_HAND - MOST_CLAIMED:
            self._full = [lane.hop for lane in self._lanes.values() if lane.full]
            limit = TRICKLE if self._traffic.goes_first else MOST_CLAIMED
            claimed = await self._claim(limit, self._full)
            for group in together(claimed):
                lane = self._lanes.setdefault(group[0].delivery.hop, Lane(group[0].delivery.hop))
                lane.waiting.append(group)
                lane.in_hand += len(group)
                self._move(lane)
            if limit == TRICKLE:
                await asyncio.sleep(GIVE_WAY)
                self.wake()
                return
            if len(claimed) < limit:
                return

    async def _claim(self, limit: int, besides: Sequence[str]) -> list[PreparedDelivery]:
        try:
            if self._is_unsure:
                await self._desk.do(deliver.put_back_unknown, self._worker, set(self._in_hand))
                self._is_unsure = False
            prepared_deliveries = await self._desk.do(deliver.claim, limit, besides, self._worker)
        except GatewayError as error:
            self._is_unsure = True
            log.warning("the outbox cannot be read; trying again at the next tick", error=str(error))
            return []
        except Exception:  # whatever it is, it must not end all sending
            log.exception("the outbox cannot be read; trying again at the next tick")
            return []
        # A lease may end early where the clock is set forward: what is still in hand here is not sent twice.
        fresh = [prepared for prepared in prepared_deliveries if prepared.delivery.id not in self._in_hand]
        self._in_hand |= {prepared.delivery.id: prepared.delivery for prepared in prepared_deliveries}
        return fresh

    # -------------------------------------------------------------------------------------------------------- send

    def _move(self, lane: Lane) -> None:
        """Begin with as many of the waiting as the hop's pace allows."""
        while lane.waiting and lane.under_way < lane.pace.at_once:
            lane.under_way += 1
            task = asyncio.create_task(self._work(lane))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _work(self, lane: Lane) -> None:
        """Send one after the other while there are some, and while the pace allows."""
        try:
            while lane.waiting and lane.under_way <= lane.pace.at_once:
                group = self._in_time(lane, lane.waiting.popleft())
                if not group:
                    continue
                try:
                    self._record(await self._dropped(group) or await self._send(lane, group))
                except TryAgain as error:  # its content cannot be read, which says nothing of the mail
                    log.warning("a mail cannot be read now; it is tried again", delivery=group[0].delivery.id)
                    self._record(
                        [await self._result(one, Outcome(0, f"it cannot be read here now: {error}")) for one in group]
                    )
                except Exception as error:  # a site's template, altered octets: this mail must not stop the others
                    log.exception("a mail cannot be written out", delivery=group[0].delivery.id)
                    self._record([DeliveryResult(one.delivery, fault=type(error).__name__) for one in group])
        finally:
            lane.under_way -= 1

    def _in_time(self, lane: Lane, group: list[PreparedDelivery]) -> list[PreparedDelivery]:
        """Those whose lease lasts; the others have waited too long here, and may be a sibling's by now."""
        now = self._desk.clock.now()
        late = [prepared for prepared in group if not deliver.may_begin(self._in_hand[prepared.delivery.id], now)]
        for prepared in late:
            del self._in_hand[prepared.delivery.id]
        lane.in_hand -= len(late)
        return [prepared for prepared in group if prepared not in late] if late else group

    async def _dropped(self, group: list[PreparedDelivery]) -> list[DeliveryResult]:
        """A mail that has waited here, as where its hop is slow, while what it speaks of moved or ended."""
        delivery = group[0].delivery  # what is said to an invitee travels alone
        if not deliver.may_be_stale(self._in_hand[delivery.id], self._desk.clock.now()):
            return []
        is_pointless = await self._desk.ask(deliver.is_pointless, delivery)
        return [DeliveryResult(delivery, pointless=True)] if is_pointless else []

    async def _send(self, lane: Lane, group: list[PreparedDelivery]) -> list[DeliveryResult]:
        first = group[0].delivery
        with self._traces.span("deliver", first.queue_id, kind=first.kind.value, hop=lane.hop or "next hop") as span:
            span.tell(deliveries=[one.delivery.id for one in group], attempt=self._in_hand[first.id].attempts)
            mail = await self._written(group)
            begun = lane.pace.begin()
            outcomes = await self._mailer.send(lane.hop, mail)
            span.tell(size=mail.size, replies=[one.code for one in outcomes], outcome=_became(outcomes))
        self._reach.heard(lane.hop, outcomes[0])
        if any(_pushed_back(outcome) for outcome in outcomes):
            lane.pace.pushed_back(begun)
        else:
            lane.pace.went_well()
            self._move(lane)
        results = [await self._result(prepared, outcome) for prepared, outcome in zip(group, outcomes, strict=True)]
        if not outcomes[0].reached:
            results += await self._same_for_all(lane, outcomes[0])
        return results

    async def _written(self, group: list[PreparedDelivery]) -> Mail:
        notice = group[0].delivery.notice
        if notice is None:
            return await self._write(group)
        with self._traces.span("write notice", group[0].delivery.queue_id, notice=notice.value):
            return await self._write(group)

    async def _write(self, group: list[PreparedDelivery]) -> Mail:
        first = group[0]
        if not first.at_hand or len(first.delivery.facts or b"") > LONG_FACTS:
            return await asyncio.to_thread(self._writer.mail, group)
        if first.content:
            return self._writer.mail(group)
        async with self._pen:  # rendering takes about a millisecond: one in a turn of the loop, so that intake flows
            await asyncio.sleep(0)
            return self._writer.mail(group)

    async def _same_for_all(self, lane: Lane, outcome: Outcome) -> list[DeliveryResult]:
        """A hop that is down is not tried anew for each mail that waits for it: they share the outcome."""
        waiting = [prepared for group in lane.waiting for prepared in group]
        lane.waiting.clear()
        return [await self._result(prepared, outcome) for prepared in waiting]

    async def _result(self, prepared: PreparedDelivery, outcome: Outcome) -> DeliveryResult:
        delivery, head = prepared.delivery, b""
        if outcome.sent:
            return DeliveryResult(delivery, outcome)
        if delivery.kind is DeliveryKind.PASS and deliver.may_be_last(delivery, outcome, self._desk.clock.now()):
            with contextlib.suppress(Exception):  # a report without the header is better than none
                head = await asyncio.to_thread(self._writer.head, prepared)
        return DeliveryResult(delivery, outcome, head, secrets.randbelow(1000) / 1000)

    # ------------------------------------------------------------------------------------------------------ record

    def _record(self, results: Sequence[DeliveryResult]) -> None:
        """Have it recorded as what became of the newest claim."""
        self._recorder.add(replace(one, delivery=self._in_hand[one.delivery.id]) for one in results)

    def _recorded(self, results: Sequence[DeliveryResult]) -> None:
        """These are off our hands."""
        self._traffic.went_out(sum(result.outcome.sent for result in results))
        for result in results:
            self._in_hand.pop(result.delivery.id, None)
            self._lanes[result.delivery.hop].in_hand -= 1
        crowded = len(self._in_hand) + len(results) > MOST_IN_HAND - MOST_CLAIMED
        if crowded or any(not self._lanes[hop].full for hop in self._full):
            self.wake()

    async def _wind_up(self) -> None:
        left: list[Delivery] = []
        for lane in self._lanes.values():
            left += [prepared.delivery for group in lane.waiting for prepared in group]
            lane.waiting.clear()
        if self._sending:
            _, slow = await asyncio.wait(self._sending, timeout=PATIENCE)
            for task in slow:
                task.cancel()
        await self._recorder.finish()
        with contextlib.suppress(GatewayError):  # then they are free when their lease ends
            await self._desk.do(deliver.put_back, left)


def _became(outcomes: Sequence[Outcome]) -> list[str]:
    """What became of an attempt, each outcome once."""
    return sorted({"sent" if one.sent else "refused" if one.permanent else "not yet" for one in outcomes})


def _pushed_back(outcome: Outcome) -> bool:
    """Whether the hop, or the way to it, has too much to do; 421 and 451 say so (RFC 5321 §4.2.3)."""
    return outcome.code in (0, 421, 451)
