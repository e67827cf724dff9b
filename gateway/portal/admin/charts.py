"""Figures as pictures that need no script: where each bar of a chart stands, for a template to draw as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.flow.upkeep.hours import Hour

HEIGHT, WIDTH, STEP = 100, 720, 15
"""Of the chart of hours, in its own units: 48 steps."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What came in and what went out within an hour: where the bars stand, and how high they are."""

    x: float
    taken: float
    sent: float
    label: str
    """What the axis says below it; "" for most."""


@dataclass(frozen=True, slots=True)
class HoursChart:
    """`most` is what the highest bar counts."""

    bars: tuple[Bar, ...]
    most: int
    taken: int
    sent: int


def of_hours(hours: Sequence[Hour], zone: ZoneInfo) -> HoursChart:
    """Bars for each hour, as high as its share of the busiest one; every sixth hour is named in the site's time."""
    most = max((max(one.taken, one.sent) for one in hours), default=0)
    scale = HEIGHT / most if most else 0
    bars = []
    for number, one in enumerate(hours):
        local = one.begins.astimezone(zone)
        label = f"{local:%H:00}" if local.hour % 6 == 0 else ""
        bars.append(Bar(number * STEP, round(one.taken * scale, 1), round(one.sent * scale, 1), label))
    return HoursChart(tuple(bars), most, sum(one.taken for one in hours), sum(one.sent for one in hours))


@dataclass(frozen=True, slots=True)
class Line:
    """A name, how many of it there are, and how long that makes its bar, of 100."""

    name: str
    count: int
    length: float


def of_counts(counts: Mapping[str, int]) -> tuple[Line, ...]:
    """One bar for each name."""
    most = max(counts.values(), default=0)
    return tuple(Line(name, count, round(100 * count / most, 1) if most else 0) for name, count in counts.items())
