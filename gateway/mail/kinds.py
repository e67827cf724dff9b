"""What a file is by its first octets, whatever it is called: which pictures a browser shows, and what has a preview."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Preview(StrEnum):
    """How a file can be looked at without saving it."""

    PICTURE = "every browser shows it"
    SOUND = "every browser plays it"
    CARD = "people, in words (vCard)"
    PAGES = "each page as a picture (PDF)"
    SCAN = "a picture that not every browser shows (HEIC, TIFF), as one that it does"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is known as; `content_type` is its true one."""

    content_type: str
    preview: Preview


_RATES = b"[%b]" % b"".join(b"\\x%x0-\\x%xb" % (rate, rate) for rate in range(1, 15))
_MP3 = rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]" + _RATES
"""A tag of ID3v2, or the head of a frame of layer III (ISO 11172-3 §2.4.1.3) with a rate that there is."""
_AAC = rb"\xff[\xf0\xf1\xf8\xf9][\x40-\x7f]"
"""The head of an ADTS frame of low complexity (ISO 13818-7 §6.2)."""
_WAVE = rb"RIFF.{4}WAVE.{0,900}?fmt .{4}(?:[\x01\x03\x06\x07]\x00|\xfe\xff)"
"""WAVE in what browsers play: PCM, floats, A-law, µ-law. GSM 6.10, which some telephones write, is none of it."""
_SIGNS: tuple[tuple[bytes, str, Preview], ...] = (
    (rb"\x89PNG\r\n\x1a\n", "image/png", Preview.PICTURE),
    (rb"\xff\xd8\xff", "image/jpeg", Preview.PICTURE),
    (rb"GIF8[79]a", "image/gif", Preview.PICTURE),
    (rb"RIFF.{4}WEBP", "image/webp", Preview.PICTURE),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00{3}", "image/bmp", Preview.PICTURE),
    (_WAVE, "audio/wav", Preview.SOUND),
    (rb"OggS\x00.{23}(?:\x01vorbis|OpusHead|\x7fFLAC)", "audio/ogg", Preview.SOUND),
    (rb"fLaC", "audio/flac", Preview.SOUND),
    (rb".{4}ftyp(?:M4A |M4B )", "audio/mp4", Preview.SOUND),
    (_AAC, "audio/aac", Preview.SOUND),
    (_MP3, "audio/mpeg", Preview.SOUND),
    (rb"(?:\xef\xbb\xbf)?\s{0,8}(?i:BEGIN[ \t]{0,8}:[ \t]{0,8}VCARD)\s", "text/vcard", Preview.CARD),
    (rb".{4}ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", "image/heic", Preview.SCAN),
    (rb"II\*\x00|MM\x00\*|II\+\x00|MM\x00\+", "image/tiff", Preview.SCAN),
    (rb"(?:.{0,1019}?[\r\n])?%PDF-\d", "application/pdf", Preview.PAGES),  # not at once: ISO 32000-1, annex H.3.4.1
)
_KNOWN = tuple((re.compile(sign, re.DOTALL), Kind(name, preview)) for sign, name, preview in _SIGNS)
_FILM = re.compile(rb".{4}ftyp(?:mp4[12]|iso[m2-6]|dash|3gp[4-7])", re.DOTALL)
_SOUND = re.compile(r"audio/|[^/]{0,255}\.m4[ab]$", re.IGNORECASE)


def kind_of(start: bytes, *told: str) -> Kind | None:
    """What a file is that begins so (`bounds.START_OCTETS` are enough); None for what is not known here.

    Its type or name is what it is `told` to be: that counts only for what may be a film or its sound alone.
    """
    if _FILM.match(start) and any(_SOUND.match(one) for one in told):
        return Kind("audio/mp4", Preview.SOUND)
    return next((kind for sign, kind in _KNOWN if sign.match(start)), None)
