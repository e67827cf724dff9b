"""What an administrator asks of a database, whether it is being served from or not: `gateway queue`."""

from collections.abc import Callable
from typing import Any, TypeVar

from gateway.config import Settings
from gateway.edge.clock import the_clock
from gateway.errors import ConfigError
from gateway.flow.context import Context
from gateway.ports import Tx
from gateway.prepare import check_keys, keys_of
from gateway.store.connections import open_database
from gateway.store.runner import read_once, write_once

R = TypeVar("R")


def ask(settings: Settings, look: Callable[[Context], R]) -> R:
    """Look at the database. Raises ConfigError, WrongKey, StoreBusy."""
    return read_once(*_checked(settings, look))


def do(settings: Settings, change: Callable[[Context], R]) -> R:
    """Change the database in one transaction, beside a gateway that may serve from it. Raises as `ask`."""
    return write_once(*_checked(settings, change))


def _checked(settings: Settings, work: Callable[[Context], R]) -> tuple[Any, Callable[[Tx], R]]:
    """The database, and the work to do there once its keys are known to be the right ones."""
    path = settings.database_path
    if not path.exists():
        raise ConfigError(f"database.url: there is no {path}")
    keys, site, now = keys_of(settings), settings.policy(), the_clock().now()

    def checked(tx: Tx) -> R:
        check_keys(tx, keys)
        return work(Context(tx, site, keys, now))

    return open_database(path), checked
