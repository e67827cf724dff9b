"""When a mail that a hop would not take is offered again, and when it is given up (RFC 5321 §4.5.4.1)."""

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(minutes=7, seconds=30)
GIVE_UP_AFTER = timedelta(days=5)
ENOUGH_TRIES = 8
"""How many attempts at least, over 16 hours, before a mail is given up: after an outage it is old and hardly tried."""
POISON_TRIES = 3
"""How often a mail that cannot even be prepared is tried before it is set aside."""


def next_try(attempts: int, created_at: datetime, now: datetime, spread: float = 0.0) -> datetime | None:
    """The instant of the next attempt after `attempts` failed ones: 7.5 minutes, then twice as long each time.

    `spread` (0 to 1) lengthens the wait by up to a tenth, so that what failed together does not come back together.
    None when the next attempt would lie more than five days after the mail was queued, and it was tried often enough.
    """
    wait = FIRST_WAIT * 2 ** max(attempts - 1, 0)
    at = now + wait * (1 + spread / 10)
    return at if at - created_at <= GIVE_UP_AFTER or attempts < ENOUGH_TRIES else None
