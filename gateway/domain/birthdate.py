"""Birthdates as people type them: one date, or the reason why it cannot be told. Nothing is ever guessed.

A general date parser answers something for almost any text; here a wrong answer would lock a patient out, so the
forms that count are listed below, and all else is a doubt that the sender is asked about.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum

EARLIEST = date(1900, 1, 1)
"""Nobody alive was born before."""
LONGEST = 100
"""The characters of a date, or of a name: putting accents in order takes time with the square of their number."""

MONTH_NAMES: Mapping[str, tuple[str, ...]] = {
    "en": (
        *("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug"),
        *("september sept sep", "october oct", "november nov", "december dec"),
    ),
    "es": (
        *("enero ene", "febrero feb", "marzo mar", "abril abr", "mayo may", "junio jun", "julio jul", "agosto ago"),
        *("septiembre setiembre sept sep set", "octubre oct", "noviembre nov", "diciembre dic"),
    ),
    "fr": (
        *("janvier janv jan", "février févr fév", "mars mar", "avril avr", "mai", "juin", "juillet juil", "août"),
        *("septembre sept sep", "octobre oct", "novembre nov", "décembre déc"),
    ),
    "de": (
        *("januar jänner jan", "februar feber feb", "märz maerz mär mrz", "april apr", "mai", "juni jun"),
        *("juli jul", "august aug", "september sept sep", "oktober okt", "november nov", "dezember dez"),
    ),
}
"""January to December by language, each with its usual abbreviations. No name may mean two months."""


class Doubt(StrEnum):
    """Why a text is no birthdate."""

    AMBIGUOUS = "ambiguous"
    """It could be two dates: 03/04/1980."""
    IMPOSSIBLE = "impossible"
    """No calendar has it: 1980-02-30."""
    FUTURE = "future"
    TOO_OLD = "too_old"
    UNREADABLE = "unreadable"
    MISSING = "missing"


class Order(StrEnum):
    """In which order a practice writes the numbers of a date; the value is that of its setting."""

    UNSET = ""
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


def tidy(text: str) -> str:
    """The text without characters that nobody sees, and with single spaces for all white space."""
    return " ".join(text.translate(_INVISIBLE).split())


def fold(text: str) -> str:
    """Lower case, without the accents that month names carry. Canonical: full-width digits stay what they are.

    Of a text that is longer than any name (LONGEST), the start.
    """
    return unicodedata.normalize("NFD", text[:LONGEST]).translate(_ACCENTS).casefold()


def month_named(name: str) -> int | None:
    """The month (1 to 12) of a name or abbreviation, in any language of MONTH_NAMES; case and accents are free."""
    return _MONTHS.get(fold(name).strip(" ."))


def read_birthdate(text: str, today: date, order: Order = Order.UNSET) -> date | Doubt:
    """Read a typed birthdate, or say why not; `today` is the site's local date.

    Year-first, day-first and named months are read wherever only one date can be meant; `order` settles what could be
    two. Years have four digits, and digits are ASCII.
    """
    text = tidy(text)
    if len(text) > LONGEST:
        return Doubt.UNREADABLE
    text = _BORN.sub("", fold(text).translate(_DASHES).strip(_AROUND))
    text = _LEAD.sub("", _SPACED.sub(r"\1", text).strip(_AROUND))
    if not text:
        return Doubt.MISSING
    for form in _FORMS:
        if found := form.fullmatch(text):
            day, month, year = found["day"], found["month"], found["year"]
            day_first = _judge(day, month, year, today)
            if form is _EITHER_ORDER:
                return _settled(day_first, _judge(month, day, year, today), order)
            if form is _DOTTED and order is Order.MONTH_FIRST:  # who writes so here may mean either
                return _settled(day_first, _judge(month, day, year, today), Order.UNSET)
            return day_first
    return Doubt.UNREADABLE


def from_parts(day: str, month: str, year: str, today: date) -> date | Doubt:
    """Read the three fields of a form; the month may be a number or a name."""
    day, month, year = tidy(day), tidy(month), tidy(year)
    if not (day and month and year):
        return Doubt.MISSING
    if not (_ONE_OR_TWO.fullmatch(day) and _FOUR.fullmatch(year)):
        return Doubt.UNREADABLE
    return _judge(day, month, year, today)


def _judge(day: str, month: str, year: str, today: date) -> date | Doubt:
    number = int(month) if _ONE_OR_TWO.fullmatch(month) else month_named(month)
    if number is None:
        return Doubt.UNREADABLE
    try:
        born = date(int(year), number, int(day))
    except ValueError:
        return Doubt.IMPOSSIBLE
    if born > today:
        return Doubt.FUTURE
    return born if born >= EARLIEST else Doubt.TOO_OLD


def _settled(day_first: date | Doubt, month_first: date | Doubt, order: Order) -> date | Doubt:
    """The one reading that a calendar has, else the order's. That one of two lies in the future settles nothing."""
    possible = {day_first, month_first} - {Doubt.IMPOSSIBLE}
    if len(possible) > 1:
        return {Order.DAY_FIRST: day_first, Order.MONTH_FIRST: month_first}.get(order, Doubt.AMBIGUOUS)
    return next(iter(possible), Doubt.IMPOSSIBLE)


