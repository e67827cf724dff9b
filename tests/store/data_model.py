"""The data model as a page and a picture, read from the schema: what its comments say is what is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from importlib import resources

from gateway.store import migrations
from gateway.store.migrations import in_order, statements

_TABLE = re.compile(r"CREATE TABLE (\w+) \(\n(.*)\n\);", re.DOTALL)
_COLUMN = re.compile(r"^    ([a-z_]+) (TEXT|INTEGER|BLOB)([^,\n-]*?),?(?:  -- (.*))?$", re.MULTILINE)
_ADDED = re.compile(r"^ALTER TABLE (\w+) ADD COLUMN (\w+) (TEXT|INTEGER|BLOB)([^,\n;]*);(?:  -- (.*))?$", re.MULTILINE)
_REFERENCE = re.compile(r"REFERENCES (\w+)")
_KINDS = {"INTEGER": "number", "TEXT": "text", "BLOB": "octets"}


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    refers_to: str
    may_be_empty: bool
    says: str


@dataclass(frozen=True)
class Table:
    name: str
    says: str
    columns: tuple[Column, ...]

    @property
    def refers_to(self) -> list[str]:
        return list(
            dict.fromkeys(one.refers_to for one in self.columns if one.refers_to and one.refers_to != self.name)
        )


def tables() -> list[Table]:
    """The tables, in the order in which the schema has them."""
    scripts = [one.read_text("utf-8") for one in in_order(resources.files(migrations).iterdir())]
    made = [_table(one) for script in scripts for one in statements(script) if "CREATE TABLE" in one]
    added = [one for script in scripts for one in _ADDED.findall(script)]
    return [
        replace(table, columns=(*table.columns, *(_column(*one) for name, *one in added if name == table.name)))
        for table in made
    ]


def _table(statement: str) -> Table:
    above, _, rest = statement.partition("CREATE TABLE")
    name, body = _TABLE.search("CREATE TABLE" + rest).groups()
    paragraphs = "\n".join(line.removeprefix("-- ") for line in above.strip().splitlines()).split("\n\n")
    return Table(name, " ".join(paragraphs[-1].split()), tuple(_column(*one) for one in _COLUMN.findall(body)))


def _column(name: str, kind: str, more: str, says: str) -> Column:
    reference = _REFERENCE.search(more)
    is_needed = "NOT NULL" in more or "PRIMARY KEY" in more
    return Column(name, _KINDS[kind], reference[1] if reference else "", not is_needed, says)


def page() -> str:
    """What stands below the mark of docs/data-model.md."""
    return "\n" + "\n\n".join(_section(one) for one in tables()) + "\n"


def _section(table: Table) -> str:
    rows = [f"| `{one.name}` | {_kind(one)} | {one.says} |" for one in table.columns]
    return "\n".join([f"## {table.name}", "", table.says, "", "| column | kind | |", "|---|---|---|", *rows])


def _kind(column: Column) -> str:
    kind = f"a {column.refers_to}" if column.refers_to else column.kind
    return f"{kind}, or empty" if column.may_be_empty else kind


# --------------------------------------------------------------------------------------------------------- the picture

WIDTH, BOX, HEIGHT, GAP = 960, 132, 30, 74
"""Of the picture, of a box, and between two rows of them, in pixels."""


def picture() -> str:
    """Which table refers to which, as SVG: each stands below those that it refers to."""
    known = {one.name: one for one in tables()}
    places = _places(known)
    arrows = [_arrow(places[one.name], places[to]) for one in known.values() for to in one.refers_to]
    boxes = [_box(name, place) for name, place in places.items()]
    height = max(y for _, y in places.values()) + HEIGHT + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="Which table refers to which" font-family="sans-serif" font-size="13">\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join([*arrows, *boxes]) + "\n</svg>\n"
    )


def _places(known: Mapping[str, Table]) -> dict[str, tuple[int, int]]:
    rows: dict[int, list[str]] = {}
    named = {to for one in known.values() for to in one.refers_to}
    for name, table in known.items():
        stands_alone = not table.refers_to and name not in named
        rows.setdefault(len(known) if stands_alone else _rank(name, known), []).append(name)
    places: dict[str, tuple[int, int]] = {}
    y = 20
    for _, names in sorted(rows.items()):
        ordered = sorted(names, key=lambda name: _middle(known[name], places))
        for start in range(0, len(ordered), 6):
            here = ordered[start : start + 6]
            step = WIDTH // len(here)
            places |= {name: (step * at + (step - BOX) // 2, y) for at, name in enumerate(here)}
            y += HEIGHT + (GAP if start + 6 >= len(ordered) else 16)
    return places


def _rank(name: str, known: Mapping[str, Table]) -> int:
    return max((_rank(one, known) + 1 for one in known[name].refers_to), default=0)


def _middle(table: Table, places: Mapping[str, tuple[int, int]]) -> float:
    above = [places[one][0] for one in table.refers_to]
    return sum(above) / len(above) if above else 0.0


def _box(name: str, place: tuple[int, int]) -> str:
    x, y = place
    return (
        f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="4" fill="#eef5f5" stroke="#0b5563"/>'
        f'<text x="{x + BOX // 2}" y="{y + 20}" text-anchor="middle" fill="#12262b">{escape(name)}</text>'
    )


def _arrow(below: tuple[int, int], above: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = (below[0] + BOX // 2, below[1]), (above[0] + BOX // 2, above[1] + HEIGHT)
    bend = (y1 - y2) // 2
    return (
        f'<path d="M{x1},{y1} C{x1},{y1 - bend} {x2},{y2 + bend} {x2},{y2 + 5}" fill="none" stroke="#6b8a91"/>'
        f'<path d="M{x2 - 4},{y2 + 7} L{x2},{y2} L{x2 + 4},{y2 + 7}" fill="#6b8a91"/>'
    )
