"""Facts about the database itself, by name."""

from dataclasses import replace

from gateway.domain.model import Meta
from gateway.ports import Tx


def put(tx: Tx, name: str, value: bytes) -> None:
    """Keep this value under the name, in the place of what stood there."""
    row = tx.one(Meta, name=name)
    if row:
        tx.put(replace(row, value=value))
    else:
        tx.add(Meta(name=name, value=value))
