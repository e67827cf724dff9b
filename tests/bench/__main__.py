"""Measure the gateway side by side with Postfix and bare aiosmtpd: `.venv/bin/python -m tests.bench`."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import mail_rows
from tests.bench.figures import Row
from tests.bench.mail_rows import Effort
from tests.bench.table import table
from tests.peers import fetch

PARTS: dict[str, Callable[[Path, Effort], list[Row]]] = {
    "accept": mail_rows.accept,
    "through": mail_rows.through,
}


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything that was started is ended
    fetch.fetch()
    effort = Effort(options.rounds, 0.5 if options.quick else 4, lambda line: print(line, file=sys.stderr, flush=True))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        for part in options.only:
            room = folder / part
            room.mkdir()
            rows += PARTS[part](room, effort)
    print(table(rows))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"parts, with commas: {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small counts, to see that it works; the docs stay")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a disk, not in memory")
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(unknown)}")
    return parts


if __name__ == "__main__":
    sys.exit(main())
