"""Hosts, ports and addresses of the web, as settings name them: what is refused here reaches no library."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from gateway.domain.address import domain_key
from gateway.errors import BadAddress

LONGEST = 253  # RFC 1035 §2.3.4, as text
_LABEL = r"[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?"  # "_" is in no host name, but in names of containers
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_URL = re.compile(r"[^\s\x00-\x20\"<>\\^`{|}]+")  # RFC 3986 §2
_USUAL = {"http": 80, "https": 443}


def is_ip(text: str) -> bool:
    """Whether it is an IP address, without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether it is an IP address, or can be the name of a host."""
    if is_ip(text):
        return True
    if not text.isascii():
        try:
            text = domain_key(text)
        except BadAddress:
            return False
    # RFC 3696 §2: a name whose last label is a number would be taken for an address.
    return len(text) <= LONGEST and bool(_NAME.fullmatch(text)) and not text.rpartition(".")[2].isdigit()


def is_loopback(host: str) -> bool:
    """Whether what is said to this host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_host_port(text: str) -> bool:
    """Whether it is "host:port"; an IPv6 host may stand in brackets."""
    host, _, port = text.rpartition(":")
    if host.startswith("["):
        host = host[1:-1] if host.endswith("]") and ":" in host else ""
    return is_host(host) and port.isascii() and port.isdigit() and int(port[:6]) <= 65535


def split_url(text: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """The parts of an address without user, query and fragment; None if it cannot be one."""
    try:
        parts = urlsplit(text)
        port = parts.port  # raises ValueError beyond 65535
    except ValueError:
        return None
    host = parts.hostname or ""
    is_plain = _URL.fullmatch(text) and not set("@?#") & set(text) and not parts.netloc.endswith(":")
    return parts if is_plain and parts.scheme in schemes and is_host(host) and port != 0 else None


def origin(parts: SplitResult) -> str:
    """Scheme, host and port in their one form, as browsers name them (RFC 6454 §6.2)."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host if is_ip(host) else host if host.isascii() else domain_key(host)
    usual = parts.port in (None, _USUAL.get(parts.scheme))
    return f"{parts.scheme}://{host}{'' if usual else f':{parts.port}'}"
