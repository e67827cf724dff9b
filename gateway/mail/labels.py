"""Fields of a head by which a mail is marked: an administrator's own, and the labels of Outlook and Exchange."""

from collections.abc import Iterator
from itertools import islice

from gateway.mail.parse import Head

_YES = frozenset({"yes", "true", "1", "on", "y"})
_SENSITIVITY = {
    "company-confidential": (
        "company confidential, confidential, vertraulich, firmenvertraulich, confidentiel, confidencial, riservato, "
        "vertrouwelijk, fortroligt, konfidentiell, luottamuksellinen, poufne, důvěrné, bizalmas"
    ),
    "private": "privat, privé, privado, privada, privato, privata, particulier, yksityinen, prywatne, soukromé",
    "personal": "persönlich, personnel, personal, personale, persoonlijk, personlig, henkilökohtainen, osobiste",
}
"""RFC 2156 §5.3.4's values, and what Outlook calls them elsewhere."""
_MEANS = {name.strip(): value for value, names in _SENSITIVITY.items() for name in (value, *names.split(","))}
PARTS = 200
"""The parts of one field that are looked at: a label has ten."""


def carries(head: Head, name: str, wanted: str) -> bool:
    """Whether a field of this name says this, in any of its parts, which semicolons divide.

    "yes" is also said by `true`, `1` and `on`; a Sensitivity in Outlook's languages; a label of `msip_labels` by its
    GUID or its name, unless it is said to be off.
    """
    wanted = _plain(name, wanted)
    return any(wanted in _said(name, given) for given in head.all(name))


def _said(name: str, given: str) -> set[str]:
    parts = [part.strip() for part in islice(given.split(";"), PARTS)]
    if name.lower() == "msip_labels":
        return {_plain(name, one) for part in parts for one in _labelled(part, _turned_off(parts))}
    return {_plain(name, part) for part in parts}


def _plain(name: str, value: str) -> str:
    folded = value.strip().strip('"').casefold()
    if name.lower() == "sensitivity":
        return _MEANS.get(folded, folded)
    return "yes" if folded in _YES else folded


def _turned_off(parts: list[str]) -> frozenset[str]:
    """The GUIDs of the labels that `MSIP_Label_<GUID>_Enabled=false` has taken away."""
    pairs = (part.casefold().partition("=") for part in parts)
    return frozenset(_guid(key) for key, _, value in pairs if key.endswith("_enabled") and value.strip() == "false")


def _labelled(part: str, off: frozenset[str]) -> Iterator[str]:
    """What one part of `msip_labels` says: itself, its label's GUID, and the label's name."""
    key, _, value = part.partition("=")
    guid = _guid(key)
    if guid in off:
        return
    yield part
    yield guid
    if key.casefold().endswith("_name"):
        yield value


def _guid(key: str) -> str:
    return key.casefold().removeprefix("msip_label_").partition("_")[0]
