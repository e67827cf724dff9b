"""From octets to text: charsets as browsers and mail programs mean them, each made to answer whatever it is given.

What a label means is the WHATWG's table (Encoding Standard §4.2): "iso-8859-1" is Windows-1252 there, as it is in every
mail program, and "shift_jis", "euc-kr" and "gb2312" have their vendors' characters.
"""

import codecs
import encodings.aliases
import re
from functools import lru_cache

import webencodings

_NO_TEXT = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
_ALIASES = {k: v for k, v in encodings.aliases.aliases.items() if v not in _NO_TEXT}
# Only names from this table reach Python's codec registry: it remembers every name it was ever asked for, and some
# of its codecs are no charsets.
_OTHERS = _ALIASES | {codec: codec for codec in _ALIASES.values()} | {"windows_31j": "cp932", "cp874": "cp874"}
_CODECS = {"gbk": "gb18030", "iso-2022-jp": "iso-2022-jp"}
"""Where webencodings names a codec whose characters are too few."""
_LEFT_OUT = ("replacement", "x-user-defined")
"""What browsers refuse, such as HZ and ISO-2022-KR: in mail it is read."""
_GUESSED = ("", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "binary")
"""Labels that say nothing, or what is to be seen anyway."""
_WINDOWS_1252 = {octet: bytes([octet]).decode("cp1252", "replace") for octet in range(0x80, 0xA0)}
_CHUNK = 16_384
_MOST_BAD = 1000
"""Octets that are not UTF-8, beyond which a text is none."""
_JAPANESE = re.compile(rb"\x1b(\([BJI]|\$[@B])")
_META = re.compile(rb"(?i)<meta\b[^>]{0,200}?\bcharset\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})")
_META_WITHIN = 4096
REPLACED = "\ufffd"


def as_text(octets: bytes | bytearray, charset: str = "") -> str:
    """Decode text; a charset that is missing, unknown or wrong is guessed: UTF-8, else Windows-1252.

    An octet that is wrong in UTF-8 costs itself: U+FFFD. A byte order mark is no text.
    """
    return _decoded(octets, _codec(charset[:40])).removeprefix("\ufeff")


def _decoded(octets: bytes | bytearray, codec: str) -> str:
    if codec == "utf-8":
        return _guessed(octets)
    if codec == "iso-2022-jp":
        return _iso_2022_jp(bytes(octets))
    if codec == "cp1252":
        return _windows_1252(octets)
    for name in (codec, "utf-8"):
        try:
            return octets.decode(name)
        except UnicodeError:
            continue
    return octets.decode(codec, "replace")


def of_html(octets: bytes, charset: str) -> str:
    """The charset of an HTML text: what its own <meta> says, where the mail's head says nothing, or what is not so."""
    found = _META.search(octets, 0, _META_WITHIN)
    meta = found[1].decode("ascii") if found else charset
    said, own = _codec(charset[:40]), _codec(meta)
    if said == own:
        return charset
    is_utf_8 = _is_utf_8(octets)
    if said == "utf-8":
        return charset if is_utf_8 else meta
    return meta if own == "utf-8" and is_utf_8 else charset


def _is_utf_8(octets: bytes) -> bool:
    """Whether it can only be meant as UTF-8: it has characters of several octets, and all are sound."""
    try:
        return not octets.isascii() and bool(octets.decode())
    except UnicodeDecodeError:
        return False


@lru_cache(1024)
def _codec(label: str) -> str:
    """The name of Python's codec; "utf-8" for what is to be guessed."""
    label = label.strip().lower()
    if label in _GUESSED:
        return "utf-8"
    found = webencodings.lookup(label)
    if found and found.name not in _LEFT_OUT:
        return _CODECS.get(found.name, str(found.codec_info.name))
    written = (re.sub(r"[^a-z0-9]+", "_", label).strip("_"), re.sub(r"[^a-z0-9]+", "", label))
    return next((_OTHERS[one] for one in written if one in _OTHERS), "utf-8").replace("utf_8", "utf-8")


def _guessed(octets: bytes | bytearray) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        text = _nearly_utf_8(octets)
    return _windows_1252(octets) if text is None else text


def _windows_1252(octets: bytes | bytearray) -> str:
    return octets.decode("latin-1").translate(_WINDOWS_1252)  # the codec is slow where octets mean nothing


def _nearly_utf_8(octets: bytes | bytearray) -> str | None:
    """The text, if more of its characters are good ones of several octets than are bad; None where it is no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    bad = good = 0
    pieces = []
    for start in range(0, len(octets), _CHUNK):
        piece = decoder.decode(bytes(octets[start : start + _CHUNK]), final=start + _CHUNK >= len(octets))
        wrong, wide = piece.count(REPLACED), len(piece) - len(piece.encode("ascii", "ignore"))
        bad, good = bad + wrong, good + wide - wrong
        if bad > _MOST_BAD:
            return None
        pieces.append(piece)
    return "".join(pieces) if good >= bad else None


def _iso_2022_jp(octets: bytes) -> str:
    """With the vendors' characters in the rows that JIS X 0208 leaves free, which Python's own codec refuses.

    What stands behind each escape sequence (RFC 1468) is decoded as Windows-932, which holds all of it.
    """
    state, at, pieces = b"(B", 0, []
    for escape in _JAPANESE.finditer(octets):
        pieces.append(_japanese(octets[at : escape.start()], state))
        state, at = escape[1], escape.end()
    pieces.append(_japanese(octets[at:], state))
    return "".join(pieces)


def _japanese(octets: bytes, state: bytes) -> str:
    if state in (b"(B", b"(J"):
        return as_text(octets)
    if state == b"(I":
        return bytes(octet | 0x80 for octet in octets).decode("cp932", "replace")
    line, *rest = re.split(rb"(?=\r?\n)", octets, maxsplit=1)  # the next line begins in ASCII again (RFC 1468)
    wide = b"".join(map(_shifted, line[0::2], line[1::2])).decode("cp932", "replace")
    return wide + as_text(b"".join(rest))


def _shifted(row: int, cell: int) -> bytes:
    """A character of JIS X 0208 as Shift_JIS has it; what is none there is a question mark."""
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return b"?"
    high = (row - 0x21) // 2 + 0x81
    low = cell + (0x7E if row % 2 == 0 else 0x20 if cell >= 0x60 else 0x1F)
    return bytes((high + 0x40 if high > 0x9F else high, low))
