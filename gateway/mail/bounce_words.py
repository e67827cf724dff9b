"""The words that mail systems write into what they send back: bounce_words.toml, their table, and what fits it."""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from unicodedata import combining, normalize

from gateway.mail.bounds import BOUNCE_GAP, BOUNCE_TEXT


class Told(StrEnum):
    """What a list of the table's lines tells, named as it is there."""

    AUTHOR = "authors"
    """who wrote is a mail system"""
    TITLE = "titles"
    """the subject is one of mail that came back"""
    OPENING = "openings"
    """so does its text begin"""
    STILL_TRIED = "still_tried"
    """it may still arrive"""
    OVER = "over"
    """it will not, whatever else is said of delays"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table; `lasts` tells, of a reason, whether it will be so the next time as well."""

    words: str
    seen: str
    lasts: bool = False


_LASTS = {"permanent": True, "temporary": False}
_SIGNS = {
    " … ": rf" (?:(?:(?![.!?] ).){{0,{BOUNCE_GAP}}} )?",
    "*": r"\w{0,20}+",
    "#": r"\d{1,6}+",
    "(": "(?:",
    "|": "|",
    ")": ")",
    " ": " ",
}
"""Nothing in the table repeats without a bound, and only what stands between words is ever tried again."""
_WRITTEN = re.compile(r"[^\s()|*#…]++| … |[()|*# ]")
_IDEOGRAPHS = re.compile("[\u2e80-\u9fff\uac00-\ud7af]")
_PARAGRAPH = re.compile(r"\n[ \t\r]*+\n")
_MARKS = str.maketrans("’‘`´", "''''", "\xad\u200b\u200c\u200d\ufeff")


def folded(text: str) -> str:
    """A text as it is compared: case, accents, line breaks and the kind of apostrophe make no difference.

    A blank line ends a sentence.
    """
    bare = _PARAGRAPH.sub(". ", text[:BOUNCE_TEXT].translate(_MARKS))
    if not bare.isascii():
        # One by one: to put the accents of one letter in order takes the square of their number.
        bare = "".join(one for letter in bare.casefold() for one in normalize("NFKD", letter) if not combining(one))
        bare = normalize("NFC", bare)[:BOUNCE_TEXT]
    return " ".join(bare.lower().split())


def tells(what: Told, text: str) -> bool:
    """Whether a folded text has words of that list."""
    return any(pattern.search(text) for _, pattern in _patterns()[what])


def lasts(text: str) -> bool | None:
    """Whether the reason that a folded text gives will still hold the next time; None if it gives none."""
    return next((lasting for lasting, pattern in _patterns()["reasons"] if pattern.search(text)), None)


@cache
def table() -> dict[str, tuple[Line, ...]]:
    """The table as it stands in its file. Raises ValueError for a line that is not written as its head says."""
    lists = tomllib.loads(resources.files(__package__).joinpath("bounce_words.toml").read_text(encoding="utf-8"))
    if set(lists) != {*Told, "reasons"}:
        raise ValueError(f"bounce_words.toml has other lists: {sorted(lists)}")
    return {name: tuple(_line(name, one) for one in lines) for name, lines in lists.items()}


def _line(name: str, told: dict[str, str]) -> Line:
    meaning = told.get("meaning", "")
    expected = {"words", "seen"} | ({"meaning"} if name == "reasons" else set())
    if set(told) != expected or (meaning and meaning not in _LASTS):
        raise ValueError(f"bounce_words.toml, {name}: not written as the others: {told}")
    return Line(told["words"], told["seen"], _LASTS.get(meaning, False))


@cache
def _patterns() -> dict[str, list[tuple[bool, re.Pattern[str]]]]:
    """For each list its lines in their order; neighbours that mean the same are one pattern."""
    return {name: _joined(lines) for name, lines in table().items()}


def _joined(lines: tuple[Line, ...]) -> list[tuple[bool, re.Pattern[str]]]:
    runs: list[tuple[bool, list[str]]] = []
    for line in lines:
        if not runs or runs[-1][0] != line.lasts:
            runs.append((line.lasts, []))
        runs[-1][1].append(_compiled(line.words))
    return [(lasting, re.compile("|".join(run))) for lasting, run in runs]


def _compiled(words: str) -> str:
    inner = "".join(_SIGNS.get(piece, re.escape(folded(piece))) for piece in _WRITTEN.findall(words))
    return inner if _IDEOGRAPHS.search(words) else rf"(?<!\w)(?:{inner})(?!\w)"


table(), _patterns()
