"""What was measured, as plain data: a row is one kind of work, with a figure for each contender and round."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

PEER = "Postfix"
"""Everybody's figures are read as ratios to Postfix's of the same round."""


PIECEWISE = {"accept", "through", "cpu"}
"""Parts of which single rows may be measured again."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the gateway is to reach: ratios to Postfix, or, where `absolute`, figures in the row's own unit."""

    least: float
    aim: float
    absolute: bool = False


@dataclass(slots=True)
class Row:
    """One kind of work. `rounds` holds each contender's figures, round by round; `fewer` means that less is better,
    and `beside` whose figures the ratios are to.
    """

    part: str
    work: str
    unit: str
    target: Target | None = None
    fewer: bool = False
    beside: str = PEER
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contender: str, figure: float) -> None:
        self.rounds.setdefault(contender, []).append(figure)

    def ratios(self, contender: str) -> list[float]:
        """The contender's figure over its peer's, round by round; empty where the peer has none."""
        return [
            mine / its
            for mine, its in zip(self.rounds[contender], self.rounds.get(self.beside, []), strict=False)
            if its
        ]

    def reached(self, contender: str) -> str:
        """`aim`, `yes` or `no`; empty where there is nothing to reach."""
        if self.target is None:
            return ""
        figures = self.rounds[contender] if self.target.absolute else self.ratios(contender)
        if not figures:
            return ""
        middle = median(figures)
        if self._meets(middle, self.target.aim):
            return "aim"
        return "yes" if self._meets(middle, self.target.least) else "no"

    def _meets(self, figure: float, bound: float) -> bool:
        return figure <= bound if self.fewer else figure >= bound


def save(rows: Iterable[Row], file: Path) -> None:
    """Keep every figure of every round."""
    file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def read(file: Path) -> list[Row]:
    """What was kept; nothing where there is no such file."""
    if not file.exists():
        return []
    stored = json.loads(file.read_text())
    return [Row(**{**row, "target": Target(**row["target"]) if row["target"] else None}) for row in stored]


def merged(old: Iterable[Row], new: list[Row]) -> list[Row]:
    """The old rows with the new ones in the place of their namesakes, or after them.

    Of the parts that are always measured whole, nothing old remains.
    """
    renewed = {row.part for row in new} - PIECEWISE
    rows = {(row.part, row.work): row for row in old if row.part not in renewed}
    rows.update(((row.part, row.work), row) for row in new)
    return list(rows.values())
