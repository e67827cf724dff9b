"""Pauses between attempts."""

from datetime import UTC, datetime, timedelta

from gateway.domain.retry import next_try

START = datetime(2026, 3, 2, tzinfo=UTC)


def test_pauses_double_for_five_days():
    now, attempts, waits = START, 1, []
    while at := next_try(attempts, START, now):
        waits.append((at - now).total_seconds() / 60)
        now, attempts = at, attempts + 1
    assert waits == [7.5 * 2**n for n in range(9)]
    assert now - START < timedelta(days=5)


def test_what_failed_together_does_not_come_back_together():
    plain, spread = next_try(3, START, START), next_try(3, START, START, 1.0)
    assert (spread - START) == (plain - START) * 1.1


def test_what_is_old_but_was_hardly_tried_is_not_given_up():
    """After an outage of a week."""
    late = START + timedelta(days=7)
    assert next_try(1, START, late) == late + timedelta(minutes=7.5)
    assert next_try(8, START, late) is None
