"""Attributes of HTML elements, read and written (WHATWG HTML §13.1.2.3)."""

import re

from gateway.mail.bounds import HTML_ATTRIBUTES, HTML_REFERENCES

Attributes = dict[str, str]
"""Values by name."""

_S = r"\t\n\f\r "
_GIVEN = re.compile(
    rf"([^{_S}/>][^{_S}/>=]*+)(?:[{_S}]*+=[{_S}]*+(?:\"([^\"]*+)(?:\"|\Z)|'([^']*+)(?:'|\Z)|([^{_S}>\"'][^{_S}>]*+))?+)?+"
)
PLAIN_NAME = re.compile(r"[a-z][a-z0-9:_.-]{0,40}")


def read(given: str) -> Attributes:
    """The attributes of a tag, the first of each name."""
    kept: Attributes = {}
    for one in _GIVEN.finditer(given):
        attribute = one[1].lower()
        value = one[2] or one[3] or one[4] or ""
        bearable = len(kept) < HTML_ATTRIBUTES and value.count("&") <= HTML_REFERENCES
        if bearable and PLAIN_NAME.fullmatch(attribute):
            kept.setdefault(attribute, value)
    return kept


def written(one: tuple[str, str]) -> str:
    """An attribute with its name, quoted."""
    name, value = one
    quoted = value.replace('"', "&quot;").replace("<", "&lt;")
    return f' {name}="{quoted}"' if value else f" {name}"
