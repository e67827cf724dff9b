"""Key sheets: the site's keys in shares on paper, of which some together bring them back, and fewer open nothing.

A random secret is split into shares of words (SLIP-0039, Shamir). It seals the text of the key file, which stands on
every sheet in lines that check themselves, so that any number of keys comes back from the sheets alone.
"""

import base64
import binascii
import difflib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from textwrap import fill

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.constants import CUSTOMIZATION_STRING_EXTENDABLE
from shamir_mnemonic.rs1024 import verify_checksum
from shamir_mnemonic.wordlist import WORD_INDEX_MAP, WORDLIST

from gateway.errors import ConfigError
from gateway.store.key_file import KeyRing, parse, text_of

MOST_SHARES = 16
"""SLIP-0039's own bound."""
WORDS = 33
"""Of a share of 256 bits."""
SECRET = 32
NONCE = bytes(12)
"""A secret seals once."""
BOUND_TO = b"key sheets"
GROUP, GROUPS = 5, 8
"""Characters in a group, and groups in a line."""
WIDTH = 76
_NUMBERED = re.compile(r"(?:\s*\d+[.)]?\s+[A-Za-z]+)+\s*")
_PAGE = re.compile(r"\f|^(?=KEY SHEET )", re.MULTILINE)
_LINE = re.compile(r"\s*(\d+) of (\d+):((?:\s+[A-Za-z2-7]{1,5})+)\s+/\s*([A-Za-z2-7]{2})\s*")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is read from one sheet, or typed from it: the words of its share, and the lines of the sealed key file."""

    words: tuple[str, ...]
    lines: tuple[str, ...]


def split(ring: KeyRing, shares: int, needed: int, site: str, day: date) -> list[str]:
    """A sheet for each share. Raises ConfigError for numbers that make no sense."""
    if not 2 <= needed <= shares <= MOST_SHARES:
        raise ConfigError(f"--shares is at most {MOST_SHARES}, and --needed between 2 and --shares")
    secret = secrets.token_bytes(SECRET)
    [mnemonics] = generate_mnemonics(1, [(needed, shares)], secret)
    sealed = AESGCM(secret).encrypt(NONCE, text_of(ring, bare=True).encode(), BOUND_TO)
    block = _block(sealed)
    about = _about(shares, needed, site, ", ".join(sorted(ring.secrets)))
    return [
        "\n".join([_head(number, shares, site, day, words), *about, *_numbered(words.split()), *_AND_THEN, *block, ""])
        for number, words in enumerate(mnemonics, 1)
    ]


def join(sheets: Sequence[Sheet]) -> KeyRing:
    """The keys from enough sheets. Raises ConfigError: which word or line is wrong, or what is missing."""
    shares = [share(number, sheet.words) for number, sheet in enumerate(sheets, 1) if sheet.words]
    if not shares:
        raise ConfigError("there is no share here: the numbered words of a sheet")
    missing = still_needed(shares)
    if missing:
        raise ConfigError(f"{len(set(shares))} shares are here, and {missing} more are needed; fewer open nothing")
    try:
        secret = combine_mnemonics([one.mnemonic() for one in _enough(shares)])
        opened = AESGCM(secret).decrypt(
            NONCE, _sealed([line for sheet in sheets for line in sheet.lines]), b"key sheets"
        )
        return parse(opened.decode())
    except (MnemonicError, InvalidTag, ValueError) as error:
        raise ConfigError("shares and lines do not belong to the same sheets; take all of one day's") from error


def still_needed(shares: Iterable[Share]) -> int:
    """How many more shares are needed. Raises ConfigError where they are of different sets."""
    there = set(shares)
    if len({one.identifier for one in there}) > 1:
        raise ConfigError("these shares were not printed together; take sheets with the same set number")
    needed = max((one.member_threshold for one in there), default=2)
    return max(needed - len({one.index for one in there}), 0)


def read(text: str) -> list[Sheet]:
    """What stands on sheets, as they were printed; or typed: the words of a share in one line, or numbered."""
    sheets = []
    for page in _PAGE.split(text):
        rows = page.splitlines()
        numbered = [word for row in rows if _NUMBERED.fullmatch(row) for word in words_in(row)]
        bare = [Sheet(words_in(row), ()) for row in rows if _is_bare_share(row)]
        sheets += [*bare, Sheet(tuple(numbered), tuple(row for row in rows if _LINE.fullmatch(row)))]
    return [one for one in sheets if one.words or one.lines]


def words_in(row: str) -> tuple[str, ...]:
    """The words of a row, without their numbers."""
    return tuple(re.findall(r"[A-Za-z]+", row))


# -------------------------------------------------------------------------------------------------------------- words


def _is_bare_share(line: str) -> bool:
    """A line of many words and nothing else is a share that somebody typed; what we print is never so long."""
    words = line.split()
    return len(words) >= WORDS // 2 and all(word.isascii() and word.isalpha() for word in words)


def share(number: int, words: Sequence[str]) -> Share:
    """A share from its words. Raises ConfigError, which names the word that is wrong."""
    small = [word.lower() for word in words]
    for place, word in enumerate(small, 1):
        if word not in WORD_INDEX_MAP:
            near = difflib.get_close_matches(word, WORDLIST, 1)
            hint = f"; did they mean {near[0]}?" if near else ""
            raise ConfigError(f"share {number}: word {place} ({word}) is none of the list{hint}")
    if len(small) != WORDS:
        raise ConfigError(f"share {number}: it has {WORDS} words, and {len(small)} are here")
    try:
        return Share.from_mnemonic(" ".join(small))
    except MnemonicError as error:
        raise ConfigError(f"share {number}: {_wrong_word(small)}") from error


def _wrong_word(words: Sequence[str]) -> str:
    """Which one word, changed into another, makes the share right: the check of SLIP-0039 tells one mistake."""
    indices = [WORD_INDEX_MAP[word] for word in words]
    for place, before in enumerate(indices):
        for other in range(len(WORDLIST)):
            indices[place] = other
            if verify_checksum(indices, CUSTOMIZATION_STRING_EXTENDABLE):
                return f"word {place + 1} is {WORDLIST[other]} on the sheet, and not {words[place]}"
        indices[place] = before
    return "more than one word is wrong, or they are in another order; compare it with the sheet"


def _enough(shares: Sequence[Share]) -> list[Share]:
    """As many different ones as are needed: the library takes neither more nor fewer."""
    different = {one.index: one for one in shares}
    return list(different.values())[: shares[0].member_threshold]


# -------------------------------------------------------------------------------------------------------------- lines


def row(line: str) -> tuple[int, int, str]:
    """Which line it is, of how many, and its characters. Raises ConfigError for one that is not as on the sheet."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ConfigError("this is no line of the sealed key file; they look like: 1 of 6: ABCDE FGHIJ … / KL")
    number, length, text = int(found[1]), int(found[2]), "".join(found[3].split()).upper()
    if _check(number, text) != found[4].upper():
        raise ConfigError(f"line {number} is not as on the sheet; compare it with the paper")
    return number, length, text


