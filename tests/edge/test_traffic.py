"""A rush of mail goes first, for a while."""

import pytest

from gateway.edge.outbox.traffic import PATIENCE, RUSH, SPAN, Traffic


def run(one, now, seconds, rate):
    """Mail comes in at this rate; whether it went first at the end of each span."""
    first = []
    for _ in range(round(seconds / SPAN)):
        for _ in range(round(rate * SPAN)):
            one.came_in()
        now[0] += SPAN
        first.append(one.goes_first)
    return first


def test_a_rush_goes_first_for_some_seconds_and_then_shares():
    now = [100.0]
    one = Traffic(lambda: now[0])
    assert not one.goes_first
    spans = run(one, now, 2 * PATIENCE, 3 * RUSH)
    assert spans.count(True) == pytest.approx(PATIENCE / SPAN, abs=2)
    assert spans[1]
    assert not spans[-1]


def test_a_new_rush_goes_first_again():
    now = [100.0]
    one = Traffic(lambda: now[0])
    run(one, now, 2 * PATIENCE, 3 * RUSH)
    assert not any(run(one, now, 1, 1))
    assert run(one, now, 1, 3 * RUSH)[-1]


def test_ordinary_mail_makes_no_rush_and_neither_does_a_silence():
    now = [100.0]
    one = Traffic(lambda: now[0])
    assert not any(run(one, now, 5, RUSH / 2))
    run(one, now, 1, 3 * RUSH)
    now[0] += 60
    assert not one.goes_first
