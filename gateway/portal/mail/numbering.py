"""The numbers of lists, as they stand before their items."""

import re

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def label_of(kind: str, number: int) -> str:
    """What stands before the item of this number; `kind` is a value of `list-style-type`."""
    shown = str(number)
    if kind == "none":
        return ""
    if kind in ("disc", "circle", "square"):
        return "• "
    if kind.endswith("-alpha") and 1 <= number <= len(_LETTERS):
        shown = _LETTERS[number - 1]
    if kind.endswith("-roman") and 1 <= number < 4000:
        shown = _roman(number)
    return f"{shown.upper() if kind.startswith('upper') else shown}. "


def _roman(number: int) -> str:
    shown = ""
    for value, letters in _ROMAN:
        shown += letters * (number // value)
        number %= value
    return shown


def number_in(value: str | None, otherwise: int) -> int:
    """The number that an attribute gives, or another one."""
    return int(value) if value and re.fullmatch(r"-?[0-9]{1,6}", value.strip()) else otherwise
