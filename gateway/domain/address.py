"""Mail addresses: how they are compared, and what may count as one."""

import re
import string
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import email_validator
import idna

from gateway.errors import BadAddress

# A relay inside a clinic's network meets `.local` and `localhost`; the library's documented switch lets them be.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


# What nine of ten addresses look like: ASCII, a dot-atom and a host name without punycode. The library has nothing to
# say of these, and takes a tenth of the time of a whole mail to say it.
_LONGEST = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
_ATOM = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!..--)[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+(?![0-9]){_LABEL}", re.ASCII)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LIKE_ASCII = re.compile("([\u212a\u1fef])")
"""What NFC makes ASCII of: the Kelvin sign, which is no K to any mail server, and the Greek grave accent."""


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address: `key` to compare by, `typed` to use on the wire.

    The key folds what mail servers treat as equal, and nothing else, so that two mailboxes never become one: the local
    part in NFC with its ASCII letters in lower case, the domain by UTS-46 in its ASCII form. Plus-tags, ß and ss, other
    letters in upper and lower case stay distinct.
    """

    key: str
    typed: str

    @property
    def domain(self) -> str:
        return self.key.rpartition("@")[2]

    @property
    def local(self) -> str:
        return self.key.rpartition("@")[0]


def address(typed: str) -> Address:
    """Read an address (RFC 5321 §4.1.2, RFC 6531 §3.3). Raises BadAddress."""
    bare = typed.strip()
    if len(bare) > _LONGEST:
        raise BadAddress(f"not a mail address: {typed[:100]!r}")
    return _known(bare)


@lru_cache(maxsize=4096)
def _known(bare: str) -> Address:
    if _PLAIN.fullmatch(bare):
        return Address(bare.lower(), bare)
    return _read(bare)


def _read(typed: str) -> Address:
    """The library's word on what is not plain."""
    try:
        valid = email_validator.validate_email(
            typed.strip(),
            check_deliverability=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
            globally_deliverable=False,
        )
    except ValueError as error:  # EmailNotValidError is one; what the library itself calls raises others
        raise BadAddress(f"not a mail address: {typed[:100]!r}") from error
    written = typed.strip().rpartition("@")[0]
    local = _local_key(written if _LIKE_ASCII.search(written) else valid.local_part)
    return Address(f"{local}@{valid.ascii_domain.lower()}", typed.strip())


def _local_key(local: str) -> str:
    """How a local part is compared (RFC 6532 §3.1): no letter becomes an ASCII one that was none."""
    pieces = (
        piece if _LIKE_ASCII.match(piece) else unicodedata.normalize("NFC", piece) for piece in _LIKE_ASCII.split(local)
    )
    return "".join(pieces).translate(_LOWER)


def domain_key(typed: str) -> str:
    """The form in which domains are compared: UTS-46, ASCII, lower case. Raises BadAddress."""
    if len(typed) > _LONGEST:
        raise BadAddress(f"not a domain: {typed[:100]!r}")
    try:
        return idna.encode(typed.strip().rstrip("."), uts46=True).decode("ascii").lower()
    except ValueError as error:  # idna.IDNAError is one
        raise BadAddress(f"not a domain: {typed[:100]!r}") from error
