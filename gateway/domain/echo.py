"""A typed line as it may be read back to who wrote it."""

from difflib import get_close_matches

from gateway.domain.birthdate import month_named, tidy
from gateway.domain.words import ANNOUNCERS

LONGEST_LINE = 998  # RFC 5322 §2.1.1
LONGEST_ECHO = 100
BLANK = "…"
DECORATION = " *\"'`“”„‟‘’‚«»‹›「」『』.,!;:-–—•·▪。！，、：；"
"""What mail programs and people put around a word without meaning anything by it."""


def echo(line: str) -> str:
    """The start of a line as it may be shown: no birthdate that hides in it, and nothing that does not print."""
    visible = "".join(filter(str.isprintable, tidy(line[:LONGEST_LINE])[:LONGEST_ECHO]))
    shown: list[str] = []
    words = visible.split()
    for number, word in enumerate(words, start=1):
        shown.append(BLANK if _may_date(word) else word)
        if number < len(words) and _announces(word):
            return " ".join([*shown, BLANK])
    return " ".join(shown)


def _may_date(word: str) -> bool:
    """Whether the word may be part of a date: any script's digits, or a month. Addresses with digits go as well."""
    return any(map(str.isnumeric, word)) or month_named(word.strip(DECORATION)) is not None


def _announces(word: str) -> bool:
    bare = word.strip(DECORATION).casefold()
    return 2 <= len(bare) <= 20 and bool(get_close_matches(bare, ANNOUNCERS, n=1, cutoff=0.75))  # others can't be alike