def _block(sealed: bytes) -> list[str]:
    text = base64.b32encode(sealed).decode().rstrip("=")
    size = GROUP * GROUPS
    rows = [text[at : at + size] for at in range(0, len(text), size)]
    return [
        f"{number} of {len(rows)}: {' '.join(one[at : at + GROUP] for at in range(0, len(one), GROUP))} "
        f"/ {_check(number, one)}"
        for number, one in enumerate(rows, 1)
    ]


def _check(number: int, text: str) -> str:
    """Two characters by which a mistyped line shows."""
    crc = binascii.crc32(f"{number}:{text}".encode()).to_bytes(4, "big")
    return base64.b32encode(crc).decode()[:2]


def _sealed(lines: Sequence[str]) -> bytes:
    """The octets of the lines. Raises ConfigError, which names the line that is wrong or missing."""
    rows: dict[int, str] = {}
    length = 1
    for line in lines:
        number, length, text = row(line)
        if rows.setdefault(number, text) != text:
            raise ConfigError(f"line {number} differs between the sheets: they were not printed together")
    absent = next((number for number in range(1, length + 1) if number not in rows), None)
    if absent:
        raise ConfigError(f"line {absent} of the sealed key file is missing; it stands on every sheet")
    text = "".join(rows[number] for number in sorted(rows))
    return base64.b32decode(text + "=" * (-len(text) % 8))


# -------------------------------------------------------------------------------------------------------------- paper


_AND_THEN = ("", "THE SEALED KEY FILE (the same on every sheet)", "")


def _head(number: int, shares: int, site: str, day: date, words: str) -> str:
    printed = Share.from_mnemonic(words).identifier
    return f"KEY SHEET {number} OF {shares}    {site}    {day.isoformat()}    set {printed}"


def _about(shares: int, needed: int, site: str, letters: str) -> list[str]:
    what = (
        f"This is one of {shares} sheets for the keys of the secure-mail gateway of {site}. Any {needed} of them bring "
        "the keys back; fewer open nothing. Without its keys, all mail that the gateway holds is lost. This is not "
        "the recovery key of backups, which is another thing."
    )
    keep = (
        "Keep each sheet with somebody else, in a sealed envelope, and none with the backups. They hold the keys of "
        f"this day ({letters}): after a rotation, print new ones and shred these."
    )
    use = (
        f"To bring the keys back, type on the machine of the gateway: gateway keys join gateway.keys. It asks for the "
        f"words of {needed} sheets and, from one of them, for the lines of the sealed key file."
    )
    return ["=" * WIDTH, *(f"\n{fill(text, WIDTH)}" for text in (what, keep, use)), "", "THE SHARE", ""]


def _numbered(words: Sequence[str]) -> list[str]:
    cells = [f"{place:>4} {word:<12}" for place, word in enumerate(words, 1)]
    return ["".join(cells[at : at + 3]).rstrip() for at in range(0, len(cells), 3)]
