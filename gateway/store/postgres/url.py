"""URLs of PostgreSQL databases, as a message may have them: without the password."""

import re
from urllib.parse import urlsplit

import psycopg

from gateway.errors import BadPlace

_SCHEMES = ("postgresql", "postgres")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")
"""One of the hosts, with its port."""


def check_url(url: str, option: str) -> None:
    """Raises BadPlace where libpq would read another place than was meant, and name it in its errors.

    That is so where a password has a sign that belongs to a URL: what is left of it would pass for a host or a port.
    """
    if not _is_plain(url):
        raise BadPlace(
            f"{option}: this is no URL of a PostgreSQL database; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "and in a password %40 for @, %2F for /, %3A for :, %3F for ?, %23 for # and %25 for %"
        )


def shown_url(url: str) -> str:
    """Who connects to which database of which server. Raises psycopg.ProgrammingError."""
    said = psycopg.conninfo.conninfo_to_dict(url)
    host, port, user = (str(said.get(name) or "") for name in ("host", "port", "user"))
    place = f"{host}:{port}" if port else host
    return f"postgresql://{user}{'@' if user else ''}{place}/{said.get('dbname') or ''}"


def _is_plain(url: str) -> bool:
    try:
        parts = urlsplit(url)
        psycopg.conninfo.conninfo_to_dict(url)
    except (ValueError, psycopg.ProgrammingError):
        return False
    user, _, hosts = parts.netloc.rpartition("@")
    is_whole = "@" not in user and all(_HOST.fullmatch(host) for host in hosts.split(","))
    return is_whole and parts.scheme in _SCHEMES and not parts.fragment
