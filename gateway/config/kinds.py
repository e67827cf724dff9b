"""The kinds of value that settings have; each fault says what to write instead."""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, PlainSerializer

from gateway.config.hosts import is_host, is_host_port, is_loopback, origin, split_url
from gateway.domain.address import address, domain_key
from gateway.errors import BadAddress


def _host_port(text: str) -> str:
    if not is_host_port(text):
        raise ValueError('write "host:port", for example "127.0.0.1:2525"')
    return text


def _host(text: str) -> str:
    if not is_host(text):
        raise ValueError('write the name of a host alone, for example "imap.riverside.example"')
    return text


def _database_url(text: str) -> str:
    if not re.fullmatch(r"sqlite:///.+|postgres(?:ql)?://.+", text):
        raise ValueError('write "sqlite:///gateway.db", or "postgresql://user@host/name"')
    return text


def _domain(text: str) -> str:
    try:
        key = domain_key(text)
    except BadAddress:
        key = ""
    if not key or key.rpartition(".")[2].isdigit():  # an IP address
        raise ValueError('write a domain, for example "riverside.example"')
    return key


def _mail_domain(text: str) -> str:
    domain = _domain(text)
    if "." not in domain:
        raise ValueError('write a domain that mail can be sent to, for example "secure.riverside.example"')
    return domain


def _network(text: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(text))
    except ValueError:
        raise ValueError(_network_for(str(text))) from None


def _network_for(text: str) -> str:
    """What to write in place of a network that is none."""
    try:
        around = ip_network(text, strict=False)
    except ValueError:
        return 'write an address or a network, for example "192.168.1.0/24"'
    return f'write "{around}" for the whole network, or "{text.partition("/")[0]}" for this address alone'


def _mailbox(text: str) -> str:
    try:
        return address(text).key
    except BadAddress as error:
        raise ValueError('write a mail address, for example "ada@riverside.example"') from error


def _delegate(text: object) -> tuple[str, str]:
    """The keys of who acts and for whom."""
    words = text.split() if isinstance(text, str) else []
    try:
        if len(words) == 3 and words[1].lower() == "for":
            return address(words[0]).key, address(words[2]).key
    except BadAddress:
        pass
    raise ValueError('write "assistant@riverside.example for ada@riverside.example"')


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError('write an IANA time zone, for example "Europe/London"') from error
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[!-9;-~]+[ \t]*:[ \t]*\S.*", text):  # RFC 5322 §3.6.8
        raise ValueError('write "Name: value", for example "X-Secure: yes"')
    return text


def _stamp(text: str) -> str:
    if not re.fullmatch(r"X-[A-Za-z0-9-]{1,60}: [A-Za-z0-9]{16,64}", text):
        raise ValueError(
            'write a name and a word that nobody guesses, for example "X-Riverside-Sent: 4f0c9b2e7a61d835"; '
            "openssl rand -hex 16 makes a word"
        )
    return text


def _name(text: str) -> str:
    if not any(map(str.isalnum, text)):
        raise ValueError('write a name that people know, for example "Riverside Family Practice"')
    return " ".join(text.split())


def _tag(text: str) -> str:
    if len(text) < 2 or text != text.strip() or not any(map(str.isalnum, text)):
        raise ValueError('write a word in brackets, for example "[secure]"')
    return text


def _practice_id(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,99}", text):  # it stands in addresses of pages
        raise ValueError('write letters, digits and hyphens, for example "riverside"')
    return text


def _web_address(text: str) -> str:
    parts = split_url(text.rstrip("/"), ("http", "https"))
    if parts is None or parts.path:
        raise ValueError(
            'write https://, a host, a port if need be, and nothing else, for example "https://secure.riverside.example"'
        )
    return origin(parts)


def _collector(text: str) -> str:
    if not split_url(text, ("http", "https")):
        raise ValueError('write the collector\'s address for OTLP over HTTP, for example "http://collector:4318"')
    return text.rstrip("/")


