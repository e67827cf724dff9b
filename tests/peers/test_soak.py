"""The soak in its short form: three days, an end to all that lives, and the same reckoning."""

import pytest

from tests.soak.month import Options, live
from tests.soak.report import lines

pytestmark = pytest.mark.peer


def test_three_days_keep_all_that_was_promised(peers, tmp_path):
    tmp_path.chmod(0o755)
    options = Options(days=3, minutes=0.4, seed=1, by_command=False)
    result = live(options, tmp_path)
    assert result.reckoning.faults == [], "\n".join(lines(options, result))
