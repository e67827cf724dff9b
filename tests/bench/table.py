"""The figures as tables in Markdown, between marks that this module owns; the words around them stay."""

import re
from collections.abc import Iterable
from statistics import median

from tests.bench.figures import PEER, Row

HEAD = "| work | who | median (min–max) | to {peer} (min–max) | at least | aim | reached |"
OURS = ("gateway", "PostgreSQL")
RULE = "|---|---|---|---|---|---|---|"


def table(rows: Iterable[Row]) -> str:
    """One line for each kind of work and contender."""
    rows = list(rows)
    lines = [HEAD.format(peer=rows[0].beside if rows else PEER), RULE]
    for row in rows:
        lines += [_line(row, who) for who in row.rounds]
    return "\n".join(lines)


def _line(row: Row, who: str) -> str:
    ratios = row.ratios(who) if who != row.beside else []
    bounds, reached = ["", ""], ""
    if row.target and who.startswith(OURS):
        unit = f" {row.unit}" if row.target.absolute else "x"
        sign = "≤ " if row.fewer else ""
        bounds = [f"{sign}{_number(bound)}{unit}" for bound in (row.target.least, row.target.aim)]
        reached = row.reached(who)
    cells = [row.work, who, f"{_spread(row.rounds[who])} {row.unit}", _spread(ratios, "x") if ratios else ""]
    return "| " + " | ".join([*cells, *bounds, reached]) + " |"


def _spread(figures: list[float], unit: str = "") -> str:
    low, middle, high = (_number(figure) for figure in (min(figures), median(figures), max(figures)))
    return f"{middle}{unit} ({low}–{high})" if len(figures) > 1 else f"{middle}{unit}"


def _number(figure: float) -> str:
    """Three digits that count."""
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"


def fill(text: str, name: str, content: str) -> str:
    """Put content between the marks of this name. Raises ValueError if they are not there."""
    begin, finish = f"<!-- bench: {name} -->", f"<!-- bench: end of {name} -->"
    filled, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(finish)}", lambda _: f"{begin}\n{content}\n{finish}", text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"the marks {begin} … {finish} stand {count} times in the text, not once")
    return filled
