"""From octets to text, by what browsers and mail programs mean by the label of a character set.

The labels are those of the WHATWG's Encoding Standard (`webencodings`), then those of Python's own table, for what
mail knows besides. Where a label names less than its users write (gb2312, shift_jis), the larger set is meant.
"""

import codecs
import encodings.aliases
import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module

import webencodings

from gateway.mail.bounds import META_OCTETS, VENDOR_OCTETS

_NO_TEXT = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
_GUESSED = {"ascii", "us-ascii", "x-user-defined", "replacement"}
"""Labels that say nothing of the octets beyond ASCII, or that a browser refuses where we need not."""
_MEANT = {
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ibm866": "cp866",
    "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext",
    "iso_2022_jp": "iso2022_jp_ext",
    "iso8859_1": "cp1252",
    "iso8859_8_i": "iso8859_8",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "latin_1": "cp1252",
    "macintosh": "mac_roman",
    "shift_jis": "cp932",
    "tis_620": "cp874",
    "utf_16be": "utf_16_be",
    "utf_16le": "utf_16_le",
    "utf_8_sig": "utf_8",
    "windows_874": "cp874",
    "x_mac_cyrillic": "mac_cyrillic",
}
"""What is meant by a set, where that is more than its name says, or Python has another name for it."""
_MORE = {
    **dict.fromkeys(("ansi", "ms_ansi"), "cp1252"),
    **dict.fromkeys(("ms932", "ms_cp932", "sjis_win", "cp943", "mac_japanese"), "cp932"),
    **dict.fromkeys(("ms949", "cp51949", "windows_51949"), "cp949"),
    **dict.fromkeys(("ms936", "cp54936", "windows_936"), "gb18030"),
    **dict.fromkeys(("iso2022_jp_ms", "cp50220", "cp50221", "cp50222"), "iso2022_jp_ext"),
    **dict.fromkeys(("eucjp_ms", "eucjp_win", "cp51932", "x_eucjp"), "euc_jp"),
    **dict.fromkeys(("cp65001", "utf8mb4", "utf8mb3", "utf_8n"), "utf_8"),
    **dict.fromkeys(("mac_ce", "mac_centraleurroman"), "mac_latin2"),
    **{f"cp{28590 + number}": f"iso8859_{number}" for number in (*range(1, 10), 13, 15)},
    "big5_eten": "big5",
    "hz_gb_2312": "hz",
}
"""Labels that neither table has."""


