"""The table of the settings file about DNS."""

from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from pydantic import Field

from gateway.config.kinds import HostPort
from gateway.config.section import Section


class DnsSection(Section):
    """Whom `gateway dns` and `gateway check` ask what the world sees of the site's domain."""

    resolver: HostPort | Literal[""] = Field(
        default="",
        description="a name server that sees what the world sees, where the system's own has other answers inside; "
        "such as 9.9.9.9:53; empty: the system's",
    )
    sends_from: list[IPv4Address | IPv6Address] = Field(
        default=[],
        description="the public addresses from which the next hop sends mail on, which the SPF record has to allow; "
        "empty: the next hop's own, where those are public",
    )
