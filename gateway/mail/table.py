"""A table that somebody attached to a reply: people's addresses and birthdates, a row each, as CSV (RFC 4180)."""

import csv
import io
from collections.abc import Iterator

from gateway.domain.commands import says_who
from gateway.mail.bounds import READ_LINE, TABLE_OCTETS, TABLE_ROWS
from gateway.mail.charsets import as_text
from gateway.mail.decoding import lines
from gateway.mail.mime import Part, TooMuch, tree

_TYPES = frozenset({"text/csv", "text/tab-separated-values", "application/csv", "text/comma-separated-values"})
_ENDINGS = (".csv", ".tsv")
_DELIMITERS = ",;\t"


def commands_in(raw: bytes) -> tuple[str, ...]:
    """A command for each row of the tables that are attached, at most TABLE_ROWS.

    A row that names nobody is told by its number; a first one is taken for the headings.
    """
    try:
        parts = _tables(tree(raw))
    except TooMuch:
        return ()
    texts = [lines(as_text(part.content()[:TABLE_OCTETS])) for part in parts]
    return tuple(line for text in texts for line in _commands(text))[:TABLE_ROWS]


def _tables(part: Part) -> list[Part]:
    inner = [one for child in part.parts for one in _tables(child)]
    is_table = part.content_type in _TYPES or part.filename.lower().endswith(_ENDINGS)
    return [part, *inner] if is_table and not part.multipart else inner


def _commands(text: str) -> Iterator[str]:
    """What each row says, in the words of a command."""
    text = text.removeprefix("\ufeff")
    for number, row in enumerate(_rows(text), start=1):
        cells = [cell.strip()[:READ_LINE] for cell in row]
        person = next((cell for cell in cells if "@" in cell), "")
        if person:
            yield f"{person} {_said([cell for cell in cells if cell and '@' not in cell])}".strip()
        elif any(cells) and number > 1:
            yield f"{ROW} {number}"


ROW = "row"
"""What stands before the number of a row that names nobody."""


def _rows(text: str) -> Iterator[list[str]]:
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text[:TABLE_OCTETS]), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error:  # a field longer than the module takes, or a NUL
        return


def _said(cells: list[str]) -> str:
    """What a row says of its person: the relationship where a cell names one, else the birthdate of a patient."""
    if told := next((cell for cell in cells if says_who(cell)), ""):
        rest = next((cell for cell in cells if cell != told and _has_figure(cell)), "")
        return told if _has_figure(told) or not rest else f"{told} {rest}"
    born = next((cell for cell in cells if _has_figure(cell)), "")
    return f"PATIENT {born}".strip()


def _has_figure(cell: str) -> bool:
    return any(map(str.isnumeric, cell))
