"""Looking at a database and changing it, beside a gateway that may serve from it."""

import contextlib
import getpass
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from gateway.admin import drills
from gateway.admin.ledger import ledger_of, write_down
from gateway.admin.unfinished import refuse_unfinished
from gateway.config.settings import Settings
from gateway.database import content_of, database_of
from gateway.domain.site import Site
from gateway.edge.run.clock import the_clock
from gateway.errors import ConfigError, StoreBusy
from gateway.flow.context import Context
from gateway.ports import Clock, ContentStore, Keys, Tx
from gateway.prepare import check_keys, keys_of
from gateway.store.databases import Transactions
from gateway.store.ledger import ChainedLedger

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Access:
    """The database while an administrator works with it: each call is a transaction of its own."""

    site: Site
    keys: Keys
    content: ContentStore
    clock: Clock
    ledger: ChainedLedger
    _transactions: Transactions

    def ask(self, look: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Look at the database. Raises StoreBusy, StoreDamaged, WrongKey."""
        return self._transactions.read(lambda tx: look(self._checked(tx), *args, **kwargs))

    def do(self, change: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Change the database; what that destroys is in the ledger on return, too.

        Raises as `ask`, StoreFull, and OSError.
        """
        result = self._transactions.write(lambda tx: change(self._checked(tx), *args, **kwargs))
        with contextlib.suppress(StoreBusy):  # then it is written down by whoever has the database
            if not self._transactions.read(drills.said):
                write_down(self._transactions.read, self._transactions.write, self.ledger)
        return result

    @property
    def leaves_gaps(self) -> bool:
        """Whether rows of the audit may be numbered with gaps."""
        return self._transactions.leaves_gaps

    def missing_triggers(self) -> list[str]:
        """The triggers of our schema that are not there, or say something else. Raises StoreBusy, StoreDamaged."""
        return list(self._transactions.missing_triggers())

    def last_number(self, table: str) -> int:
        """The highest number that a row of this table has ever had. Raises StoreBusy, StoreDamaged."""
        return self._transactions.last_number(table)

    def _checked(self, tx: Tx) -> Context:
        check_keys(tx, self.keys)
        return Context(tx, self.site, self.keys, self.clock.now(), place())


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Access]:
    """The database, for several transactions, if it is no copy that was not finished: what was changed in that would be
    lost. Raises ConfigError, WrongKey, StoreBusy, StoreDamaged.
    """
    database = database_of(settings)
    if not database.is_there():
        raise ConfigError(f"database.url: there is no {database.name}")
    keys, site, content = keys_of(settings), settings.policy(), content_of(settings, database)
    with contextlib.closing(content), database.transactions(content) as transactions:
        if database.nodes:
            transactions.read(refuse_unfinished)
        yield Access(site, keys, content, the_clock(), ledger_of(settings, keys), transactions)


def ask(settings: Settings, look: Callable[[Context], R]) -> R:
    """Look at the database. Raises ConfigError, WrongKey, StoreBusy."""
    with opened(settings) as access:
        return access.ask(look)


def do(settings: Settings, change: Callable[[Context], R]) -> R:
    """Change the database in one transaction, beside a gateway that may serve from it. Raises as `ask`."""
    with opened(settings) as access:
        return access.do(change)


def place() -> str:
    """Who sits at the command line, for the audit."""
    try:
        return f"command line, {getpass.getuser()}"
    except (KeyError, OSError):  # a container's user may have no name
        return "command line"
