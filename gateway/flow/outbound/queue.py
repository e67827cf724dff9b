"""What waits to be sent, for an administrator: looked at, tried again, paused, released, dropped."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.acts import ADMINISTRATOR, Act
from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.domain.model_records import Audit
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.context import Context
from gateway.flow.outbound import deliver

WAITING = (DeliveryState.QUEUED, DeliveryState.PAUSED, DeliveryState.QUARANTINED)
AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which mails are meant: all that wait, or those of some states, for one hop ("" is the next hop), to an address or
    a part of one, that were queued before an instant.
    """

    states: Collection[DeliveryState] = WAITING
    hop: str | None = None
    recipient: str = ""
    before: datetime | None = None

    def lets_through(self, one: Delivery) -> bool:
        to_them = self.recipient.casefold() in one.recipient.casefold()
        is_old = self.before is None or one.created_at < self.before
        return to_them and is_old and self.hop in (None, one.hop)


@dataclass(frozen=True, slots=True)
class Shown:
    """One delivery with what belongs to it. `size` is 0 where its content is not kept any more, or never was."""

    delivery: Delivery
    message_id: int
    size: int
    audit: list[Audit]


def listed(ctx: Context, limit: int, sieve: Sieve = Sieve(), after: int = 0) -> list[Delivery]:
    """What waits, the oldest first, behind this number."""
    found: list[Delivery] = []
    for one in _each(ctx, sieve, after):
        if sieve.lets_through(one):
            found.append(one)
        if len(found) == limit:
            break
    return found


def _each(ctx: Context, sieve: Sieve, after: int) -> Iterator[Delivery]:
    while rows := ctx.tx.find(Delivery, id__gt=after, state__in=tuple(sieve.states), limit=AT_A_TIME):
        yield from rows
        after = rows[-1].id


def by_hop(ctx: Context, sieve: Sieve) -> dict[str, int]:
    """How many of them there are, by the hop that they are for."""
    counts: dict[str, int] = {}
    for one in _each(ctx, sieve, 0):
        if sieve.lets_through(one):
            counts[one.hop] = counts.get(one.hop, 0) + 1
    return counts


def shown(ctx: Context, number: int) -> Shown | None:
    """Everything that is known of one delivery, whatever has become of it; nothing of what it says."""
    one = ctx.tx.get(Delivery, number)
    if one is None:
        return None
    copy = ctx.tx.get(Copy, one.copy_id) if one.copy_id else None
    message = ctx.tx.get(Message, copy.message_id) if copy else None
    content = ctx.tx.get(Content, one.content_id) if one.content_id else None
    size = content.size if content else message.size if message else 0
    audit = ctx.tx.find(Audit, subject=_subject(one))
    return Shown(one, message.id if message else 0, size, audit)


# --------------------------------------------------------------------------------------------------------------- acts


def retry(ctx: Context, ids: Collection[int]) -> list[int]:
    """Have these tried again at once; what was set aside, as if for the first time. Those that are there."""
    found = _found(ctx, ids, (DeliveryState.QUEUED, DeliveryState.QUARANTINED))
    for one in found:
        ctx.audit(ADMINISTRATOR, Act.RETRIED, _subject(one))
        ctx.tx.put(_afresh(ctx, one) if one.state is DeliveryState.QUARANTINED else replace(one, due_at=ctx.now))
    return [one.id for one in found]


def hold(ctx: Context, ids: Collection[int]) -> list[int]:
    """Pause these: they are neither sent nor given up, and nobody is told. Those that are there.

    What a worker has in hand at this moment may leave all the same; then that is recorded.
    """
    found = _found(ctx, ids, (DeliveryState.QUEUED, DeliveryState.QUARANTINED))
    for one in found:
        ctx.audit(ADMINISTRATOR, Act.PAUSED, _subject(one))
        ctx.tx.put(replace(one, state=DeliveryState.PAUSED, lease_until=None))
    return [one.id for one in found]


def release(ctx: Context, ids: Collection[int]) -> list[int]:
    """Let paused mails go on: they are tried at once, as if for the first time. Those that are there."""
    found = _found(ctx, ids, (DeliveryState.PAUSED,))
    for one in found:
        ctx.audit(ADMINISTRATOR, Act.RESUMED, _subject(one))
        ctx.tx.put(_afresh(ctx, one))
    return [one.id for one in found]


def drop(ctx: Context, ids: Collection[int], *, tell: bool = True) -> list[int]:
    """Give these up; whoever wrote them is told as of any mail that fails, unless they were told before."""
    found = _found(ctx, ids, WAITING)
    for one in found:
        ctx.audit(ADMINISTRATOR, Act.DROPPED, _subject(one))
        deliver.drop(ctx, one, tell=tell and one.state is not DeliveryState.QUARANTINED)
    return [one.id for one in found]


QueueChange = Callable[[Context, Collection[int]], list[int]]


def _afresh(ctx: Context, one: Delivery) -> Delivery:
    return replace(one, state=DeliveryState.QUEUED, attempts=0, due_at=ctx.now, created_at=ctx.now, lease_until=None)


def _found(ctx: Context, ids: Collection[int], states: tuple[DeliveryState, ...]) -> list[Delivery]:
    return ctx.tx.find(Delivery, id__in=sorted(ids), state__in=states) if ids else []


def _subject(one: Delivery) -> str:
    return f"delivery {one.id}"
