"""What has served its time is removed, a little at a time, while mail goes first."""

import asyncio
from collections.abc import Callable

from gateway.edge.outbox.traffic import Traffic
from gateway.flow.context import Desk
from gateway.flow.upkeep import retention

AT_A_TIME = 100
"""Rows in one transaction: a few milliseconds."""
PAUSE = 0.02
"""Seconds between two transactions, in which others have their turn."""
IN_A_RUSH = 1.0


async def keep_house(desk: Desk, traffic: Traffic, is_ending: Callable[[], bool] = lambda: False) -> None:
    """Run every sweep until it has nothing left to do, or we are ending. Raises StoreBusy, StoreFull."""
    await desk.do_at_length(retention.forget)
    for sweep in retention.SWEEPS:
        after = await desk.do_at_length(sweep, 0, AT_A_TIME)
        while after and not is_ending():
            await asyncio.sleep(IN_A_RUSH if traffic.goes_first else PAUSE)
            after = await desk.do_at_length(sweep, after, AT_A_TIME)
