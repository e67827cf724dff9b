"""How gateways hear at once that another one has queued a mail: LISTEN and NOTIFY; whoever hears nothing looks anyway.

The connection that listens also holds the process's name: two that had one name would each free what the other one has
claimed, as if it were gone.
"""

import threading
from collections.abc import Callable

import psycopg
import structlog
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from gateway.errors import ConfigError, StoreBusy
from gateway.store.postgres.connections import as_store_errors, connect

log = structlog.get_logger()

CHANNEL = "gateway_mail"
_NAMES = 0x67_6E
"""Marks the locks on names among all locks of the database."""
NAME_WITHIN = 30.0
"""Seconds for which a name may be held by a process that has ended: its server may have to notice that first."""
HEARS_AFTER = 0.5
"""Seconds after which it is looked whether we are to end."""
BACK_OFF = 2.0


class Bell:
    """One process's ear; `ring` is called in a thread of its own whenever another process has queued a mail."""

    def __init__(self, url: str, name: str, ring: Callable[[], None]) -> None:
        self._url, self._name, self._ring = url, name, ring
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="store-bell", daemon=True)
        self._connection: psycopg.Connection | None = None

    def open(self) -> None:
        """Take the name, and listen from now on. Raises ConfigError where another process has it, StoreBusy."""
        connection = connect(self._url)
        again = Retrying(
            retry=retry_if_result(lambda taken: not taken),
            wait=wait_fixed(HEARS_AFTER),
            stop=stop_after_delay(NAME_WITHIN),
        )
        try:
            with as_store_errors():
                if not self._take_name(connection):
                    log.warning(
                        "waiting for this name: another gateway has it, or had it a moment ago", name=self._name
                    )
                    again(self._take_name, connection)
                connection.execute(f"LISTEN {CHANNEL}")
        except RetryError:
            connection.close()
            said = f"database.node: another gateway serves under the name {self._name}; give each its own"
            raise ConfigError(said) from None
        self._connection = connection
        self._thread.start()

    def end(self) -> None:
        """Hear nothing more than what comes next."""
        self._ending.set()

    def close(self) -> None:
        """Hear nothing any more, and give up the name."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()

    def _take_name(self, connection: psycopg.Connection) -> bool:
        found = connection.execute(
            "SELECT pg_try_advisory_lock(%s::integer, hashtext(%s))", [_NAMES, self._name]
        ).fetchone()
        return found == (True,)

    def _listen(self) -> None:
        told = ""
        while not self._ending.is_set():
            try:
                self._connection = self._connection or self._opened_anew()
                told = ""
                for notice in self._connection.notifies(timeout=HEARS_AFTER, stop_after=1):
                    if notice.payload != self._name:
                        self._ring()
            except (psycopg.Error, StoreBusy) as error:
                reason = str(error)
                if reason != told:  # once each, however long it lasts
                    log.warning(
                        "other gateways are not heard now; mail of theirs is looked for each second", error=reason
                    )
                told = reason
                self._drop()
                self._ending.wait(BACK_OFF)
        self._drop()

    def _opened_anew(self) -> psycopg.Connection:
        connection = connect(self._url)
        connection.execute(f"LISTEN {CHANNEL}")
        if not self._take_name(connection):  # the server has not noticed yet that our last connection is gone
            log.warning("the name of this gateway is held by another connection", name=self._name)
        self._ring()  # what was told meanwhile
        return connection

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def tell(connection: psycopg.Connection, name: str) -> None:
    """Tell all others that this process has queued a mail.

    Outside of the transaction that queued it: PostgreSQL commits those that NOTIFY one after the other.
    """
    connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, name])
