"""People's cards as telephones and mail programs send them: vCard 2.1, 3.0 (RFC 2426) and 4.0 (RFC 6350).

Read by lines of our own: vobject takes time that doubles with each pair of quotes, gives up where a card has no end,
and writes what it cannot read into the log.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from gateway.mail.bounds import CARD_LENGTH, CARD_LINES, CARD_OCTETS, CARD_VALUES, CARDS, VALUE_OCTETS
from gateway.mail.charsets import as_text
from gateway.mail.decoding import clean

_LINE = re.compile(rb"[^\r\n]++")
_HEAD = re.compile(rb'[^":\n]*+(?:"[^"\n]*+"[^":\n]*+)*+:')
_PARAMETER = re.compile(r'(?:[^;"]|"[^"]*+"|")++')
_BITS = re.compile(r"\\.|;|[^\\;]++|\\", re.DOTALL)
_ESCAPED = {"\\n": "\n", "\\N": "\n"}
_DAY = re.compile(r"(?P<year>\d{4}|--)-?(?P<month>\d\d)-?(?P<day>\d\d)(?:T.{0,40})?")
_SCHEME = re.compile(r"(?:tel|mailto):", re.IGNORECASE)
PLACES = ("home", "work", "cell", "fax")
"""What a number or an address may be said to be; other types say little to people."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a person can be reached: a number, or an address in one or more lines, and what is said of it (PLACES)."""

    value: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Birthday:
    """`day` in the year 2000 where no year is given; `words` where it is no date."""

    day: date | None = None
    has_year: bool = False
    words: str = ""


@dataclass(slots=True)
class Card:
    """One person, or one organisation; "" for what is not said."""

    name: str = ""
    organisation: str = ""
    title: str = ""
    birthday: Birthday | None = None
    phones: list[Reach] = field(default_factory=list)
    mails: list[Reach] = field(default_factory=list)
    addresses: list[Reach] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    parameters: tuple[str, ...]
    """In small letters, each with its name where it has one: in 2.1 `WORK` is `TYPE=WORK`."""
    octets: bytes

    def parameter(self, name: str) -> str:
        start = f"{name}="
        return next((one.removeprefix(start).strip('"') for one in self.parameters if one.startswith(start)), "")

    @property
    def is_quoted(self) -> bool:
        return any(one.endswith("quoted-printable") for one in self.parameters)

    @property
    def text(self) -> str:
        octets = binascii.a2b_qp(self.octets) if self.is_quoted else self.octets
        return as_text(octets, self.parameter("charset") or "utf-8")

    @property
    def fields(self) -> list[str]:
        """The parts of the value, which semicolons divide, made clean; lines in them are kept (RFC 6350 §3.4)."""
        parts = [""]
        for bit in _BITS.findall(self.text[: 20 * CARD_LENGTH]):
            if bit == ";":
                parts.append("")
            else:
                parts[-1] += _ESCAPED.get(bit, bit.removeprefix("\\") or bit)
        return [_said(one) for one in parts[:20]]

    @property
    def places(self) -> tuple[str, ...]:
        said = re.split(r"[=,\"]", ",".join(one for one in self.parameters if "=" not in one or one[:5] == "type="))
        return tuple(one for one in PLACES if one in said)


def cards(octets: bytes) -> list[Card]:
    """The cards of a file, as many as `bounds.CARDS`; none where it holds none."""
    found: list[Card] = []
    open_: list[Card] = []
    for line in _lines(octets[:CARD_OCTETS]):
        marks_card = line.octets.strip().upper() == b"VCARD"
        if line.name == "begin" and marks_card:
            if len(found) >= CARDS:
                break
            open_.append(Card())
            found.append(open_[-1])
        elif line.name == "end" and marks_card:
            del open_[-1:]
        elif open_ and (read := _READ.get(line.name)):
            read(open_[-1], line)
    return [one for one in found if one != Card()]