def _key(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", label.lower())


def _table() -> dict[str, str]:
    """Python's codec for each label. Nothing else reaches its registry, which remembers every name it was asked for,
    and in which some codecs are no character sets."""
    aliases = {k: v for k, v in encodings.aliases.aliases.items() if v not in _NO_TEXT}
    python = aliases | {codec: codec for codec in aliases.values()} | _MORE
    every = [*python.items(), *webencodings.labels.LABELS.items()]
    known = {_key(label): _codec(name) for label, name in every if name not in _GUESSED}
    return {key: codec for key, codec in known.items() if key not in map(_key, _GUESSED)}


def _codec(name: str) -> str:
    """Python's codec for a set, whichever of the tables names it."""
    plain = name.replace("-", "_").replace("windows_12", "cp12").replace("iso_8859_", "iso8859_")
    return _MEANT.get(plain, plain)


CODECS = _table()
"""Python's codec by label: in small letters, without the signs between them."""

_UTF_8, _WINDOWS_1252 = "utf_8", "cp1252"
_MARKS = ((codecs.BOM_UTF8, _UTF_8), (codecs.BOM_UTF16_LE, "utf_16_le"), (codecs.BOM_UTF16_BE, "utf_16_be"))
_JAPANESE = re.compile(rb"\x1b\$[@B]")
_META = re.compile(rb"<meta\s[^>]{0,500}?charset\s*=\s*[\"']?\s*([^\s\"'/>;]{1,40})", re.IGNORECASE)
_C1 = re.compile("[\x80-\x9f]")
_MEANT_BY_C1 = {octet: bytes([octet]).decode("cp1252", "replace") for octet in range(0x80, 0xA0)}
"""Controls that no text has: what was meant by them before somebody converted it (WHATWG HTML §13.2.5.80)."""
_SURELY_UTF_8 = re.compile(
    rb"[\xc2\xc3][\xa1-\xbf]|[\xe2-\xf4][\x80-\x9f\xa1-\xbf][\x80-\xbf]"
    rb"|(?:[\xc2-\xdf][\x80-\xbf][\x00-\x7f]{0,20}+){3}"
)
"""What stands in no text of a set with one octet a character, if all of it can be read as UTF-8 besides."""
_NOT_WESTERN = re.compile("[À-ÿ]{4}")
"""What no word of a Western language has, and each of a Russian or Greek one that was read as Western."""


def as_text(octets: bytes | bytearray, charset: str = "", within: str = "") -> str:
    """The text, by a byte order mark, by the label, or as it can be read: UTF-8, else Windows-1252.

    `within` is a label that stands in the text itself; it counts where the other says nothing, or is wrong. What can
    be read in no way costs U+FFFD for each octet, and nothing else.
    """
    text = _decoded(bytes(octets), charset, within)
    return text if text.isascii() or not _C1.search(text) else text.translate(_MEANT_BY_C1)


def _decoded(octets: bytes, charset: str, within: str) -> str:
    for mark, marked in _MARKS:
        if octets.startswith(mark) and not _known(charset).startswith("utf_32"):
            return octets.removeprefix(mark).decode(marked, "replace")
    for codec in _candidates(octets, _known(charset), _known(within)):
        if (text := _exactly(octets, codec)) is not None:
            return text
    return _as_far_as_possible(octets, _known(charset) or _known(within) or _UTF_8)


def charset_within(html: bytes) -> str:
    """The label of the character set that HTML states at its beginning (WHATWG HTML §13.2.3.2), or ""."""
    found = _META.search(html, 0, META_OCTETS)
    label = found[1].decode("latin-1") if found else ""
    return "utf-8" if _known(label).startswith("utf_16") else label


def _known(label: str) -> str:
    return _codec_by_label(label[:40])


@lru_cache(maxsize=256)  # asked for several times by each field of each mail
def _codec_by_label(label: str) -> str:
    key = _key(label)
    return CODECS.get(key) or CODECS.get(key.removeprefix("x"), "")


def _candidates(octets: bytes, codec: str, within: str) -> list[str]:
    """The codecs to try, the likeliest first."""
    if codec.startswith(("utf_16", "utf_32")):
        return [codec] if b"\0" in octets or not octets.isascii() else [_UTF_8]
    if octets.isascii():
        japanese = "iso2022_jp_ext" if codec in ("", _UTF_8) and _JAPANESE.search(octets) else ""
        return [japanese or codec or _UTF_8, _UTF_8]
    if _characters(codec) and _is_surely_utf_8(octets):
        return [_UTF_8]
    if codec == _WINDOWS_1252 and within and _NOT_WESTERN.search(octets.decode("latin-1")):
        return [within, codec]
    return [one for one in (codec, within, _UTF_8) if one]


def _is_surely_utf_8(octets: bytes) -> bool:
    return bool(_SURELY_UTF_8.search(octets)) and _exactly(octets, _UTF_8) is not None


def _exactly(octets: bytes, codec: str) -> str | None:
    """The text, or None where some of the octets mean nothing."""
    vendors = "gateway.vendor" if codec in _ELSEWHERE and len(octets) <= VENDOR_OCTETS else "strict"
    try:
        return octets.decode(codec, vendors)
    except UnicodeError:
        return None


def _as_far_as_possible(octets: bytes, codec: str) -> str:
    """The text with U+FFFD for what means nothing; what has hardly a character of UTF-8 is no UTF-8."""
    if codec == _UTF_8:
        text = octets.decode(codec, "replace")
        bad = text.count("\ufffd")
        if len(text) - bad - len(octets.translate(None, _NOT_ASCII)) >= bad:
            return text
        codec = _WINDOWS_1252
    if _characters(codec):
        return codecs.charmap_decode(octets, "strict", _characters(codec))[0]  # "replace" is slow, octet by octet
    small = codec in _ELSEWHERE and len(octets) <= VENDOR_OCTETS
    return octets.decode(codec, "gateway.vendor-or-mark" if small else "replace")


_NOT_ASCII = bytes(range(0x80, 0x100))


@cache
def _characters(codec: str) -> str:
    """The characters of a set with one octet for each, in their order; "" for any other."""
    table: str = getattr(import_module(f"encodings.{codec}"), "decoding_table", "") if codec else ""
    return table.replace("\ufffe", "\ufffd")


# ---------------------------------------------------------------------------- characters that makers have added to sets


def _jis(pair: bytes) -> str:
    """A character of JIS X 0208 with the rows of NEC and IBM, which Windows-932 has (WHATWG Encoding §13.2, §13.3)."""
    row, cell = pair[0] & 0x7F, pair[1] & 0x7F
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return ""
    lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    trail = cell + (0x7E if row % 2 == 0 else 0x1F + (cell >= 0x60))
    return bytes([lead, trail]).decode("cp932", "ignore")


_ELSEWHERE: dict[str, Callable[[bytes], str]] = {
    "big5hkscs": lambda pair: pair.decode("cp950", "ignore"),
    "euc_jp": lambda pair: _jis(pair) if min(pair) > 0xA0 else "",
    "iso2022_jp_ext": lambda pair: _jis(pair) if max(pair) < 0x80 else "",
}
"""For codecs that lack what makers have added: where a pair of octets that means nothing to it is looked up."""


def _vendor(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        pair = error.object[error.start : error.start + 2]
        look_up = _ELSEWHERE.get(error.encoding)
        found = look_up(pair) if look_up and len(pair) == 2 else ""
        if len(found) == 1:
            return found, error.start + 2
    raise error


def _vendor_or_mark(error: UnicodeError) -> tuple[str, int]:
    try:
        return _vendor(error)
    except UnicodeDecodeError:
        return "\ufffd", error.end if isinstance(error, UnicodeDecodeError) else 0


codecs.register_error("gateway.vendor", _vendor)
codecs.register_error("gateway.vendor-or-mark", _vendor_or_mark)
