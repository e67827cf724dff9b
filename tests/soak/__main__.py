"""A month of a gateway's life in ten minutes, among real servers and people, with all that goes wrong in a month.

    python -m tests.soak --days 30 --minutes 10 --seed 1

Ends with a table of what was promised and what came, and with code 1 where anything was lost, or came twice outside of
the one moment that no mail server can close: a kill between the next hop's 250 and our record of it.

The clock is a file (GATEWAY_CLOCK_FILE): a month could not go by in minutes under a clock that is not believed when it
jumps, so that distrust is not what is tried here (tests/peers/test_time.py does).
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.peers import fetch
from tests.soak.month import Options, live
from tests.soak.report import lines


def main() -> int:
    options = arguments()
    fetch.fetch()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        Path(folder).chmod(0o755)
        result = live(options, Path(folder))
    print("\n".join(lines(options, result)))
    return 1 if result.reckoning.faults else 0


def arguments() -> Options:
    usual = Options()
    parser = argparse.ArgumentParser(description="A month of a gateway's life, among real servers.")
    parser.add_argument("--days", type=int, default=usual.days, help="simulated")
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="of real time, about")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of all that is left to chance")
    parser.add_argument("--mails", type=int, default=usual.mails, help="a day, besides those that come of them")
    return Options(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
