"""A row of the audit as a line of ArcSight's Common Event Format (CEF), which most SIEMs read."""

import ipaddress
from datetime import datetime

from gateway import __version__
from gateway.domain.acts import ACTS, Act, Gravity
from gateway.domain.model_records import Audit

VENDOR, PRODUCT = "Secure mail", "Invitation gateway"
_BREAKS = dict.fromkeys(map(chr, (*range(32), 0x7F, *range(0x80, 0xA0), 0x2028, 0x2029)), " ")
"""What some program takes for the end of a line or of a text."""
_OF_HEADER = str.maketrans(_BREAKS | {"\\": "\\\\", "|": "\\|"})
_OF_EXTENSION = str.maketrans(_BREAKS | {"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})


def line(row: Audit) -> str:
    """The row's line, without its end. A row that somebody has altered may hold anything."""
    signature, name, gravity = _kind(str(row.action))
    head = "|".join(_header(one) for one in ("CEF:0", VENDOR, PRODUCT, __version__, signature, name, str(gravity)))
    extension = {"rt": str(_milliseconds(row.at)), "externalId": str(row.id), "act": str(row.action)}
    extension |= _who(str(row.actor)) | _where(str(row.place))
    extension |= _labelled("cs1", "subject", str(row.subject)) | _labelled("cs2", "detail", str(row.detail))
    return f"{head}|{' '.join(f'{key}={value.translate(_OF_EXTENSION)}' for key, value in extension.items())}"


def number_of(text: str) -> int | None:
    """The number of the row whose line this is; None for another line."""
    words = text.split() if text.startswith("CEF:") else []
    found = next((word for word in words if word.startswith("externalId=")), "")
    number = found.partition("=")[2]
    return int(number) if number.isdigit() else None


def _kind(action: str) -> tuple[str, str, int]:
    """Signature, name and severity. An act that is none of ours, such as one that was altered, is told as it is."""
    try:
        act = Act(action)
    except ValueError:
        return "other", action, Gravity.ALARM
    return act.signature, ACTS[act].does, ACTS[act].gravity


def _who(actor: str) -> dict[str, str]:
    """Who did it; where somebody acted for another, that one is named apart."""
    by, _, owner = actor.partition(" for ")
    return {"suser": by} | _labelled("cs3", "on behalf of", owner)


def _where(place: str) -> dict[str, str]:
    client, _, mail = place.partition(", mail ")  # what was done by mail names that mail as well
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return _labelled("cs4", "place", place)
    from_there = {"src": client} if address.version == 4 else {"c6a2": client, "c6a2Label": "Source IPv6 Address"}
    return from_there | (_labelled("cs5", "mail", mail) if mail else {})


def _labelled(key: str, label: str, value: str) -> dict[str, str]:
    return {f"{key}Label": label, key: value} if value else {}


def _header(text: str) -> str:
    return text.translate(_OF_HEADER)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