def _store(text: str) -> str:
    if not _is_private(text):
        raise ValueError('write the address of the object store, for example "https://s3.riverside.example"')
    return text.rstrip("/")


def _issuer(text: str) -> str:
    if not _is_private(text):
        raise ValueError('write it as the provider does, for example "https://login.practice.example"')
    return text


def _token_url(text: str) -> str:
    if not _is_private(text.partition("?")[0]):
        raise ValueError('write where tokens are asked for, for example "https://login.practice.example/token"')
    return text


def _is_private(text: str) -> bool:
    """Whether what is said to this address is read by nobody on the way."""
    parts = split_url(text, ("http", "https"))
    return parts is not None and (parts.scheme == "https" or is_loopback(parts.hostname or ""))


def _directory_url(text: str) -> str:
    parts = split_url(text, ("ldap", "ldaps"))
    if parts is None or parts.path:
        raise ValueError('write "ldaps://host" or "ldaps://host:port"')
    return text


def _colour(text: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError('write a colour as "#rrggbb", for example "#0b5c6b"')
    return text.lower()


def _scanner_place(text: str) -> str:
    if text.startswith("/"):
        return text
    try:
        return _host_port(text)
    except ValueError as error:
        raise ValueError('write "host:port" or the path of a socket, for example "/run/clamav/clamd.ctl"') from error


def is_address(text: str) -> bool:
    """Whether it is a mail address, and not the path of a file."""
    return "@" in text and "/" not in text


def _heads_place(text: str) -> str:
    return _mailbox(text) if is_address(text) else text


def _duration(text: object) -> timedelta:
    found = re.fullmatch(r"(\d{1,4}) ?([mhd])", text) if isinstance(text, str) else None
    if not found:
        raise ValueError('write a number with m, h or d for minutes, hours or days, for example "24h"')
    return int(found[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[found[2]]


def duration_text(value: timedelta) -> str:
    """As the settings file has it: `24h`, `90m`."""
    hours, rest = divmod(value, timedelta(hours=1))
    return f"{value // timedelta(minutes=1)}m" if rest else f"{hours}h"


def size_text(value: ByteSize) -> str:
    """As the settings file has it, in the largest unit that fits without a remainder: `50MB`, `4096B`."""
    units = {"GB": 10**9, "MB": 10**6, "KB": 10**3, "B": 1}
    return next(f"{value // octets}{unit}" for unit, octets in units.items() if value % octets == 0)


CollectorAddress = Annotated[str, AfterValidator(_collector)]
Colour = Annotated[str, AfterValidator(_colour)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Day = Annotated[int, Field(ge=1, le=3650)]
Delegate = Annotated[tuple[str, str], BeforeValidator(_delegate)]
DirectoryAddress = Annotated[str, AfterValidator(_directory_url)]
Domain = Annotated[str, AfterValidator(_domain)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(duration_text, when_used="json")]
HeaderLine = Annotated[str, AfterValidator(_header)]
HeadsPlace = Annotated[str, AfterValidator(_heads_place)]
Host = Annotated[str, AfterValidator(_host)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Issuer = Annotated[str, AfterValidator(_issuer)]
MailDomain = Annotated[str, AfterValidator(_mail_domain)]
MailAddress = Annotated[str, AfterValidator(_mailbox)]
Name = Annotated[str, AfterValidator(_name)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
PracticeId = Annotated[str, AfterValidator(_practice_id)]
ScannerPlace = Annotated[str, AfterValidator(_scanner_place)]
Size = Annotated[ByteSize, PlainSerializer(size_text, when_used="json")]
StoreAddress = Annotated[str, AfterValidator(_store)]
StampLine = Annotated[str, AfterValidator(_stamp)]
SubjectTag = Annotated[str, AfterValidator(_tag)]
TokenAddress = Annotated[str, AfterValidator(_token_url)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
ZoneName = Annotated[str, AfterValidator(_zone)]


def split_address(text: str) -> tuple[str, int]:
    """Host and port of a checked "host:port"; an IPv6 host may stand in brackets."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
