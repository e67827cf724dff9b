"""Backups that were restored only to see whether they can be: nothing may be served from one, nor tell anybody else."""

from datetime import datetime

from gateway.domain.model import Meta
from gateway.errors import ConfigError
from gateway.flow import meta
from gateway.ports import Tx

_NAME = "restored as a drill"


def note(tx: Tx, now: datetime) -> None:
    """This database is a drill's from now on."""
    meta.put(tx, _NAME, now.date().isoformat().encode())


def said(tx: Tx) -> str:
    """That this database is a drill's, and since when; "" where it is not."""
    known = tx.one(Meta, name=_NAME)
    return f"this was restored as a drill on {known.value.decode()}" if known else ""


def refuse(tx: Tx) -> None:
    """Raises ConfigError where this database is a drill's."""
    if drill := said(tx):
        raise ConfigError(
            f"{drill}; it is only to be looked at. Restore the backup without --drill into another folder to serve it"
        )
