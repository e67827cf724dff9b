"""Tables as text: figures in columns, and what only stands side by side one after another."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

WIDEST_CELL, WIDEST_ROW = 60, 160
"""In characters: what is wider than that is no table of figures and words, but a page that somebody laid out."""
SPANS = 50
"""The columns, or rows, that one cell is taken to span."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell; `right` if it is to stand at the right."""

    text: str
    right: bool = False
    columns: int = 1
    rows: int = 1


def as_text(rows: Iterable[Sequence[Cell]]) -> str:
    """The table, its columns in line where it is one that is read by column."""
    placed = _placed(rows)
    widths = _widths(placed)
    if len(widths) > 1 and sum(widths) + 2 * len(widths) <= WIDEST_ROW and _is_read_by_column(placed):
        return "\n".join(_line(row, widths) for row in placed)
    return "\n".join(filter(None, (_one_after_another(row) for row in placed)))


def _placed(rows: Iterable[Sequence[Cell]]) -> list[list[Cell]]:
    """The rows with an empty cell wherever one from above, or from the left, reaches to."""
    placed: list[list[Cell]] = []
    reaching: dict[int, int] = {}
    for row in rows:
        cells: list[Cell] = []
        for cell in row:
            _skip(cells, reaching)
            for column in range(min(cell.columns, SPANS)):
                reaching[len(cells)] = min(cell.rows, SPANS) - 1
                cells.append(cell if column == 0 else Cell(""))
        _skip(cells, reaching)
        placed.append(cells)
    return placed


def _skip(cells: list[Cell], reaching: dict[int, int]) -> None:
    while reaching.get(len(cells), 0) > 0:
        reaching[len(cells)] -= 1
        cells.append(Cell(""))


def _is_read_by_column(rows: list[list[Cell]]) -> bool:
    return all("\n" not in cell.text and _width(cell.text) <= WIDEST_CELL for row in rows for cell in row)


def _widths(rows: list[list[Cell]]) -> list[int]:
    columns = zip_longest(*rows, fillvalue=Cell(""))
    return [max(_width(cell.text) for cell in column) for column in columns]


def _width(text: str) -> int:
    """The columns that text takes where all signs are equally wide; those of East Asia are twice as wide."""
    if text.isascii():
        return len(text)
    return sum((unicodedata.east_asian_width(sign) in "WF") + (not unicodedata.combining(sign)) for sign in text)


def _line(row: list[Cell], widths: list[int]) -> str:
    return "  ".join(_filled(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip()


def _filled(cell: Cell, width: int) -> str:
    room = " " * (width - _width(cell.text))
    return room + cell.text if cell.right else cell.text + room


def _one_after_another(row: list[Cell]) -> str:
    texts = [cell.text for cell in row if cell.text.strip()]
    return ("\n" if any("\n" in text for text in texts) else "  ").join(texts)
