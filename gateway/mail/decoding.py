"""Transfer encodings and encoded words undone, each made to answer whatever it is given."""

import binascii
import re
import string
from collections.abc import Iterable, Iterator
from itertools import islice

from gateway.mail.bounds import ENCODED_OCTETS, ENCODED_WORDS
from gateway.mail.charsets import as_text

# RFC 2047 §2, with the language of RFC 2231 §5; spaces inside the text are wrong, but written.
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*+)\?=")

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SURROGATES = "\ud800-\udfff"
_UNSAFE = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{_BIDI}{_SURROGATES}]+")
_CONTROLS = re.compile(f"[\x00-\x08\x0b\x0e-\x1f\x7f{_SURROGATES}]+")
_NOT_BASE64 = bytes(set(range(256)) - set(f"{string.ascii_letters}{string.digits}+/".encode()))
_LINE_ENDS_SPACED = (b" \n", b"\t\n", b" \r\n", b"\t\r\n")
_LINE_END_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")


def clean(text: str) -> str:
    """One line, single spaces, none at the ends; no control, bidi or surrogate characters."""
    safe = text if text.isascii() and text.isprintable() else _UNSAFE.sub("", text)
    return " ".join(safe.split())


def safe_filename(name: str) -> str:
    """A file's name without path, device marks or hidden-file dots, fit for any file system; it may come out empty."""
    last = re.split(r"[/\\]", clean(name))[-1].strip(". ")
    safe = re.sub(r'[<>:"|?*]', "_", last)
    stem, dot, extension = safe.rpartition(".")
    return safe if len(safe) <= 100 else (stem or extension)[:80] + (dot + extension)[:20]


def lines(text: str) -> str:
    """The text with LF line ends and without control characters other than tab."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n"))


def unbase64(octets: bytes) -> bytes:
    """Decode base64, ignoring what is not of its alphabet and mending its padding (RFC 2045 §6.8)."""
    digits = octets.translate(None, _NOT_BASE64)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def untransfer(octets: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; an unknown one is taken as none (RFC 2045 §6)."""
    return b"".join(untransferred((octets,), encoding))


def untransferred(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same bit by bit, however the octets are cut."""
    if encoding == "base64":
        return _unbase64(chunks)
    if encoding == "quoted-printable":
        return _unquoted_printable(chunks)
    return iter(chunks)


def _unbase64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    digits = b""
    for chunk in chunks:
        digits += chunk.translate(None, _NOT_BASE64)
        whole = len(digits) // 4 * 4
        yield binascii.a2b_base64(digits[:whole])
        digits = digits[whole:]
    yield unbase64(digits)


def _unquoted_printable(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        whole, end, rest = (rest + chunk).rpartition(b"\n")
        yield _unquoted_lines(whole + end)
    yield _unquoted_lines(rest)


def _unquoted_lines(octets: bytes) -> bytes:
    spaced = any(end in octets for end in _LINE_ENDS_SPACED)  # hardly ever, and the search for all of it takes long
    return binascii.a2b_qp(_LINE_END_SPACE.sub(b"", octets) if spaced else octets)


def _word_octets(word: re.Match[str]) -> bytes:
    octets = word[3].encode("utf-8", "replace")
    return unbase64(octets) if word[2] in "bB" else binascii.a2b_qp(octets, header=True)


def words(value: str) -> str:
    """Decode the encoded words of an unfolded header value (RFC 2047 §6.2).

    Neighbours of one charset are joined before they are decoded, since many mailers split characters between them.
    """
    out: list[str] = []
    charset, pending, at = "", bytearray(), 0
    room = ENCODED_OCTETS
    for word in islice(_WORD.finditer(value), ENCODED_WORDS):
        room -= len(word[3])
        if room < 0:
            break
        gap = value[at : word.start()]
        joined = bool(charset) and not gap.strip()
        if not (joined and charset == word[1].lower()):
            out += [as_text(pending, charset), "" if joined else gap]
            pending = bytearray()
        charset, at = word[1].lower(), word.end()
        pending += _word_octets(word)
    return "".join([*out, as_text(pending, charset), value[at:]])


def unfolded(value: bytes) -> str:
    """A raw header value as one line of text, encoded words untouched (RFC 5322 §2.2.3)."""
    return as_text(value.replace(b"\r\n", b"").replace(b"\n", b""))


def decoded(value: bytes) -> str:
    """A raw header value as a person reads it: unfolded, decoded, cleaned."""
    return clean(words(unfolded(value)))
