"""URLs of PostgreSQL databases: what is wrong with one, and one as a message may have it, without the password."""

import re
from itertools import zip_longest
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

import psycopg

_SCHEMES = ("postgresql", "postgres")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
"""One of the hosts, with its port."""
_OPTIONS = {one.keyword.decode(): one.dispchar == b"*" for one in psycopg.pq.Conninfo.get_defaults()}
"""All that libpq knows, and whether that is a secret."""


def url_fault(url: str) -> str:
    """What is wrong with it, "" for nothing. What may be a part of a password is not in the answer.

    It is wrong where libpq would read another place than was meant, and name it in its errors: that is so where a
    password has a sign that belongs to a URL, and what is left of it would pass for a host or a port.
    """
    parts = _parts(url)
    if parts and (unknown := _unknown_option(parts)):
        return f"PostgreSQL has no option {unknown!r}: correct what follows the ? of the URL, or take it out"
    if parts and _is_readable(url):
        return ""
    return (
        "this is no URL of a PostgreSQL database; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
        "and in a password %40 for @, %2F for /, %3A for :, %3F for ?, %23 for # and %25 for %"
    )


def shown_url(url: str) -> str:
    """The URL without its password: it leads to the same place, in the same way. Raises psycopg.ProgrammingError."""
    said = {name: str(value) for name, value in psycopg.conninfo.conninfo_to_dict(url).items() if value is not None}
    user, name = (quote(said.pop(part, ""), safe="") for part in ("user", "dbname"))
    hosts, ports = (said.pop(part, "").split(",") for part in ("host", "port"))
    pairs = zip_longest(hosts, ports * len(hosts) if len(ports) == 1 else ports, fillvalue="")
    places = ",".join(_place(host, port) for host, port in pairs)
    options = urlencode({key: value for key, value in said.items() if not _OPTIONS.get(key, True)}, quote_via=quote)
    return f"postgresql://{user}{'@' if user else ''}{places}/{name}{'?' if options else ''}{options}"


def _place(host: str, port: str) -> str:
    shown = f"[{host}]" if ":" in host else quote(host, safe="")
    return f"{shown}:{port}" if port else shown


def _parts(url: str) -> SplitResult | None:
    """Its parts, if each host is one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    user, _, hosts = parts.netloc.rpartition("@")
    is_whole = "@" not in user and all(_HOST.fullmatch(host) for host in hosts.split(","))
    return parts if is_whole and parts.scheme in _SCHEMES and not parts.fragment else None


def _unknown_option(parts: SplitResult) -> str:
    """The first option that libpq does not know; none where the end of a password may be taken for one."""
    if "@" in parts.path + parts.query:
        return ""
    named = (name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return next((name for name in named if name not in {*_OPTIONS, "ssl"}), "")


def _is_readable(url: str) -> bool:
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return False
    return True
