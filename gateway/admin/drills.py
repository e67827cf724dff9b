"""Backups that were restored only to see whether they can be: nothing may be served from one, nor tell anybody else."""

import tomllib
from datetime import datetime
from pathlib import Path

from gateway.config.toml_file import build, toml
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


def moved(text: str, folder: Path) -> str:
    """The text of a settings file for a drill in this folder: a database or ledger that lies elsewhere lies here now.

    The spool goes with the database. What the environment says cannot be moved. Raises ConfigError.
    """
    settings = build(tomllib.loads(text), folder)
    database, ledger = settings.database_path, settings.path(settings.ledger.file)
    places = (
        (database, settings.database.url, f"sqlite:///{database.name}"),
        (ledger, settings.ledger.file, ledger.name),
    )
    for path, said_now, here in places:
        if not path.resolve().is_relative_to(folder.resolve()):
            text = text.replace(toml(said_now), toml(here)).replace(f"'{said_now}'", toml(here))
    return text
