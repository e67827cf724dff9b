"""What the listener is told by the settings, and what follows for a client from where it is."""

import ipaddress
import ssl
from dataclasses import dataclass, field

from gateway.edge.smtp.limits import Limits
from gateway.edge.smtp.sign_in import Logins

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Policy:
    """What the listener is told by the settings."""

    trusted: tuple[Network, ...]
    submission: tuple[Network, ...]
    max_size: int
    authserv_id: str = ""
    tls: ssl.SSLContext | None = None
    logins: Logins | None = None
    """Who may sign in, once the session is encrypted."""
    shared: tuple[Network, ...] = ()
    """Servers that send for others, too: what they relay has to carry the site's word."""
    balancers: tuple[Network, ...] = ()
    """From where each connection begins with the PROXY protocol."""
    caps: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Client:
    """Who has connected, and what follows from where they are."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    may_relay: bool
    authenticated: bool
    must_show: bool = False
    """Whether it may relay only what carries the site's word (flow/inbound/stamps.py)."""
    login: str = ""
    """Who has signed in."""
