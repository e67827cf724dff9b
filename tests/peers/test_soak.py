"""The soak in its short form: three days, an end to all that lives, and the same reckoning."""

import pytest

from tests.soak.month import Options, live
from tests.soak.report import lines

pytestmark = [pytest.mark.peer, pytest.mark.timeout(600)]

DAYS = ("not when it was due", "reminder to")
"""Days and reminders go by when each mail was handed on: on a machine that other tests keep busy, mail waits at will.
`python -m tests.soak` judges them too, and tests/peers/test_time.py each day by itself."""


def test_three_days_keep_all_that_was_promised(peers, tmp_path):
    tmp_path.chmod(0o755)
    options = Options(days=3, minutes=0.4, seed=1, by_command=False)
    result = live(options, tmp_path)
    faults = [one for one in result.reckoning.faults if not any(words in one for words in DAYS)]
    assert faults == [], "\n".join(lines(options, result))
