"""A month of a gateway's life in ten minutes, among real servers and people, with all that goes wrong in a month.

    python -m tests.soak --days 30 --minutes 10 --seed 1

Real are the gateway (`gateway serve`), a Postfix in front of it and one behind, the Dovecot with the bot's mailbox, and
the HTTP of those who register, read and answer. Made up are the people, the world behind the last Postfix, the clock.
It ends with a table of what was promised and what came, with what the gateway took of the machine each day, and with
code 1 where anything was lost, came on another day than its own, came unasked, or came twice outside of the one moment
that no mail server can close, a cut between the next hop's 250 and our record of it ("by a cut"). An error in the
gateway's log and an invitation that has come to no end count as well.

What people, mails and incidents there are follows from the seed; how they meet is a matter of the machine.

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
