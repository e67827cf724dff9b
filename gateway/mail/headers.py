"""Surgery on the octets of a message: fields go, come or change, and nothing else is touched."""

import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from gateway.mail.bounds import HEAD_OCTETS
from gateway.mail.encoding import field
from gateway.mail.scan import Field, body_start, walk

Change = tuple[Field, str | None]
"""A field, and what stands in its place: another value, or nothing."""


def retold(raw: bytes, changes: Iterable[Change]) -> bytes:
    """The message with these fields changed; they come in the order in which they stand in it."""
    kept: list[bytes] = []
    at = 0
    for one, value in changes:
        kept += [raw[at : one.start], b"" if value is None else field(_name(raw, one), value)]
        at = one.end
    return b"".join([*kept, raw[at:]]) if at else raw


def only(raw: bytes, names: frozenset[str]) -> bytes:
    """The fields of these (lower-case) names, an empty line, and the body."""
    kept: list[bytes] = []
    end = 0
    for one in walk(raw):
        end = one.end
        if one.name in names:
            kept.append(_ended(raw[one.start : one.end]))
    return b"".join([*kept, b"\r\n", raw[body_start(raw, end) :]])


def prepend(raw: bytes, *fields: str) -> bytes:
    """Put whole, folded fields before the message, in this order; an empty one is none."""
    return b"".join(_ended(one.encode("utf-8", "replace")) for one in fields if one) + raw


def received(*, helo: str, peer: str, by: str, protocol: str, id: str, at: datetime) -> str:  # noqa: A002 - RFC's word
    """A folded `Received:` field (RFC 5321 §4.4), with no `for` clause, which would tell of Bcc recipients."""
    literal = f"IPv6:{_token(peer)}" if ":" in peer else _token(peer)  # RFC 5321 §4.1.3
    return (
        f"Received: from {_token(helo)} ([{literal}])\r\n"
        f"\tby {_token(by)} with {_token(protocol)} id {_token(id)};\r\n"  # RFC 3848, RFC 6531: what is a protocol
        f"\t{format_datetime(at)}\r\n"
    )


def header_block(raw: bytes) -> bytes:
    """The head's octets without the empty line, up to 1 MiB of whole fields: what a report may show (RFC 6522 §4)."""
    end = 0
    for one in walk(raw):
        if one.end > HEAD_OCTETS:
            break
        end = one.end
    return raw[:end]


def _name(raw: bytes, one: Field) -> str:
    """The field's name as its author spelled it."""
    return raw[one.start : one.start + len(one.name)].decode("ascii")


def _ended(octets: bytes) -> bytes:
    return octets if octets.endswith(b"\n") else octets + b"\r\n"


def _token(word: str) -> str:
    """What a client said, fit to stand in a field: no space, no comment, no line break."""
    return re.sub(r"[^A-Za-z0-9.:_\[\]-]", "", word)[:255] or "unknown"
