"""What the administrator's pages show: how mail flows, hops, and what ends soon. Nothing of what any mail says."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.model import Copy, Delivery, Invitation
from gateway.domain.needs import Need, NeedKind
from gateway.domain.timetable import ENDS, ahead, instant
from gateway.domain.vocabulary import DeliveryState
from gateway.flow.administration import invitations, status
from gateway.flow.administration.invitations import Line, Wanted
from gateway.flow.administration.needs import needs
from gateway.flow.administration.status import Rows
from gateway.flow.context import Context
from gateway.flow.upkeep import hours, troubles
from gateway.flow.upkeep.hours import Flow

SOON = timedelta(days=7)
MOST = 200
"""Lines of a list."""
NEXT_HOP = "next_hop"


@dataclass(frozen=True, slots=True)
class HopLine:
    """A mail server that takes our mail: what waits for it, whether it was reached last, what it said of a mail that it
    did not take. `down_at` names the nodes that do not reach it, where there are several.
    """

    name: str
    waiting: int
    down_since: datetime | None
    last_reply: str
    down_at: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page."""

    needs: list[Need]
    flow: Flow
    rows: Rows
    hops: list[HopLine]


@dataclass(frozen=True, slots=True)
class Ending:
    """An invitation and the instant at which it ends, if nothing happens before."""

    line: Line
    ends: datetime


@dataclass(frozen=True, slots=True)
class Soon:
    """What ends within a week: invitations, and messages in inboxes that are kept for a time only."""

    invitations: list[Ending]
    copies: list[Copy]
    until: datetime


def overview(ctx: Context) -> Overview:
    """How mail flows, and what needs a person."""
    rows, known = status.rows(ctx), troubles.known(ctx)
    return Overview(needs(ctx), hours.flow(ctx), rows, list(_hops(ctx, rows, known)))


def _hops(ctx: Context, rows: Rows, known: list[Need]) -> Iterator[HopLine]:
    replies: dict[str, str] = {}
    for one in ctx.tx.find(Delivery, order="due_at", limit=MOST, state=DeliveryState.QUEUED, attempts__gt=0):
        replies.setdefault(one.hop, one.last_reply)
    for hop in ["", *sorted(ctx.site.relay_domains)]:
        name = hop or NEXT_HOP
        down = [one for one in known if one.kind is NeedKind.HOP_DOWN and one.subject.startswith(name)]
        since = min((one.since for one in down if one.since), default=None)
        nodes = ", ".join(one.node for one in down if one.node)
        yield HopLine(name, rows.by_hop.get(hop, 0), since, replies.get(hop, ""), nodes)


def soon(ctx: Context) -> Soon:
    """What is about to end. An invitation's next step is due no later than its end."""
    until = ctx.now + SOON
    lines = invitations.listed(ctx, Wanted(due_before=until), MOST)
    ending = [Ending(line, ends) for line in lines if (ends := _end_of(ctx, line.invitation)) and ends <= until]
    copies = ctx.tx.find(Copy, order="expires_at", expires_at__lt=until, limit=MOST)
    return Soon(sorted(ending, key=lambda one: one.ends), copies, until)


def _end_of(ctx: Context, one: Invitation) -> datetime | None:
    rhythm = ctx.site.rhythm
    steps = ahead(one.state, one.last_step_day, rhythm, one.extended_to)
    last = next((step for step in steps if step.event in ENDS), None)
    return instant(one.schedule_start, last, ctx.site.zone, rhythm) if last else None