# ------------------------------------------------------------------------------------------------------------- lines


def _lines(octets: bytes) -> Iterator[_Line]:
    octets = octets.removeprefix(b"\xef\xbb\xbf")
    # vCard 2.1 §2.1.3 divides lines where there is a space, which stays; RFC 6350 §3.2 puts one in.
    stays = re.search(rb"(?i)^VERSION:2\.1", octets, re.MULTILINE) is not None
    whole: list[bytes] = []
    quoted = False
    for found in islice(_LINE.finditer(octets), CARD_LINES):
        line = found[0]
        if whole and (quoted or line[:1] in (b" ", b"\t")):
            whole.append(line if stays or quoted else line[1:])
        else:
            if whole:
                yield _line(b"".join(whole))
            whole = [line]
            quoted = b"QUOTED-PRINTABLE" in line[:VALUE_OCTETS].upper()
        quoted = quoted and line.endswith(b"=")
        if quoted:
            whole[-1] = whole[-1][:-1]
    if whole:
        yield _line(b"".join(whole))


def _line(octets: bytes) -> _Line:
    head = _HEAD.match(octets, 0, VALUE_OCTETS)
    end = head.end() if head else octets.find(b":", 0, VALUE_OCTETS) + 1
    name, *parameters = _PARAMETER.findall(octets[: max(end - 1, 0)].decode("latin-1").lower()) or [""]
    said = tuple(one.strip() for one in parameters)
    return _Line(name.rpartition(".")[2].strip(), said, octets[end:] if end else b"")


def _said(text: str) -> str:
    lines = (clean(one) for one in text[:CARD_LENGTH].splitlines())
    return "\n".join(one for one in lines if one)


# ---------------------------------------------------------------------------------------------------- what they say


def _full_name(card: Card, line: _Line) -> None:
    card.name = "; ".join(filter(None, line.fields)) or card.name


def _name(card: Card, line: _Line) -> None:
    """The parts of a name, where it does not stand as a whole too (RFC 6350 §6.2.2)."""
    family, given, more, before, after = [*line.fields, "", "", "", "", ""][:5]
    card.name = card.name or " ".join(filter(None, (before, given, more, family, after)))


def _organisation(card: Card, line: _Line) -> None:
    card.organisation = card.organisation or ", ".join(filter(None, line.fields))


def _title(card: Card, line: _Line) -> None:
    card.title = card.title or "; ".join(filter(None, line.fields))


def _phone(card: Card, line: _Line) -> None:
    _add(card.phones, _SCHEME.sub("", "; ".join(filter(None, line.fields)), 1), line)


def _mail(card: Card, line: _Line) -> None:
    _add(card.mails, _SCHEME.sub("", "".join(line.fields), 1), line)


def _address(card: Card, line: _Line) -> None:
    """Box, extension, street, place, region, code and country (RFC 6350 §6.3.1), a line for each."""
    _add(card.addresses, "\n".join(filter(None, line.fields)), line)


def _birthday(card: Card, line: _Line) -> None:
    words = "; ".join(filter(None, line.fields))
    told = _DAY.fullmatch(words)
    year = told["year"] if told else ""
    has_year = year not in ("", "--", line.parameter("x-apple-omit-year"))
    day = _date(int(year) if has_year else 2000, told) if told else None
    card.birthday = Birthday(day, has_year) if day else Birthday(words=words) if words else card.birthday


def _date(year: int, told: re.Match[str]) -> date | None:
    try:
        return date(year, int(told["month"]), int(told["day"]))
    except ValueError:
        return None


def _add(to: list[Reach], value: str, line: _Line) -> None:
    reach = Reach(value, line.places)
    if value and len(to) < CARD_VALUES and reach not in to:
        to.append(reach)


_READ = {
    "fn": _full_name,
    "n": _name,
    "org": _organisation,
    "title": _title,
    "tel": _phone,
    "email": _mail,
    "adr": _address,
    "bday": _birthday,
}
