"""The docs' part: figures kept as JSON, tables put between their marks, the chart drawn; and the machine in a line."""

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

from tests.bench import figures
from tests.bench.chart import chart
from tests.bench.contenders import PYTHON
from tests.bench.figures import Row
from tests.bench.table import fill, table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PARTS = ("accept", "through", "latency", "cpu", "memory", "scale", "nodes", "limits")


def write(rows: list[Row], machine: str, docs: Path = DOCS) -> None:
    """Bring the docs up to date; kinds of work that were not measured now keep their figures."""
    kept = docs / "benchmarks.json"
    rows = figures.merged(figures.read(kept), rows)
    figures.save(rows, kept)
    page = docs / "benchmarks.md"
    text = fill(page.read_text(), "machine", machine)
    for part in PARTS:
        text = fill(text, part, table(row for row in rows if row.part == part))
    page.write_text(text)
    (docs / "benchmarks.svg").write_text(chart(rows))


def by_part(rows: Iterable[Row]) -> str:
    """All tables, for the terminal."""
    rows = list(rows)
    parts = [(part, [row for row in rows if row.part == part]) for part in PARTS]
    return "\n\n".join(f"{part}\n\n{table(those)}" for part, those in parts if those)


def machine(folder: Path) -> str:
    """What it was measured on."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return (
        f"Measured on {os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), Linux {platform.release()}, "
        f"{PYTHON}, queues and databases on {file_system(folder)}."
    )


def file_system(folder: Path) -> str:
    """The kind of file system that a folder lies on; a chroot's own root is in no list of mounts."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    above = [(place, kind) for place, kind in mounts if folder.resolve().is_relative_to(place)]
    return max(above, key=lambda mount: len(mount[0]), default=("", "an unknown file system"))[1]
