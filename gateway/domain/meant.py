"""Which verb somebody may have meant who wrote none: they are asked, and nothing is done."""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches

from gateway.domain.birthdate import Doubt, fold, read_birthdate, tidy
from gateway.domain.echo import DECORATION
from gateway.domain.verbs import PHRASES, VERBS, Verb
from gateway.domain.words import COURTESIES

_LIKE = 0.75
"""How alike two words must be: `cancle` and `cancel` are by 0.83."""
_SHORTEST, _LONGEST = 3, 20
"""The letters of a word that may be a slip: shorter ones are too much alike."""
_FEW = 6
"""The words of a line in which a verb may stand anywhere: longer ones are prose."""
_MEANT: Mapping[str, Verb] = {
    **{fold(word): verb for verb, spec in VERBS.items() for word in spec.meant},
    **PHRASES,
}


def meant(line: str) -> Verb | None:
    """The verb that this line, which is no command, comes nearest to; None where nothing tells."""
    words = [word for word in _words(line) if word not in COURTESIES]
    first = _named(words[:2]) or _named(words[:1])
    if first or not words:
        return first
    if _is_birthdate(line):
        return Verb.PATIENT
    if len(words) > _FEW:
        return None
    inside = (_MEANT.get(word) for word in words)
    return next((verb for verb in inside if verb and VERBS[verb].sought_within), None) or _misspelt(words[0])


def _words(line: str) -> list[str]:
    """The line's words, folded, without addresses; of many, the first."""
    bare = (word.strip(DECORATION + "_~#/|[](){}") or word for word in tidy(line[:500]).replace(":", " ").split())
    return [fold(word) for word in bare if "@" not in word][: _FEW + 1]


def _named(words: list[str]) -> Verb | None:
    return _MEANT.get(" ".join(words))


def _misspelt(word: str) -> Verb | None:
    """The verb of which a word is a slip."""
    if not _SHORTEST <= len(word) <= _LONGEST:
        return None
    return next((PHRASES[one] for one in get_close_matches(word, PHRASES, n=1, cutoff=_LIKE)), None)


def _is_birthdate(line: str) -> bool:
    found = read_birthdate(line.strip(DECORATION), date.max)
    return found not in (Doubt.UNREADABLE, Doubt.MISSING)
