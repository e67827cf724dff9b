"""Text as it is searched: without what one person types and the next does not.

Searching compares folded forms of both sides, so that "muller" and "MÜLLER" find "Müller", however its ü was composed.
"""

import re
from unicodedata import normalize

_UNSEEN = (
    *(0xAD, 0x34F, 0x61C, 0x640, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
)
"""What shows nothing: soft hyphens, what joins or directs letters, variants of signs; and the Arabic kashida."""
_MARKS = (
    *range(0x300, 0x345),
    *range(0x346, 0x370),
    *range(0x591, 0x5BE),
    0x5BF,
    0x5C1,
    0x5C2,
    *range(0x64B, 0x660),
    0x670,
)
"""Accents (the iota below is a letter), and the points of Hebrew and Arabic. Vowel signs of other scripts stay."""
_ALIKE = {
    "'": "‘’‚‛ʼʹ′`",
    '"': "“”„‟«»",
    "-": "‐‑‒–—―−⁃",
    "o": "ø",
    "l": "ł",
    "d": "đð",
    "h": "ħ",
    "i": "ı",
    "t": "ŧ",
    "ae": "æ",
    "oe": "œ",
    "th": "þ",
}
"""What is typed for signs and letters that keyboards lack, or that programs put in by themselves."""
_FOLDS = {
    **dict.fromkeys((*_UNSEEN, *_MARKS), None),
    **{ord(sign): typed for typed, signs in _ALIKE.items() for sign in signs},
}
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
"""Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han."""
_MANY_SIGNS = re.compile(r"(?:[^\w\s!-~]|[\uff9e\uff9f]){30}")
"""So many signs without a letter between them; what combines with a letter is none, but for two marks of kana."""
_JOINER = "\u034f"
_BETWEEN = re.compile(rf"(?<={_UNSPACED})\s+(?={_UNSPACED})")
_PIECE = re.compile(r'"([^"]*)"|([^\s"]+)')


def folded(text: str) -> str:
    """The text in one form for all its spellings (Unicode's compatible decomposition, case-folded), without accents."""
    if text.isascii():
        return text.replace("`", "'").lower()
    # UAX #15 §13: ordering the accents of one letter takes the square of their number; joiners part them (and go).
    bounded = _MANY_SIGNS.sub(rf"\g<0>{_JOINER}", text)
    decomposed = normalize("NFKD", bounded.replace("´", "'"))  # which would become a space with an accent
    # Unicode §3.13, D146: what was case-folded may be to decompose anew.
    return normalize("NFKD", decomposed.casefold()).translate(_FOLDS)


def searchable(text: str) -> str:
    """The folded text on one line: where the writer's program broke it is nothing that a reader knows."""
    return _BETWEEN.sub("", " ".join(folded(text).split()))


def sought(typed: str) -> tuple[str, ...]:
    """What somebody looks for, folded: each word, and each group of words between quotation marks."""
    found = (searchable(phrase or word) for phrase, word in _PIECE.findall(folded(typed)))
    return tuple(one for one in found if one)


def has_all(text: str, pieces: tuple[str, ...]) -> bool:
    """Whether a searchable text has each of them, as a word, or as a part of one; without any it has nothing."""
    return bool(pieces) and all(piece in text for piece in pieces)
