"""How mail that came back is classed: `python -m tests.mail.tally FOLDER`.

FOLDER holds mails, a file each, such as other projects' tests bring. A `classes.csv` in it (a file's name, and
`permanent`, `temporary`, `delayed` or `none`) says what is right; then what differs is listed, else every mail is.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gateway.mail.automatic import STRONG_NOTES, automatic
from gateway.mail.bounces import bounce
from gateway.mail.parse import head

NONE = "none"


def understood(raw: bytes) -> str:
    """What a mail to a bounce address is taken for."""
    read = head(raw)
    found = None if automatic(read, "") in STRONG_NOTES else bounce(raw)
    return found.severity.value if found else NONE


def classes(folder: Path) -> dict[str, str]:
    """What is right, by file."""
    known = folder / "classes.csv"
    return dict(csv.reader(known.read_text().splitlines())) if known.exists() else {}


def tally(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Each mail, what it is taken for, and what is right, if that is known."""
    right = classes(folder)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != ".csv":
            raw = re.sub(rb"\AFrom .*\n", b"", path.read_bytes())  # of an mbox file
            raw = re.sub(rb"\r?\n", b"\r\n", raw)
            yield path.name, understood(raw), right.get(path.name, "")


def main() -> None:
    """Print what differs, and the sums."""
    for folder in map(Path, sys.argv[1:]):
        rows = list(tally(folder))
        for name, found, right in rows:
            if found != right:
                print(f"{name}: {found}{f', is {right}' if right else ''}")
        bounces = [(found, right) for _, found, right in rows if right != NONE]
        recognised = [(found, right) for found, right in bounces if found != NONE]
        known = sum(found == right for found, right in recognised)
        print(f"{folder}: {len(bounces)} bounces, {len(recognised)} recognised, {known} classed right;", end=" ")
        print(
            f"{sum(found != NONE for _, found, right in rows if right == NONE)} of the others taken for bounces;",
            end=" ",
        )
        print(dict(Counter(found for _, found, _ in rows)))


if __name__ == "__main__":
    main()
