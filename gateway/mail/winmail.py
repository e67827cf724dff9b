"""What Outlook packs into winmail.dat: TNEF (MS-OXTNEF), whose values are those of MAPI (MS-OXCDATA §2.11).

Only the places of things are told, so that a file can be given out without being held. Each value is read once, none
more often than the octets have room for; what is damaged ends the reading, and what was found before it stays.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.mail.bounds import PARTS, WINMAIL_DEPTH, WINMAIL_VALUES
from gateway.mail.charsets import as_text

_SIGNATURE = 0x223E9F78
_ATTACHMENT = 2  # a level, MS-OXTNEF §2.1.3.1
_BEGINS_FILE, _FILE_PROPERTIES, _FILE_TITLE, _FILE_DATA = 0x69002, 0x69005, 0x18010, 0x6800F
_CODE_PAGE, _BODY, _PROPERTIES, _CLASS = 0x69007, 0x2800C, 0x69003, 0x78008

_TEXT, _HTML, _RTF, _HTML_CODE_PAGE = 0x1000, 0x1013, 0x1009, 0x3FDE  # MS-OXPROPS
_DATA, _NAME, _LONG_NAME, _SHORT_NAME, _TYPE, _CONTENT_ID = 0x3701, 0x3001, 0x3707, 0x3704, 0x370E, 0x3712
_UNICODE, _STRINGS, _OBJECT = 0x1F, (0x1E, 0x1F), 0x0D
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
"""The octets of a value by its type, padded to four."""
_COUNTED = (0x0D, 0x1E, 0x1F, 0x102)
_SEVERAL, _NAMED = 0x1000, 0x8000
_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")  # IID_IMessage: a message within this one
_UTF_8 = 65001
_NAME_OCTETS = 1000

Name = int | tuple[bytes, int]
"""What a value is called: a number, or one of a set of names (MS-OXPROPS §1.3.2)."""


class _Damaged(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """From `start` to `end` of the octets; `charset` is that of text."""

    start: int = 0
    end: int = 0
    charset: str = ""

    def __bool__(self) -> bool:
        return self.end > self.start


@dataclass(slots=True)
class WinmailFile:
    """A file, and what is told of it; "" for what is not."""

    name: str = ""
    content_type: str = ""
    content_id: str = ""
    place: Place = field(default_factory=Place)
    message: "Winmail | None" = None
    """What it is instead: a message within this one."""


@dataclass(slots=True)
class Winmail:
    """A message: its text in up to three forms, and its files. `is_whole` is False where octets could not be read."""

    text: Place = field(default_factory=Place)
    html: Place = field(default_factory=Place)
    rtf: Place = field(default_factory=Place)
    kind: str = ""
    """Its class, such as "IPM.Note"."""
    octets: bytes = field(default=b"", repr=False)
    values: dict[Name, Place] = field(default_factory=dict, repr=False)
    """Where in the octets its values lie; `charset` is that of text."""
    files: list[WinmailFile] = field(default_factory=list)
    is_whole: bool = True

    def value(self, name: Name) -> bytes:
        """The octets of a value, b"" without it."""
        place = self.values.get(name, Place())
        return self.octets[place.start : place.end]

    def words(self, *names: Name) -> str:
        """The first text of these that there is, as far as names go."""
        found = (
            as_text(self.value(name)[:_NAME_OCTETS], self.values[name].charset) for name in names if name in self.values
        )
        return next((text for text in (one.rstrip("\0").strip() for one in found) if text), "")

    def every_file(self) -> list[WinmailFile]:
        """Its files, in place of messages within it their words and files."""
        return [inner for one in self.files for inner in (one.message.as_files(one.name) if one.message else [one])]

    def as_files(self, name: str) -> list[WinmailFile]:
        """The words of a message that is a file of another's, and its files."""
        name = name or "message"
        forms = ((f"{name}.html", "text/html", self.html), (f"{name}.txt", "text/plain", self.text))
        words = [WinmailFile(called, kind, "", place) for called, kind, place in forms if place]
        return [*words[:1], *self.every_file()]


def winmail(octets: bytes) -> Winmail | None:
    """The message that these octets hold, or None where they are no TNEF."""
    if len(octets) < 6 or struct.unpack_from("<I", octets)[0] != _SIGNATURE:
        return None
    reading = _Reading(octets)
    found = reading.message(0, len(octets), 0)
    found.is_whole = reading.is_whole
    return found


