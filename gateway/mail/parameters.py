"""Fields such as `text/plain; charset=utf-8` (RFC 2045 §5.1, RFC 2231), as they are written.

Comments are allowed in them, and come; separators are left out or other ones stand there; names of files stand without
quotes, with spaces in them, and with what would be a comment anywhere else.
"""

import re
from urllib.parse import unquote_to_bytes

from gateway.mail.charsets import as_text
from gateway.mail.decoding import clean, unfolded

_QUOTED = r'"(?:[^"\\]|\\.)*+(?:"|\Z)'
_COMMENT = r"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\)"  # one within another, as RFC 5322 §3.2.2 allows; no third
_SEGMENT = re.compile(rf'(?:{_QUOTED}|{_COMMENT}|[^;"])++')
_FIRST = re.compile(rf'(?:\s|{_COMMENT})*+"?([^\s;,:"(/]*+(?:\s*+/\s*+[^\s;,:"(]*+)?)"?')
_SOLIDUS = re.compile(r"\s*+/\s*+")
_NAMED = re.compile(rf"(?:[\s,:]|{_COMMENT})*+([^\s=:;\"(]++)\s*+=\s*+", re.DOTALL)
_GIVEN = re.compile(rf"{_QUOTED}|[^\s,(]++|", re.DOTALL)
_MORE = re.compile(r"\s(?:size|charset|name|filename|(?:creation|modification|read)-date)\*?=", re.IGNORECASE)
"""What begins behind a name of several words, where the semicolon is missing."""
_SECTION = re.compile(r"([^*]++)(?:\*(\d{1,3}))?(\*)?")
_NAMES = frozenset({"filename", "name", "boundary"})
"""What may hold any signs, though nobody quoted it."""


def parameterised(value: bytes) -> tuple[str, dict[str, str]]:
    """The first word, in small letters, and the parameters by name."""
    line = unfolded(value)
    first = _FIRST.match(line)
    start = first.end() if first else 0
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, given in _pairs(line[start:]):
        if section := _SECTION.fullmatch(name.lower()):
            known = sections.setdefault(section[1], {})
            number, encoded = int(section[2] or 0), bool(section[3])
            if number not in known or (encoded and not known[number][0]):  # RFC 2231 wins over a plain fallback
                known[number] = (encoded, given)
    word = _SOLIDUS.sub("/", first[1]) if first else ""
    return clean(word).lower(), {name: _joined(given) for name, given in sections.items()}


def _pairs(line: str) -> list[tuple[str, str]]:
    """Each parameter with what is given for it."""
    found: list[tuple[str, str]] = []
    for segment in _SEGMENT.findall(line):
        at = 0
        while pair := _NAMED.match(segment, at):
            given, at = _given(pair[1].partition("*")[0].lower(), segment, pair.end())
            found.append((pair[1], given))
    return found


def _given(name: str, segment: str, at: int) -> tuple[str, int]:
    """What is given at a place, and where that ends."""
    if name in _NAMES and not segment.startswith('"', at):
        more = _MORE.search(segment, at)
        end = more.start() if more else len(segment)
        return segment[at:end].strip(), end
    given = _GIVEN.match(segment, at)
    return (_unquoted(given[0]), given.end()) if given else ("", len(segment))


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"')) if value.startswith('"') else value


def _joined(sections: dict[int, tuple[bool, str]]) -> str:
    """The sections of a parameter, put together in their order and decoded (RFC 2231 §3, §4)."""
    charset = ""
    octets: list[bytes] = []
    for position, (_, (encoded, value)) in enumerate(sorted(sections.items())):
        rest = value
        if encoded and position == 0 and value.count("'") >= 2:
            charset, _, rest = value.split("'", 2)
        octets.append(unquote_to_bytes(rest) if encoded else rest.encode("utf-8", "replace"))
    return as_text(b"".join(octets), charset)
