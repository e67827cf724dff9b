"""Mail addresses: how they are compared, and what may count as one."""

import re
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


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address: `key` to compare by, `typed` to use on the wire.

    The key is NFC, with a case-folded local part and a UTS-46 domain in its ASCII form; plus-tags stay distinct.
    """

    key: str
    typed: str

    @property
    def domain(self) -> str:
        return self.key.rpartition("@")[2]

    @property
    def local(self) -> str:
        return self.key.rpartition("@")[0]


@lru_cache(maxsize=4096)
def address(typed: str) -> Address:
    """Read an address (RFC 5321 §4.1.2, RFC 6531 §3.3). Raises BadAddress."""
    bare = typed.strip()
    if len(bare) <= _LONGEST and _PLAIN.fullmatch(bare):
        return Address(bare.casefold(), bare)
    return _read(typed)


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
    except email_validator.EmailNotValidError as error:
        raise BadAddress(f"not a mail address: {typed[:100]!r}") from error
    return Address(f"{valid.local_part.casefold()}@{valid.ascii_domain.lower()}", typed.strip())


def domain_key(typed: str) -> str:
    """The form in which domains are compared: UTS-46, ASCII, lower case. Raises BadAddress."""
    try:
        return idna.encode(typed.strip().rstrip("."), uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise BadAddress(f"not a domain: {typed[:100]!r}") from error
