"""The gateway that is examined: its files, its database as far as it opens, and how its people are named."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from gateway.config.settings import Settings
from gateway.domain.model import Account, Copy, Message, Sender
from gateway.flow.context import Context
from gateway.ports import Keys
from gateway.store.connections import open_database
from gateway.store.damaged import Gap, Reader, columns_of
from gateway.store.models import models, table_name
from gateway.store.repository import NO_ROW, Repository, SqliteTx

Values = tuple[object, ...]


@dataclass(slots=True, kw_only=True)
class _Base:
    settings: Settings
    now: datetime
    served: bool
    keys: Keys | None = None
    unread_keys: str = ""
    """Why there are none."""
    keys_fit: bool = False
    """Whether they are the keys that this database was sealed with."""
    connection: sqlite3.Connection | None = None
    unopened: str = ""
    """Why the database could not be opened."""
    unsound: set[str] = field(default_factory=set)
    """Tables that lie on damaged pages, or lack columns: what is missing in them may only be out of sight."""
    whole: Counter[str] = field(default_factory=Counter)
    step: Callable[[str, int], None] = lambda _title, _more: None
    """Told how much more was looked at, and of what."""


class Patient(_Base):
    """What all checks look at."""

    @property
    def opens_sealed(self) -> bool:
        """Whether sealed values can be looked at."""
        return self.keys is not None and self.keys_fit and self.connection is not None

    @property
    def opened(self) -> sqlite3.Connection:
        """The database's connection, for checks that are run only where there is one."""
        assert self.connection is not None  # noqa: S101 - `Check.inside` sees to that
        return self.connection

    @cached_property
    def repository(self) -> Repository:
        return Repository(models(open_database(self.settings.database_path)), checks_kinds=True)

    @cached_property
    def ctx(self) -> Context:
        """For what flows know: only ever to look."""
        assert self.keys is not None  # noqa: S101 - as for `opened`
        return Context(self.tx, self.settings.policy(), self.keys, self.now)

    @cached_property
    def tx(self) -> SqliteTx:
        return SqliteTx(self.repository, self.opened)

    def raw(self, table: type) -> Iterator[tuple[int, Values] | Gap]:
        """The rows of a table as they are stored: their number, and their values in the order of its fields."""
        name, fields = table_name(table), self.fields(table)
        if not set(fields) <= set(columns_of(self.opened, name)):
            return iter(())
        return Reader(self.opened, name, fields).rows()

    def fields(self, table: type) -> list[str]:
        return list(table.__dataclass_fields__)  # type: ignore[attr-defined]

    def get(self, table: type, number: int | str | None) -> Any:
        """A row, or None where it is not there or cannot be read."""
        if not number:
            return None
        try:
            return self.tx.get(table, number)
        except (sqlite3.DatabaseError, *NO_ROW):
            return None

    def find(self, table: type, **where: Any) -> list[Any]:
        """The rows that can be read of those that meet the conditions."""
        try:
            return self.tx.find(table, **where)
        except (sqlite3.DatabaseError, OverflowError):
            return []

    def copies_of(self, message_id: int) -> list[Copy]:
        """A message's copies; where the index that leads to them is damaged, by a look through all of them."""
        if "copy_message" not in self.unsound:
            try:
                return self.tx.find(Copy, message_id=message_id)
            except sqlite3.DatabaseError:
                self.unsound.add("copy_message")
        found = (self.get(Copy, number) for number in self._numbers_of_copies.get(message_id, ()))
        return [copy for copy in found if copy]

    @cached_property
    def _numbers_of_copies(self) -> dict[object, list[int]]:
        at = self.fields(Copy).index("message_id")
        numbers: dict[object, list[int]] = {}
        for found in self.raw(Copy):
            if not isinstance(found, Gap):
                numbers.setdefault(found[1][at], []).append(found[0])
        return numbers

    # -------------------------------------------------------------------------------------------------------- naming

    def message_said(self, message: Message | None, number: int = 0) -> str:
        """How a message is named: by its number, day and author."""
        if message is None:
            return f"message {number}"
        day = f"{message.received_at:%d %B %Y}".lstrip("0")
        return f"message {message.id} of {day} from {self.author(message)}"

    def author(self, message: Message) -> str:
        sender = self.get(Sender, message.sender_id)
        account = self.get(Account, message.account_id)
        if sender:
            return f"{sender.name} <{sender.typed}>" if sender.name else str(sender.typed)
        if account:
            return str(account.typed or "somebody who has left")
        return "an author who is not known any more" if message.sender_id or message.account_id else "an invitee"

    def reader(self, copy: Copy) -> str:
        account = self.get(Account, copy.account_id)
        return f"{account.name} <{copy.typed}>" if account and account.name else copy.typed
