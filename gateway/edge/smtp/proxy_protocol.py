"""The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): the line or block in which a load balancer says,
before anything else, who has connected to it.
"""

import ipaddress
import re
from dataclasses import dataclass

from gateway.errors import BadProxyHeader

LONGEST_LINE = 107
"""Octets of the longest line of version 1."""
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = 16
"""Octets of version 2 before what it says."""
_MOST = 4096
"""Octets of what it says that are read; the longest that balancers write is some hundred."""
_LINE = re.compile(rb"PROXY TCP([46]) ([\da-fA-F:.]{1,45}) [\da-fA-F:.]{1,45} \d{1,5} \d{1,5}\r\n")
_UNKNOWN = b"PROXY UNKNOWN"
_LOCAL, _PROXY = 0x20, 0x21
_ADDRESSES = {1: (4, 12), 2: (16, 36)}
"""By family: octets of an address, and of all that is said of both ends."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who has connected to the balancer; `host` is "" where it speaks for itself. `length` octets said so."""

    host: str
    length: int


def introduction(octets: bytes) -> Introduction | None:
    """What the first octets of a connection say; None while more of them are to come. Raises BadProxyHeader."""
    if octets[: len(_SIGNATURE)] == _SIGNATURE[: len(octets)]:
        return _second(octets)
    if octets[:6] == b"PROXY "[: len(octets)]:
        return _first(octets)
    raise BadProxyHeader("it does not begin with one")


def _first(octets: bytes) -> Introduction | None:
    end = octets.find(b"\r\n", 0, LONGEST_LINE) + 2
    if end < 2:
        if len(octets) >= LONGEST_LINE:
            raise BadProxyHeader("its line has no end")
        return None
    line = octets[:end]
    if line.startswith((_UNKNOWN + b" ", _UNKNOWN + b"\r")):
        return Introduction("", end)
    found = _LINE.fullmatch(line)
    if not found:
        raise BadProxyHeader("its line cannot be read")
    return Introduction(_address(found[2].decode(), int(found[1])), end)


def _second(octets: bytes) -> Introduction | None:
    if len(octets) < _FIXED:
        return None
    command, family = octets[12], octets[13] >> 4
    said = int.from_bytes(octets[14:16], "big")
    if command not in (_LOCAL, _PROXY) or said > _MOST:
        raise BadProxyHeader("its block cannot be read")
    if len(octets) < _FIXED + said:
        return None
    if command == _LOCAL or family not in _ADDRESSES:
        return Introduction("", _FIXED + said)
    size, both = _ADDRESSES[family]
    if said < both:
        raise BadProxyHeader("its block is too short")
    return Introduction(str(ipaddress.ip_address(octets[_FIXED : _FIXED + size])), _FIXED + said)


def _address(text: str, version: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise BadProxyHeader("its line names no address") from error
    if address.version != version:
        raise BadProxyHeader("its line names an address of another kind")
    return str(address)
