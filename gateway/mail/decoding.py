"""Encoded words undone, and text made clean, whatever it is."""

import binascii
import re
from itertools import islice

from gateway.mail.bounds import ENCODED_OCTETS, ENCODED_WORDS
from gateway.mail.charsets import as_text
from gateway.mail.transfer import unbase64

# RFC 2047 §2, with the language of RFC 2231 §5; spaces inside the text are wrong, but written.
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*+)\?=")

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_SURROGATES = "\ud800-\udfff"
_UNSAFE = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{_BIDI}{_SURROGATES}]+")
_CONTROLS = re.compile(f"[\x00-\x08\x0b\x0e-\x1f\x7f{_SURROGATES}]+")


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