class _Reading:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._values = WINMAIL_VALUES
        self._files = 0
        self.is_whole = True

    def message(self, start: int, end: int, depth: int) -> Winmail:
        """One message."""
        found = Winmail(octets=self._octets)
        charset = "windows-1252"
        try:
            for level, attribute, begin, stop in self._attributes(start + 6, end):
                if attribute == _CODE_PAGE:
                    charset = _charset(self._number(begin, stop))
                elif level == _ATTACHMENT:
                    self._file(found, attribute, (begin, stop), charset, depth)
                elif attribute == _BODY:
                    found.text = found.text or Place(begin, stop, charset)
                elif attribute == _CLASS:
                    found.kind = found.kind or self._text(begin, stop, charset)
                elif attribute == _PROPERTIES:
                    self._body(found, begin, stop, charset)
        except (_Damaged, struct.error):
            self.is_whole = False
        return found

    def _attributes(self, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Each attribute's level, name with type, and place (MS-OXTNEF §2.1.3.3)."""
        while at < end:
            self._spend()
            level, name, length = struct.unpack_from("<BII", self._octets, at)
            begin, stop = at + 9, at + 9 + length
            if stop > end:
                raise _Damaged
            yield level, name, begin, stop
            at = stop + 2  # the checksum; that it is right would say nothing of who made it

    def _file(self, found: Winmail, attribute: int, place: tuple[int, int], charset: str, depth: int) -> None:
        if attribute == _BEGINS_FILE or not found.files:
            self._files += 1
            if self._files > PARTS:
                raise _Damaged
            found.files.append(WinmailFile())
        one = found.files[-1]
        if attribute == _FILE_TITLE:
            one.name = one.name or self._text(*place, charset)
        elif attribute == _FILE_DATA:
            one.place = one.place or Place(*place)
        elif attribute == _FILE_PROPERTIES:
            self._file_properties(one, place, charset, depth)

    def _file_properties(self, one: WinmailFile, place: tuple[int, int], charset: str, depth: int) -> None:
        names: dict[Name, str] = {}
        for kind, name, begin, stop in self._properties(*place):
            if name == _DATA and kind == _OBJECT and self._octets.startswith(_MESSAGE, begin, stop):
                if depth == WINMAIL_DEPTH:
                    raise _Damaged
                one.message = self.message(begin + len(_MESSAGE), stop, depth + 1)
            elif name == _DATA:
                skipped = 16 if kind == _OBJECT else 0  # what it is an object of
                one.place = one.place or Place(min(begin + skipped, stop), stop)
            elif kind in _STRINGS:
                names[name] = self._text(begin, stop, "utf-16-le" if kind == _UNICODE else charset)
        told = (names.get(_LONG_NAME, ""), one.name, names.get(_SHORT_NAME, ""), names.get(_NAME, ""))
        one.name = next(filter(None, told), "")
        one.content_type = names.get(_TYPE, one.content_type).lower()
        one.content_id = names.get(_CONTENT_ID, one.content_id).strip("<> ")

    def _body(self, found: Winmail, begin: int, stop: int, charset: str) -> None:
        html = ""
        for kind, name, at, end in self._properties(begin, stop):
            found.values.setdefault(name, Place(at, end, "utf-16-le" if kind == _UNICODE else charset))
            if name == _HTML_CODE_PAGE:
                html = _charset(self._number(at, end))
            elif name == _TEXT and kind in _STRINGS:
                found.text = Place(at, end, "utf-16-le" if kind == _UNICODE else charset)
            elif name == _HTML:
                found.html = Place(at, end)
            elif name == _RTF:
                found.rtf = Place(at, end)
        found.html = Place(found.html.start, found.html.end, html)

    def _properties(self, at: int, end: int) -> Iterator[tuple[int, Name, int, int]]:
        """Each value's type, name and place (MS-OXTNEF §2.1.3.4); of several values of one name, the first."""
        count, at = self._number(at, end), at + 4
        for _ in range(count):
            self._spend()
            kind, number = struct.unpack_from("<HH", self._octets, at)
            name, at = self._named(at + 4, end) if number >= _NAMED else (number, at + 4)
            several, kind = kind & _SEVERAL, kind & ~_SEVERAL
            values = 1
            if several or kind in _COUNTED:
                values, at = self._number(at, end), at + 4
            for nth in range(values):
                self._spend()
                begin, stop, at = self._value(kind, at, end)
                if nth == 0:
                    yield kind, name, begin, stop

    def _value(self, kind: int, at: int, end: int) -> tuple[int, int, int]:
        """From where to where a value lies, and where the next one begins."""
        if kind in _COUNTED:
            length, at = self._number(at, end), at + 4
            after = at + (length + 3) // 4 * 4
        elif kind in _FIXED:
            length = _FIXED[kind]
            after = at + length
        else:
            raise _Damaged
        if at + length > end:
            raise _Damaged
        return at, at + length, after

    def _named(self, at: int, end: int) -> tuple[Name, int]:
        """A name that is one of a set of names, a number or words, and where its value begins."""
        kind, number = self._number(at + 16, end), self._number(at + 20, end)
        if kind == 0:
            return (self._octets[at : at + 16], number), at + 24
        after = at + 24 + (number + 3) // 4 * 4
        if after > end:
            raise _Damaged
        return (self._octets[at : at + 16], -1), after

    def _number(self, begin: int, stop: int) -> int:
        if stop - begin < 4:
            raise _Damaged
        number: int = struct.unpack_from("<I", self._octets, begin)[0]
        return number

    def _text(self, begin: int, stop: int, charset: str) -> str:
        return as_text(self._octets[begin : min(stop, begin + _NAME_OCTETS)], charset).rstrip("\0")

    def _spend(self) -> None:
        self._values -= 1
        if self._values < 0:
            raise _Damaged


def _charset(code_page: int) -> str:
    """The label of a Windows code page."""
    return "utf-8" if code_page == _UTF_8 else f"cp{code_page}"
