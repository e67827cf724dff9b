"""A database that is copied from another one: nothing may be served from it before all of it was found equal."""

import json
from dataclasses import asdict, dataclass

from gateway.domain.model import Meta
from gateway.errors import ConfigError, StoreDamaged
from gateway.ports import Tx

NAME = "copied from SQLite"


@dataclass(frozen=True, slots=True)
class CopyNote:
    """What a copy says of itself: of which file it is, and when it was begun and finished (ISO 8601), or ""."""

    path: str
    inode: int
    begun: str
    finished: str = ""

    def octets(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def read_note(octets: bytes) -> CopyNote:
    """Raises StoreDamaged."""
    try:
        return CopyNote(**json.loads(octets))
    except (ValueError, TypeError) as error:
        raise StoreDamaged(f"its note {NAME!r} cannot be read") from error


def refuse_unfinished(tx: Tx) -> None:
    """Raises ConfigError where this database is a copy that was not finished."""
    known = tx.one(Meta, name=NAME)
    if known and not (note := read_note(known.value)).finished:
        raise ConfigError(
            f"database.url: this is a copy of {note.path} that is not finished; run gateway migrate "
            f"--from sqlite:///{note.path} --to again, with this URL, which goes on where it was, or serve from "
            "that file as before"
        )
