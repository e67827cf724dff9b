"""What others see while every hostile shape comes from twenty clients at once: `python -m tests.bench.siege`.

Promised are a stall of the loop under 0.2 s, an honest 250 within 1 s and /healthz within 0.2 s.
"""

import statistics
import tempfile
from pathlib import Path

from tests.peers.hop import Hop
from tests.peers.served import Served
from tests.peers.siege import TRUSTING_THE_PRACTICE, besieged

ROUNDS = 3


def main() -> None:
    """Print, for each round, the stall, and what half, nine of ten and all of the others waited at most."""
    for _ in range(ROUNDS):
        hop = Hop()
        hop.start()
        with tempfile.TemporaryDirectory() as place:
            served = Served(Path(place) / "gateway", hop.port, **TRUSTING_THE_PRACTICE)
            served.start()
            siege = besieged(served)
            served.end()
        hop.stop()
        print(siege.told)
        for what, times in siege.waited.items():
            tenths = statistics.quantiles(times, n=10)
            print(f"    {what:15} {len(times):4} times: {tenths[4]:.3f} s, {tenths[-1]:.3f} s, {max(times):.3f} s")


if __name__ == "__main__":
    main()
