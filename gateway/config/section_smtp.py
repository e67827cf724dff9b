"""The table of the settings file about the listener for mail."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import ByteSize, Field

from gateway.config.kinds import HostPort, Network, Size, StampLine
from gateway.config.section import Section

SMALLEST_LIMIT = 1_000_000
"""Octets: less than that is a mistake in the unit, and most mail would be refused, or read at a crawl."""


class SmtpSection(Section):
    """The listener that the practice's mail server hands its outgoing mail to."""

    listen: HostPort = Field(default="127.0.0.1:2525", description="address and port; port 0 takes a free one")
    trusted_networks: list[Network] = Field(
        default=[IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")],
        description="clients that may relay; all others may only write to the site's domain",
    )
    submission_networks: list[Network] = Field(
        default=[], description="networks in which every client has authenticated its user; they may relay too"
    )
    shared_networks: list[Network] = Field(
        default=[],
        description="servers that send for others, too, such as Microsoft's: only mail with tenant_header may relay",
    )
    tenant_header: StampLine | Literal[""] = Field(
        default="",
        description="a header and a secret word that your mail server writes into what it hands to us, and we take out",
        examples=["X-Riverside-Sent: 4f0c9b2e7a61d835"],
    )
    processed_header: StampLine | Literal[""] = Field(
        default="",
        description="a header and another word that we write, so that your mail server sends no mail here twice",
        examples=["X-Riverside-Passed: 93d1a07c5be2f468"],
    )
    max_message_size: Annotated[Size, Field(ge=SMALLEST_LIMIT)] = Field(
        default=ByteSize(50_000_000), description="larger mail is refused", examples=["50MB"]
    )
    max_recipients: Annotated[int, Field(ge=100)] = Field(  # RFC 5321 §4.5.3.1.8
        default=1000, description="of one mail; the client is told to send the rest in another"
    )
    max_sessions: Annotated[int, Field(ge=1)] = Field(
        default=1000,
        description="at the same time, a quarter kept for trusted clients; beyond it, who got on least makes room",
    )
    max_sessions_per_address: Annotated[int, Field(ge=1)] = Field(
        default=200, description="of one client address (of IPv6: of one /64)"
    )
    max_sessions_per_network: Annotated[int, Field(ge=1)] = Field(
        default=400, description="of one network (IPv4: /24, IPv6: /48) that is neither trusted nor of submission"
    )
    min_data_rate: Annotated[int, Field(ge=0)] = Field(
        default=100, description="octets a second; a client that sends content more slowly is sent away"
    )
    max_buffered: Annotated[Size, Field(ge=SMALLEST_LIMIT)] = Field(
        default=ByteSize(64_000_000), description="of content in memory, beyond which it is read no faster than sealed"
    )
    tls_cert: str = Field(default="", description="certificate chain for STARTTLS and tls_listen (PEM)")
    tls_key: str = Field(default="", description="its key (PEM)")
    tls_listen: HostPort | Literal[""] = Field(
        default="", description='where TLS comes first, as programs expect it at "0.0.0.0:465"; empty: nowhere'
    )
    users_file: str = Field(
        default="", description="who may sign in over TLS, and then relay; `gateway users add` writes its lines"
    )
    proxy_protocol: list[Network] = Field(
        default=[],
        description="load balancers, which say by the PROXY protocol (1 or 2) who has connected; nobody else may",
    )
