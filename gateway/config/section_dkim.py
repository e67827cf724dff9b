"""The tables of the settings file about signing the mail that we write."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.section import Section


def checked_selector(text: str) -> str:
    """Raises ValueError, which says what to write."""
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    if not re.fullmatch(rf"{label}(?:\.{label})*", text.lower()):  # RFC 6376 §3.1
        raise ValueError('write letters, digits and hyphens, for example "gateway1"')
    return text.lower()


Selector = Annotated[str, AfterValidator(checked_selector)]


class DkimSection(Section):
    """A key that signs the mail that we write; one table for each. All of them sign, so that a key can be replaced."""

    selector: Selector = Field(
        description="where the public key is published: selector._domainkey.site.domain", examples=["gateway1"]
    )
    key_file: str = Field(
        description="the private key (PEM, RSA or Ed25519); `gateway dkim new` makes it",
        examples=["dkim.gateway1.key"],
    )
