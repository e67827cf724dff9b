"""The arithmetic of a million clinicians, the page made of it, and the day that it is held against."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.arithmetic import A_MEGABYTE, COSTS, HOURS, ORDINARY, REGISTERED, SMALL, STRANGER, Cost, Day, total

ROOT = Path(__file__).resolve().parents[2]


def test_the_hours_make_a_day() -> None:
    assert len(HOURS) == 24
    assert sum(HOURS) == 1000


def test_the_mails_of_all_hours_are_the_day_s() -> None:
    day = Day()

    assert sum(day.rate(hour) * 3600 for hour in range(24)) == pytest.approx(day.mails_a_day)
    assert day.rate() * 86_400 == pytest.approx(day.mails_a_day)


def test_each_mail_is_of_one_kind_and_one_size() -> None:
    assert sum(Day().shares.values()) == pytest.approx(1)
    assert Day().shares.keys() == COSTS.keys() == {ORDINARY, REGISTERED, STRANGER}
    assert sum(share for _, share in Day().sizes) == pytest.approx(1)


def test_a_mail_costs_what_its_kinds_cost_by_their_shares() -> None:
    half = replace(Day(), secure=0.5, strangers=0, sizes=((SMALL, 1.0),))

    assert half.mail().gateway_ms == pytest.approx((COSTS[ORDINARY].gateway_ms + COSTS[REGISTERED].gateway_ms) / 2)
    assert half.mail().written["copy"] == pytest.approx(0.5)


def test_size_costs_by_the_megabyte() -> None:
    plain = replace(Day(), secure=0, sizes=((SMALL, 1.0),))
    larger = replace(plain, sizes=((SMALL + 1_000_000, 1.0),))

    assert larger.mail().wal - plain.mail().wal == pytest.approx(A_MEGABYTE.wal)


def test_twice_the_clinicians_need_twice_as_much() -> None:
    one, two = Day(), Day(clinicians=2_000_000)

    assert two.peak == pytest.approx(2 * one.peak)
    assert two.rows["audit"] == pytest.approx(2 * one.rows["audit"])
    assert two.gateway_cores == pytest.approx(2 * one.gateway_cores)


def test_costs_add_up_by_table() -> None:
    both = total([Cost({"copy": 1.0}, octets=5), Cost({"copy": 2.0, "audit": 1.0}, octets=6)])

    assert both == Cost({"copy": 3.0, "audit": 1.0}, octets=11)


@pytest.mark.peer
def test_a_day_of_a_few_practices_stands_beside_the_arithmetic(tmp_path: Path) -> None:
    words = "--practices 500 --seconds 2 --nodes 1 --hour peak --flushed 0"
    command = [sys.executable, "-m", "tests.bench.day", *words.split(), "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "node 0: 500 practices" in done.stderr
    for line in ("| mails accepted a second | 3.33 |", "| connections | 13 |", "| gateways: ms of a core a mail |"):
        assert line in done.stdout
    assert not list(tmp_path.iterdir())
