"""How the audit is made so that a change to it shows: what the digests of its rows and batches are over.

Each row has a keyed digest of its own (`mac`). The `marks` of a batch are its own mac and its rows, by their numbers
and the first octets of their macs; its `head` is a keyed digest of that mac and of the head before it. So a row cannot
be altered, removed, put in or exchanged for another without one of them not fitting any more.
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from gateway.domain.model_records import Audit, AuditBatch

MOST_ROWS = 500
"""Of one batch: sealing it takes some milliseconds."""
FIRST_HEAD = bytes(32)
"""What stands for the head before the first batch."""
MAC = 32
"""Octets of a keyed digest."""
_ENTRY = struct.Struct(">I8s")
"""A row in a batch: by how much its number is above the last one's, and the first octets of its mac."""


class Digests(Protocol):
    """Keyed digests (a part of the port `Keys`)."""

    def digest(self, purpose: str, octets: bytes) -> bytes: ...


def octets_of(row: Audit) -> bytes:
    """What the `mac` of a row is over: rows of the first schema had no place. No field holds a NUL (`is_plain`)."""
    fields = (row.at.isoformat(), row.actor, row.action, row.subject, row.detail)
    return "\0".join((*fields, row.place) if row.place else fields).encode()


def is_plain(row: Audit) -> bool:
    """Whether no field holds what stands between fields: else two different rows could have the same octets."""
    return "\0" not in f"{row.actor}{row.action}{row.subject}{row.detail}{row.place}"


def signed(keys: Digests, row: Audit) -> Audit:
    """The row with its mac."""
    return replace(row, mac=keys.digest("audit", octets_of(row)))


def holds(keys: Digests, row: Audit) -> bool:
    """Whether the row says what it said when it was written. One that has octets in the place of text does not."""
    try:
        return is_plain(row) and row.mac == keys.digest("audit", octets_of(row))
    except TypeError:
        return False


# ------------------------------------------------------------------------------------------------------------- batches


def mark(row: Audit) -> bytes:
    """How a batch knows a row again."""
    return row.mac[:8].ljust(8, b"\0")


def entries_of(rows: Iterable[Audit], after: int) -> bytes:
    """What a batch says of its rows, the first of which comes after this number."""
    packed = bytearray()
    for row in rows:
        packed += _ENTRY.pack(row.id - after, mark(row))
        after = row.id
    return bytes(packed)


def sealed(keys: Digests, batch: AuditBatch, before: bytes) -> AuditBatch:
    """A batch that has entries and a number, with its own mac before them, and with its head."""
    own = _own_mac(keys, batch, batch.marks)
    return replace(batch, marks=own + batch.marks, head=keys.digest("audit head", before + own))


def is_whole(keys: Digests, batch: AuditBatch) -> bool:
    """Whether the batch says of its rows what it said when it was sealed."""
    marks = batch.marks
    fits = isinstance(marks, bytes) and (len(marks) - MAC) % _ENTRY.size == 0
    return fits and marks[:MAC] == _own_mac(keys, batch, marks[MAC:])


def head_after(keys: Digests, before: bytes, batch: AuditBatch) -> bytes:
    """The head that the batch has after the batch with this head."""
    own = batch.marks[:MAC] if isinstance(batch.marks, bytes) else b""
    return keys.digest("audit head", before + own)


def marked(batch: AuditBatch) -> Mapping[int, bytes]:
    """The rows that a whole batch names, each with its mark."""
    number, found = batch.first_row - 1, {}
    for above, octets in _ENTRY.iter_unpack(batch.marks[MAC:]):
        number += above
        found[number] = octets
    return found


def _own_mac(keys: Digests, batch: AuditBatch, rest: bytes) -> bytes:
    return keys.digest("audit batch", _numbers(batch) + rest)


def _numbers(batch: AuditBatch) -> bytes:
    return f"{batch.id}|{batch.at.isoformat()}|{batch.first_row}|{batch.last_row}|".encode()


# ----------------------------------------------------------------------------------------------------------- forgetting


def forgotten(keys: Digests, batch: AuditBatch, now: datetime, days: int) -> AuditBatch:
    """The batch once its rows are removed: in the place of the marks it says when, and after how many days."""
    said = f"{now.isoformat()}|{days}".encode()
    return replace(batch, forgotten=True, marks=_forgetting(keys, batch, said) + said)


def was_forgotten(keys: Digests, batch: AuditBatch) -> bool:
    """Whether it was us who have forgotten the batch, after its rows had served their time."""
    marks = batch.marks
    if not isinstance(marks, bytes) or marks[:MAC] != _forgetting(keys, batch, marks[MAC:]):
        return False
    now, _, days = marks[MAC:].decode().partition("|")
    return (datetime.fromisoformat(now) - batch.at).days >= int(days)


def _forgetting(keys: Digests, batch: AuditBatch, said: bytes) -> bytes:
    return keys.digest("audit forgotten", _numbers(batch) + batch.head + said)
