"""The ratios as one picture, drawn as SVG: how many times better or worse than Postfix, on a logarithmic scale."""

import math
from collections.abc import Iterable, Iterator
from statistics import median
from xml.sax.saxutils import escape

from tests.bench.figures import PEER, Row

LEFT, WIDTH, RIGHT, TOP = 430, 470, 60, 64
MARGIN = 48
"""Left of the scale, for the figures of bars that reach its end."""
BAR, GAP = 13, 11
FEWEST, MOST = 1 / 16, 16
"""The ends of the scale; what lies beyond is drawn up to the end, with its figure beside it."""
TICKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16)
COLOURS = ("mine", "more", "bare")
STYLE = """
svg { font: 12px system-ui, sans-serif; }
text { fill: #24292f; } .faint { fill: #57606a; } .grid { stroke: #d0d7de; }
.even { stroke: #24292f; stroke-width: 1.5; }
.mine { fill: #0969da; } .more { fill: #8250df; } .bare { fill: #8c959f; }
.least { stroke: #bc4c00; stroke-width: 2; } .aim { stroke: #1a7f37; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .faint { fill: #9198a1; } .grid { stroke: #3d444d; } .even { stroke: #e6edf3; }
.mine { fill: #4493f8; } .more { fill: #ab7df8; } .bare { fill: #656c76; }
.least { stroke: #db6d28; } .aim { stroke: #3fb950; }
}
"""


def chart(rows: Iterable[Row]) -> str:
    """Bars for every row that has something to reach; to the right is better, be it more mails or less memory."""
    shown = [row for row in rows if row.target and PEER in row.rounds]
    names = list(dict.fromkeys(who for row in shown for who in row.rounds if who != PEER))
    colours = dict(zip(names, COLOURS, strict=False))
    groups, y = [], float(TOP)
    for row in shown:
        groups += _group(row, colours, y)
        y += BAR * (len(row.rounds) - 1) + GAP
    parts = [*_legend(colours), *_grid(y), *groups]
    width, height = LEFT + WIDTH + RIGHT, round(y + 12)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Ratios to Postfix">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _group(row: Row, colours: dict[str, str], top: float) -> Iterator[str]:
    """One kind of work: its name, a bar for each contender, the marks of what is to be reached."""
    others = [who for who in row.rounds if who != PEER]
    height = BAR * len(others)
    yield f'<text x="{LEFT - MARGIN}" y="{top + height / 2 + 4:.1f}" text-anchor="end">{escape(row.work)}</text>'
    for number, who in enumerate(others):
        ratio = median(row.ratios(who))
        x, y = _x(_better(row, ratio)), top + BAR * number
        begin, end = sorted((x, _x(1)))
        beside = f'x="{x + 4:.1f}"' if x >= _x(1) else f'x="{x - 4:.1f}" text-anchor="end"'
        yield (
            f'<rect class="{colours[who]}" x="{begin:.1f}" y="{y + 1:.1f}" width="{end - begin:.1f}" '
            f'height="{BAR - 2}"><title>{escape(f"{who}: {ratio:.2f}x")}</title></rect>'
        )
        yield f'<text class="faint" {beside} y="{y + 10:.1f}" font-size="10">{ratio:.2f}x</text>'
    for name, bound in zip(("least", "aim"), _bounds(row), strict=True):
        x = _x(_better(row, bound))
        yield f'<line class="{name}" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 2:.1f}" y2="{top + height + 2:.1f}"/>'


def _better(row: Row, ratio: float) -> float:
    """Where less is better, half as much is twice as good."""
    return 1 / ratio if row.fewer and ratio else ratio


def _bounds(row: Row) -> tuple[float, float]:
    """What is to be reached, as ratios."""
    assert row.target
    base = median(row.rounds[PEER]) if row.target.absolute else 1
    return row.target.least / base, row.target.aim / base


def _x(better: float) -> float:
    share = math.log(min(max(better, FEWEST), MOST) / FEWEST) / math.log(MOST / FEWEST)
    return LEFT + WIDTH * share


def _grid(bottom: float) -> Iterator[str]:
    for tick in TICKS:
        x, kind = _x(tick), "even" if tick == 1 else "grid"
        label = f"{tick:g}x" if tick >= 1 else f"1/{1 / tick:g}"
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom:.1f}"/>'
        yield f'<text class="faint" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle" font-size="11">{label}</text>'


def _legend(colours: dict[str, str]) -> Iterator[str]:
    x = 12
    for who, colour in colours.items():
        yield f'<rect class="{colour}" x="{x}" y="12" width="12" height="12"/>'
        yield f'<text x="{x + 17}" y="22">{escape(who)}</text>'
        x += 40 + 7 * len(who)
    for name, words in (("least", "at least"), ("aim", "aim")):
        yield f'<line class="{name}" x1="{x}" x2="{x}" y1="10" y2="26"/><text x="{x + 6}" y="22">{words}</text>'
        x += 28 + 7 * len(words)
    yield f'<text class="faint" x="{x}" y="22">better than Postfix is to the right</text>'
