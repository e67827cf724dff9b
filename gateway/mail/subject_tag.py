"""Tags in a subject: those that mark a mail, and what somebody may have typed in place of one.

A subject is compared as people read it: without case, accents, width and characters that nobody sees. What is cut out
is cut out of the subject as it was written.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from unicodedata import category, normalize

from gateway.domain.commands import says_who
from gateway.mail.decoding import clean


@dataclass(frozen=True, slots=True)
class Tag:
    """Where a tag stands in a subject, and what it says of the recipient, as it was written."""

    start: int
    end: int
    details: str = ""


@dataclass(frozen=True, slots=True)
class Folded:
    """A subject as it is compared; `at` finds the character as it was written."""

    text: str
    _ends: Sequence[int]
    """Behind each character as it was written: how many stand here so far."""

    def at(self, position: int) -> int:
        """The index of the character as it was written that this one comes from."""
        return bisect_right(self._ends, position) if self._ends else position


class _Folding(dict[str, str]):
    """What each character is compared as, worked out once; "" for marks and for what nobody sees."""

    def __missing__(self, character: str) -> str:
        parts = (c for c in normalize("NFKD", character) if category(c) not in ("Mn", "Cf", "Me") and c not in _UNSEEN)
        folded = "".join(_BRACKETS.get(c, c) for c in parts).casefold()
        self[character] = folded
        return folded


_UNSEEN = "\u115f\u1160\u3164\uffa0\u2800"
_BRACKETS = dict(zip("【〔〖「『】〕〗」』", "[[[[[]]]]]", strict=True))
_FOLDING = _Folding()


def folded(subject: str) -> Folded:
    """The subject as it is compared, in time that grows with its length."""
    if subject.isascii():
        return Folded(subject.lower(), ())
    parts = [_FOLDING[character] for character in subject]
    return Folded("".join(parts), list(accumulate(map(len, parts))))


def tags(subject: str, words: tuple[str, ...]) -> list[Tag]:
    """Every tag in the subject that marks a mail; `words` are those of the site, with their brackets."""
    return _found(subject, _marking(words)) if words else []


def near(subject: str, words: tuple[str, ...]) -> list[Tag]:
    """What almost is a tag: misspelt, in other brackets, or in another system's spelling."""
    read = folded(subject)
    bare = _bare(words)
    found = chain(_bracketed(read.text, bare), _decorated(read.text, bare))
    return [_tag(subject, read, start, end, details) for start, end, details in sorted(found)]


def without(subject: str, found: Iterable[Tag]) -> str:
    """The subject without these tags."""
    kept, at = [], 0
    for tag in sorted(found, key=lambda tag: tag.start):
        kept.append(subject[at : max(tag.start, at)])
        at = max(tag.end, at)
    return clean(" ".join([*kept, subject[at:]]))


# ---------------------------------------------------------------------------------------------------------- that mark

_DIVIDES = ":;,|/=\u2013\u2014"
_DETAILS = r"(?P<gap>\s*+[:;,|/=\u2013\u2014]++\s*+|\s++|[^\w\[\]](?=[^\w\]]*+\w))(?P<details>[^\]]*+)"


@lru_cache(maxsize=16)
def _marking(words: tuple[str, ...]) -> re.Pattern[str]:
    """`[secure]` also reads `[ Secure: patient 1980-02-03 ]`; a configured tag without brackets is read as it stands.

    A tag that its writer forgot to close runs to the end: rather hold a mail than let one pass that was meant to be
    secure.
    """
    bracketed = "|".join(_spaced(word[1:-1]) for word in words if _is_bracketed(word))
    plain = "|".join(_spaced(word) for word in words if not _is_bracketed(word))
    closed = rf"\[[^\w\[\]]*+(?:{bracketed})(?:{_DETAILS}|[^\w\[\]]*+)(?:\]|\Z)" if bracketed else ""
    return re.compile("|".join(filter(None, (closed, plain))))


def _found(subject: str, pattern: re.Pattern[str]) -> list[Tag]:
    read = folded(subject)
    found = []
    for match in pattern.finditer(read.text):
        groups = match.groupdict()
        details, gap = groups.get("details") or "", groups.get("gap") or ""
        if gap.strip() and gap.strip()[0] not in _DIVIDES and not says_who(details):
            continue  # [secure-mail] is the name of something, or a slip: see `near`
        end = match.end()
        if not match[0].endswith("]") and details and not says_who(details) and not _has_figure(details):
            end = match.start("details")  # never closed: what follows is the subject
            details = ""
        found.append(_tag(subject, read, match.start(), end, details, match.start("details") if details else 0))
    return found


# ------------------------------------------------------------------------------------------------------- that may mark

