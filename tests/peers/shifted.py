"""The gateway's command line on a machine whose wall clock is set while it runs.

    python -m tests.peers.shifted FILE serve --config …

FILE says by how many days the machine's clock is off; the monotonic clock is left alone.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.cli import main
from gateway.edge.clock import SystemClock


def _shift(file: Path) -> None:
    def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + timedelta(days=float(file.read_text() or "0"))

    SystemClock.now = now


if __name__ == "__main__":
    _shift(Path(sys.argv[1]))
    del sys.argv[1]
    main()
