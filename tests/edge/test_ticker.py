"""Timed jobs: what fails is said, once, and does not stop the others."""

import asyncio
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from gateway.edge.run.ticker import Ticker
from gateway.errors import StoreBusy, StoreFull


async def ticking(ticker: Ticker, enough: asyncio.Event) -> None:
    task = asyncio.create_task(ticker.run())
    await enough.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("trouble", [StoreFull("database or disk is full"), StoreBusy("another process keeps it")])
async def test_a_database_that_cannot_be_written_is_said_once_and_again_when_it_can(trouble):
    ticker, turns, done = Ticker(), iter([trouble, trouble, None, trouble, trouble, None]), asyncio.Event()

    async def job():
        outcome = next(turns, "over")
        if outcome == "over":
            done.set()
        elif outcome:
            raise outcome

    async def beside():
        """Another job, which needs no database."""

    ticker.every(0.01, job)
    ticker.every(0.01, beside)
    with capture_logs() as log:
        await ticking(ticker, done)
    assert [line["log_level"] for line in log] == ["warning", "info", "warning", "info"]
    assert log[0]["error"] == str(trouble)


async def test_a_mistake_of_ours_is_shown_whole_and_the_others_go_on():
    ticker, done = Ticker(), asyncio.Event()

    async def mistaken():
        raise ZeroDivisionError

    async def other():
        done.set()

    ticker.every(1, mistaken)
    ticker.every(1, other)
    with capture_logs() as log:
        await ticking(ticker, done)
    assert [(line["log_level"], line["exc_info"]) for line in log] == [("error", True)]
