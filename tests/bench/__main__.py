"""Measure the gateway side by side with Postfix and bare aiosmtpd: `.venv/bin/python -m tests.bench`."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import latency, limits, mail_rows, memory, nodes, profile, report, scale
from tests.bench.contenders import can_have_workers, room
from tests.bench.effort import Effort
from tests.bench.figures import Row
from tests.peers import fetch

PARTS: dict[str, Callable[[Path, Effort], list[Row]]] = {
    "limits": limits.measure,
    "accept": mail_rows.accept,
    "through": mail_rows.through,
    "latency": latency.measure,
    "memory": memory.measure,
    "scale": scale.measure,
    "nodes": nodes.measure,
}
SECONDS, QUICK_SECONDS = 4, 0.5
ROWS, QUICK_ROWS = 1_000_000, 5_000
IN_MEMORY = ("tmpfs", "ramfs")


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything that was started is ended
    if (kind := report.file_system(options.folder)) in IN_MEMORY:
        print(f"--folder: {options.folder} is {kind}, where syncing costs nothing; name one on a disk", file=sys.stderr)
        return 2
    try:
        fetch.fetch()
    except fetch.PeerMissing as problem:
        print(problem, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # Postfix's daemons are other users
        say(f"{report.machine(folder)} Folder: {folder}")
        if options.profile:
            print(profile.record(folder, options.seconds))
        else:
            measure(folder, options)
    return 0


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Measure the chosen parts one after another; print them, and keep them in the docs part by part."""
    if not can_have_workers():
        say("gateway serve has no --workers: the rows with two processes are left out")
    if os.geteuid() != 0 and "memory" in options.only:
        say("only root can look at the memory of Postfix's daemons: that part is left out")
        options.only.remove("memory")
    effort = Effort(options.rounds, options.seconds, options.rows, say, options.like)
    rows: list[Row] = []
    try:
        for part in options.only:
            measured = PARTS[part](room(folder, part), effort)
            rows += measured
            if not options.quick:
                report.write(measured, report.machine(folder))
    finally:
        print(report.by_part(rows))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"parts, with commas: {','.join(PARTS)}")
    parser.add_argument("--like", default="", help='of accept and through, only work with this in its name: "4 KB"')
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement; 5 or more for figures to keep")
    parser.add_argument("--seconds", type=float, help="about how long a run takes")
    parser.add_argument("--rows", type=int, help="invitations that the scale part makes")
    parser.add_argument("--quick", action="store_true", help="small counts, to see that it works; the docs stay")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on a disk, not in memory")
    parser.add_argument("--profile", action="store_true", help="watch the gateway accepting with py-spy instead")
    options = parser.parse_args()
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    return options


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}")
    return parts


if __name__ == "__main__":
    sys.exit(main())
