"""The machine's clock is followed as long as it goes like one, and the scheduler's jobs are run whatever it shows."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.edge.run import ticker
from gateway.edge.run.clock import CONVINCING, SteadyClock
from gateway.edge.run.ticker import Ticker

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Machine:
    """A machine whose clock is set by hand; `passed` is the time since its boot."""

    def __init__(self) -> None:
        self.passed = 1000.0
        self.off = timedelta()
        self.steady = SteadyClock(self, lambda: self.passed)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed - 1000) + self.off

    def goes_on(self, **by: float) -> None:
        self.passed += timedelta(**by).total_seconds()

    @property
    def true_time(self) -> datetime:
        return self.now() - self.off


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize("off", [timedelta(0), timedelta(minutes=59), timedelta(seconds=-40)])
def test_a_clock_that_is_put_right_is_followed(machine, off):
    machine.goes_on(hours=3)
    machine.off = off
    assert machine.steady.look() is None
    assert machine.steady.now() == machine.now()


def test_a_clock_that_goes_wrong_little_by_little_is_followed_however_far(machine):
    for _ in range(100):
        machine.goes_on(hours=1)
        machine.off += timedelta(minutes=5)
        machine.steady.look()
        assert machine.steady.now() == machine.now()


@pytest.mark.parametrize("off", [timedelta(days=31), timedelta(days=-2), timedelta(hours=2)])
def test_a_clock_that_jumps_is_not_believed_and_comes_back(machine, off):
    machine.off = off
    for _ in range(9):
        assert machine.steady.look() is None
        machine.goes_on(minutes=1)
        assert machine.steady.now() == machine.true_time
        assert machine.steady.is_astray
    machine.off = timedelta()
    assert machine.steady.look() is None
    assert not machine.steady.is_astray
    assert machine.steady.now() == machine.now()


def test_one_that_goes_evenly_for_long_enough_is_believed(machine):
    machine.off = timedelta(days=31)
    machine.steady.look()
    machine.goes_on(seconds=CONVINCING - 1)
    assert machine.steady.look() is None
    machine.goes_on(seconds=1)
    assert machine.steady.look() == timedelta(days=31)
    assert machine.steady.now() == machine.now()
    assert machine.steady.look() is None


def test_one_that_jumps_about_is_not(machine):
    for number in range(30):
        machine.off = timedelta(days=number + 1)
        machine.goes_on(minutes=5)
        assert machine.steady.look() is None
        assert machine.steady.now() == machine.true_time


def test_it_is_said_once_and_that_it_is_over_too(machine, capsys):
    machine.off = timedelta(days=31)
    for _ in range(5):
        machine.steady.look()
    machine.off = timedelta()
    for _ in range(5):
        machine.steady.look()
    said = capsys.readouterr()
    said = said.out + said.err
    assert (said.count("has jumped"), said.count("clock is back")) == (1, 1)


@pytest.mark.parametrize("moved", [timedelta(days=-2), timedelta(hours=-1), timedelta(days=31)])
async def test_jobs_run_whatever_the_local_time_is_set_to(monkeypatch, moved):
    """`schedule` goes by local time: an hour that comes twice, or a clock that is set, must not keep it waiting."""
    off = timedelta()

    class Local(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + off

    monkeypatch.setattr("schedule.datetime.datetime", Local)
    monkeypatch.setattr(ticker, "local_time_over_passed", lambda: off)
    runs = []

    async def job() -> None:
        runs.append(off)

    clock = Ticker()
    clock.every(0.1, job)
    running = asyncio.create_task(clock.run())
    await asyncio.sleep(0.3)
    off = moved
    await asyncio.sleep(1.5)
    running.cancel()
    assert timedelta() in runs
    assert runs.count(moved) >= 2
