"""Mail addresses: how they are compared, and what may count as one."""

from dataclasses import dataclass
from functools import lru_cache

import email_validator
import idna

from gateway.errors import BadAddress

# A relay inside a clinic's network meets `.local` and `localhost`; the library's documented switch lets them be.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


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
