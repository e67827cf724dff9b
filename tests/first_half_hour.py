"""The first half hour of a new administrator: `python3 tests/first_half_hour.py`, as root, in Debian.

In a fresh minimal Debian root, the block of commands under "From nothing to the first held mail" in the README is
typed, line by line, and nothing else. It says how long each took, and ends with 1 if one fails, if there are ten or
more, or if the last one shows no held mail. Builds the package in there, so it takes some minutes. Standard library
only.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # nothing need be installed here

from gateway.demo import checkout
from tests.bare_debian import MADE, Root

TITLE = "From nothing to the first held mail"
MOST = 10


def main() -> int:
    parser = argparse.ArgumentParser(description="Type the README's first commands in a fresh Debian, and time them.")
    parser.add_argument("--suite", default="bookworm", help="which Debian")
    parser.add_argument("--folder", type=Path, help="where the root is made, kept, and found again")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("Only root can make a root.")
    if MADE in os.environ:
        return typed(Root(Path(os.environ[MADE]), options.suite))
    if not shutil.which("debootstrap"):
        checkout.install(["debootstrap"])
    folder = options.folder or Path(tempfile.mkdtemp(prefix="first-half-hour-"))
    try:  # what is mounted is so for another process alone, and gone when the folder is removed
        again = ["unshare", "--mount", sys.executable, *sys.argv]
        return subprocess.run(again, env={**os.environ, MADE: str(folder / "root")}, check=False).returncode
    finally:
        if not options.folder:
            shutil.rmtree(folder)


def commands(readme: str) -> list[str]:
    """The lines of the block of shell under the title; a line that ends with a backslash goes on."""
    block = re.search(rf"{TITLE}.*?^```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    if not block:
        raise LookupError(f"the README has no block of shell under {TITLE!r}")
    lines = block[1].replace("\\\n", " ").splitlines()
    return [line for line in lines if shlex.split(line, comments=True)]


def typed(root: Root) -> int:
    """Type them all; 1 at the first that fails."""
    lines = commands((checkout.ROOT / "README.md").read_text())
    times, said = [], [""]
    for line in lines:
        start = time.monotonic()
        code, said = root.run(line, "root")
        times.append(time.monotonic() - start)
        if code:
            return 1
    print("\n== From nothing to the first held mail")
    for seconds, line in zip(times, lines, strict=True):
        print(f"{seconds:6.1f} s  {' '.join(line.split())}")
    print(f"{sum(times):6.1f} s  {len(lines)} commands")
    is_held = any(": held" in line for line in said)
    return 0 if is_held and len(lines) < MOST else 1


if __name__ == "__main__":
    sys.exit(main())
