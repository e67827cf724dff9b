"""What the gateway takes of the machine, day by day, and whether that levels off."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

from tests.peers.served import Served

SLACK = 0.05
"""By how much a figure may grow from the first half of the last third to the second, and still count as level."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day's figures, at midnight; `spool_files` are those besides what people keep in their inboxes."""

    day: int
    database_kb: int
    spool_files: int
    memory_kb: int
    descriptors: int


def measure(served: Served, day: int, kept_files: int) -> Day:
    """Look from outside: files, and what the system says of the process. Raises OSError where it is gone."""
    database = sum(file.stat().st_size for file in served.database.parent.glob("gateway.db*") if file.is_file())
    spool = served.database.with_name("gateway.db.spool")
    files = sum(file.is_file() for file in spool.iterdir()) if spool.exists() else 0
    process = Path(f"/proc/{served.pid}")
    [memory] = [line.split()[1] for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS")]
    return Day(day, database // 1024, files - kept_files, int(memory), len(list((process / "fd").iterdir())))


def levels(days: Sequence[Day]) -> dict[str, str]:
    """Of each figure: how the last third went."""
    last = days[-max(len(days) // 3, 2) :]
    return {field.name: _level([getattr(day, field.name) for day in last]) for field in fields(Day)[1:]}


def _level(values: Sequence[int]) -> str:
    if len(values) < 2:
        return "too few days to say"
    half = len(values) // 2
    before, after = median(values[:half]), median(values[-half:])
    a_day = (after - before) / max(len(values) - half, 1)
    if after - before <= max(SLACK * before, 2):
        return f"level ({before:.0f} -> {after:.0f})"
    return f"GROWS by {a_day:.0f} a day ({before:.0f} -> {after:.0f})"


def table(days: Sequence[Day]) -> list[str]:
    head = f"{'day':>4} {'database KB':>12} {'spool files':>12} {'memory KB':>10} {'descriptors':>12}"
    return [head, *("{:>4} {:>12} {:>12} {:>10} {:>12}".format(*astuple(day)) for day in days)]
