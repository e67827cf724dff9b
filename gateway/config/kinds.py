"""The kinds of value that settings have; each fault says what to write instead."""

import ipaddress
import re
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, PlainSerializer

from gateway.domain.address import address, domain_key
from gateway.errors import BadAddress


def _host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError('write "host:port", for example "127.0.0.1:2525"')
    return text


def _domain(text: str) -> str:
    try:
        return domain_key(text)
    except BadAddress as error:
        raise ValueError('write a domain, for example "riverside.example"') from error


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
    if ":" not in text:
        raise ValueError('write "Name: value", for example "X-Secure: yes"')
    return text


def _stamp(text: str) -> str:
    if not re.fullmatch(r"X-[A-Za-z0-9-]{1,60}: [A-Za-z0-9]{16,64}", text):
        raise ValueError(
            'write a name and a word that nobody guesses, for example "X-Riverside-Sent: 4f0c9b2e7a61d835"; '
            "openssl rand -hex 16 makes a word"
        )
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+", text.rstrip("/")):
        raise ValueError('write an address without a path, for example "https://secure.riverside.example"')
    return text.rstrip("/")


def _collector(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", text):
        raise ValueError('write the collector\'s address for OTLP over HTTP, for example "http://collector:4318"')
    return text.rstrip("/")


def _issuer(text: str) -> str:
    at = re.fullmatch(r"(https?)://([^\s/?#]+)(?:/[^\s?#]*)?", text)
    if not at or (at[1] == "http" and not is_loopback(at[2].partition(":")[0])):
        raise ValueError('write it as the provider does, for example "https://login.practice.example"')
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


Issuer = Annotated[str, AfterValidator(_issuer)]
CollectorAddress = Annotated[str, AfterValidator(_collector)]
Colour = Annotated[str, AfterValidator(_colour)]
Delegate = Annotated[tuple[str, str], BeforeValidator(_delegate)]
HeadsPlace = Annotated[str, AfterValidator(_heads_place)]
ScannerPlace = Annotated[str, AfterValidator(_scanner_place)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Domain = Annotated[str, AfterValidator(_domain)]
MailAddress = Annotated[str, AfterValidator(_mailbox)]
ZoneName = Annotated[str, AfterValidator(_zone)]
HeaderLine = Annotated[str, AfterValidator(_header)]
StampLine = Annotated[str, AfterValidator(_stamp)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(duration_text, when_used="json")]
Size = Annotated[ByteSize, PlainSerializer(size_text, when_used="json")]
Day = Annotated[int, Field(ge=1, le=3650)]


def split_address(text: str) -> tuple[str, int]:
    """Host and port of a checked "host:port"; an IPv6 host may stand in brackets."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether what is said to this host stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
