"""Facts about the database itself, by name."""

from dataclasses import replace
from datetime import datetime

from gateway.domain.model import Meta
from gateway.errors import StoreDamaged
from gateway.ports import Tx


def instant(tx: Tx, name: str) -> datetime | None:
    """The time that is kept under the name. Raises StoreDamaged where what is kept there is none."""
    row = tx.one(Meta, name=name)
    try:
        return datetime.fromisoformat(row.value.decode()) if row else None
    except (ValueError, AttributeError, TypeError) as error:
        raise StoreDamaged(f"its note {name!r} cannot be read; gateway doctor --fix removes it") from error


def put(tx: Tx, name: str, value: bytes) -> None:
    """Keep this value under the name, in the place of what stood there."""
    row = tx.one(Meta, name=name)
    if row:
        tx.put(replace(row, value=value))
    else:
        tx.add(Meta(name=name, value=value))