_INVISIBLE = dict.fromkeys(
    (0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
"""Soft hyphen, zero-width space, marks of direction: pasted along. The joiners stay: domains may need them."""
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212), "-")
"""Word processors turn hyphens into these."""
_ACCENTS = dict.fromkeys((0x300, 0x301, 0x302, 0x308))
"""Grave, acute, circumflex, diaeresis. Not every mark: a number that is struck through is not meant."""
_MONTHS = {
    fold(name): number
    for months in MONTH_NAMES.values()
    for number, names in enumerate(months, start=1)
    for name in names.split()
}

_AROUND = " .,;:!*()[]"
_BORN = re.compile(
    r"^(?:date of birth|birth ?date|birthday|born|d\.? ?o\.? ?b\b|b\b|geburtsdatum|geburtstag|geboren|geb\b|"
    r"date de naissance|ne(?:\(e\)|/e|e?\b)|fecha de nacimiento|nacid[oa](?:\([oa]\)|/[oa]|\b)|nac\b|f\. ?nac\b)"
    r"[ .:=]*(?:(?:on|the|is|am|ist|le|el|est|es)(?:[ :]+|$)){0,2}"
)
"""What announces a birthdate, as it is folded: born on, b., DOB:, geb. am, né(e) le, nacida el."""
_SPACED = re.compile(r" ?([-/.]) ?")
_LEAD = re.compile(r"^(?:el|le|am|den|the) (?=[0-9])")
_ONE_OR_TWO = re.compile(r"[0-9]{1,2}")
_FOUR = re.compile(r"[0-9]{4}")
_DAY = r"(?P<day>[0-9]{1,2})"
_NUMBER = r"(?P<month>[0-9]{1,2})"
_YEAR = r"(?P<year>[0-9]{4})"
_NTH = rf"{_DAY}(?:st|nd|rd|th|er|º|\.)?"
_NAME = r"(?P<month>[a-z]+)\.?"
_GAP = r"(?:,? |[-/]| of | del? )"
_EITHER_ORDER = re.compile(rf"{_DAY}(?P<mark>[-/]){_NUMBER}(?P=mark){_YEAR}")
_DOTTED = re.compile(rf"{_DAY}\.{_NUMBER}\.{_YEAR}")  # no locale of the CLDR that writes dots puts the month first
_FORMS = (
    _EITHER_ORDER,
    re.compile(rf"{_YEAR}(?P<mark>[-/.]){_NUMBER}(?P=mark){_DAY}"),  # ISO 8601-1 §5.2.2.1 and its looser cousins
    re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"),  # ISO 8601-1 §5.2.2.1, basic format
    _DOTTED,
    re.compile(rf"{_NTH}{_GAP}?{_NAME}{_GAP}?{_YEAR}"),
    re.compile(rf"{_NAME}{_GAP}?{_NTH}{_GAP}{_YEAR}"),
    re.compile(rf"{_YEAR}{_GAP}?{_NAME}{_GAP}?{_NTH}"),
)
