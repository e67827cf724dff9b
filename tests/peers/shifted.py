"""The gateway's command line on a machine whose wall clock is set while it runs.

    python -m tests.peers.shifted FILE serve --config …

FILE says by how many days the machine's clock is off; the monotonic clock is left alone. Timed work is looked at ten
times as often as usual, and FILE.looks grows by an octet each time that all which has its turn each second has had it.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.cli.entry import main
from gateway.edge.run.clock import SystemClock
from gateway.edge.run.ticker import Job, Ticker


def _shift(file: Path) -> None:
    def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(days=float(file.read_text() or "0"))

    SystemClock.now = now


def _hasten(looks: Path) -> None:
    usual = Ticker.every
    turns: list[int] = []

    def every(ticker: Ticker, seconds: float, job: Job) -> None:
        number = len(turns)

        async def counted() -> None:
            await job()
            before = min(turns)
            turns[number] += 1
            if min(turns) > before:
                with looks.open("a") as count:
                    count.write(".")

        if seconds == 1:
            turns.append(0)
        usual(ticker, seconds / 10, counted if seconds == 1 else job)

    Ticker.every = every


if __name__ == "__main__":
    _shift(Path(sys.argv[1]))
    _hasten(Path(f"{sys.argv[1]}.looks"))
    del sys.argv[1]
    main()