_ELSEWHERE = frozenset(
    (
        *("secure", "encrypt", "encrypted", "securemail", "securemessage", "secureemail", "securely", "gesichert"),
        *("verschlusselt", "verschlusseln", "cifrado", "cifrar", "encriptado", "encriptar", "chiffre", "chiffrer"),
    )
)
"""What other systems, and people who are used to them, write."""
_COMPANIONS = frozenset(
    (
        *("mail", "email", "e-mail", "message", "msg", "please", "pls", "bitte", "nachricht"),
        *("mensaje", "correo", "courriel", "courrier", "svp"),
    )
)
"""Words that may follow within the brackets: with any other it is the name of something."""
_IN_BRACKETS = re.compile(r"[\[({<]\s*+(?P<word>[^\W\d_]{3,24}+)(?P<rest>[^\[\](){}<>]*+)(?P<end>[\])}>]|\Z)")
_UNOPENED = re.compile(r"(?:(?<=:\s)|\A)\W{0,5}+(?P<word>[^\W\d_]{3,24}+)(?P<rest>[^\[\](){}<>]{0,40}+)\]")
_WITHIN_SIGNS = re.compile(r"(?<!\w)(?P<sign>[*_~/|=\"'-]{1,3}+)(?P<word>[^\W\d_]{3,24}+)(?P=sign)(?!\w)")
_HASH = re.compile(r"(?<![\w#])#(?P<word>[^\W\d_]{3,24}+)(?!\w)")
_LABEL = re.compile(r"\A(?:\s{0,3}[a-z]{2,4}\s{0,3}:){0,5}\s{0,3}(?P<word>[^\W\d_]{3,24}+)\s*+:")

_ALONE = re.compile(r"\A\W{0,5}+(?P<word>[^\W\d_]{3,24}+)\W{0,5}+\Z")

Found = tuple[int, int, tuple[int, int] | None]


def _bracketed(text: str, words: frozenset[str]) -> Iterator[Found]:
    for match in chain(_IN_BRACKETS.finditer(text), _UNOPENED.finditer(text)):
        word, rest = match["word"], match["rest"]
        square = match[0].startswith("[") or match[0].endswith("]")
        joined = "".join(filter(str.isalpha, word + rest))
        if not (_is_like(word, words, spelled=square) or (joined in words | _ELSEWHERE)):
            continue
        if says_who(rest):
            yield match.start(), match.end(), match.span("rest")
        elif joined in words | _ELSEWHERE or _is_companion(rest) or (square and _has_figure(rest)):
            yield match.start(), match.end(), None


def _decorated(text: str, words: frozenset[str]) -> Iterator[Found]:
    for match in chain(_WITHIN_SIGNS.finditer(text), _HASH.finditer(text)):
        if _is_like(match["word"], words, spelled=True):
            yield match.start(), match.end(), None
    label = _LABEL.match(text) or _ALONE.match(text)
    if label and (label["word"] in words or label["word"] in _ELSEWHERE):
        yield label.start("word"), label.end(), None


def _is_companion(rest: str) -> bool:
    typed = [word.strip("-_.,:;!?/ ") for word in rest.split()]
    return all(not word or word in _COMPANIONS for word in typed)


def _is_like(word: str, words: frozenset[str], *, spelled: bool) -> bool:
    """Whether a word is one of the site's, or of other systems', or (`spelled`) one slip away from the site's."""
    return word in words or word in _ELSEWHERE or (spelled and any(_one_slip(word, right) for right in words))


def _one_slip(typed: str, right: str) -> bool:
    """Whether one letter is missing, too many or wrong, or two neighbours changed places."""
    if len(right) < 5 or abs(len(typed) - len(right)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(typed, right, strict=False)) if a != b), min(len(typed), len(right)))
    rest, wanted = typed[at:], right[at:]
    swapped = rest[:2] == wanted[:2][::-1] and rest[2:] == wanted[2:]
    return rest[1:] == wanted or rest == wanted[1:] or rest[1:] == wanted[1:] or swapped


# --------------------------------------------------------------------------------------------------------------- parts


def _tag(
    subject: str, read: Folded, start: int, end: int, details: str | tuple[int, int] | None, details_at: int = 0
) -> Tag:
    """A tag by where it stands in the folded subject."""
    span = details if isinstance(details, tuple) else (details_at, details_at + len(details)) if details else None
    said = subject[read.at(span[0]) : read.at(span[1] - 1) + 1] if span and span[1] > span[0] else ""
    return Tag(read.at(start), read.at(end - 1) + 1, clean(said).strip(" ,;:|/=-–—"))


def _is_bracketed(word: str) -> bool:
    return word.startswith("[") and word.endswith("]")


@lru_cache(maxsize=16)
def _bare(words: tuple[str, ...]) -> frozenset[str]:
    """The letters of the site's tags, as they are compared."""
    return frozenset("".join(filter(str.isalpha, folded(word).text)) for word in words)


def _spaced(words: str) -> str:
    return r"\s++".join(re.escape(word) for word in folded(words).text.split())


def _has_figure(text: str) -> bool:
    return any(map(str.isnumeric, text))
