"""Opening every hold of a database, to see that a backup is worth something: nothing is written, nothing is shown."""

import io
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, cast

from gateway.admin.manifest import Manifest, content_file
from gateway.admin.recovery import decrypt
from gateway.domain.model import Content, Copy, Delivery, Message
from gateway.errors import WrongKey
from gateway.flow import copies
from gateway.flow.context import Context
from gateway.store.content import opened_chunks

AT_A_TIME = 200
IN_MEMORY = 8 << 20
Row = TypeVar("Row", Copy, Delivery)


class Opens(Protocol):
    """Where content is read from (a part of `ContentStore`)."""

    def chunks(self, content_id: str, inline: bytes | None, data_key: bytes) -> Iterator[bytes]: ...


@dataclass(slots=True)
class Opened:
    """How many holds and passing mails opened, and a line for each that did not; `destroyed` are those whose content
    was destroyed while the backup was taken.
    """

    holds: int = 0
    passing: int = 0
    destroyed: int = 0
    faults: list[str] = field(default_factory=list)


def open_all(
    ctx: Context, content: Opens, gone: Collection[str] = (), step: Callable[[int], None] = lambda _: None
) -> Opened:
    """Open each copy and each mail that passes through: its key, its subject, and all of its content but the `gone`."""
    opened = Opened()
    last = (0, b"")
    for copy in _each(ctx, Copy):
        with _judged(opened, f"copy {copy.id} of message {copy.message_id}"):
            message, key = _key(ctx, copy)
            if (message.id, key) != last:  # copies of one message share its content
                _read(ctx, content, message.content_id, key, gone)
                last = (message.id, key)
            opened.holds += 1
        step(1)
    for delivery in _each(ctx, Delivery):
        with _judged(opened, f"delivery {delivery.id}"):
            bound = copies.bound_to_passing(delivery.content_id, delivery.recipient)
            _read(ctx, content, delivery.content_id, ctx.keys.unwrap(delivery.wrapped_key or b"", bound), gone)
            opened.passing += 1
        step(1)
    return opened


class _Destroyed(Exception):
    """Its content was destroyed while the backup was taken."""


@contextmanager
def _judged(opened: Opened, what: str) -> Iterator[None]:
    try:
        yield
    except _Destroyed:
        opened.destroyed += 1
    except (WrongKey, KeyError, OSError) as error:
        opened.faults.append(f"{what}: {_said(error)}")


def _key(ctx: Context, copy: Copy) -> tuple[Message, bytes]:
    message = ctx.tx.get(Message, copy.message_id)
    if message is None:
        raise KeyError("its message is missing")
    holder = copies.in_account(copy.account_id) if copy.account_id else copies.at_address(copy.address)
    key = ctx.keys.unwrap(copy.wrapped_key or b"", copies.bound_to(message, holder))  # also one that a legal hold keeps
    ctx.keys.open_under(key, message.subject)
    return message, key


def _read(ctx: Context, content: Opens, content_id: str, key: bytes, gone: Collection[str]) -> None:
    if content_id in gone:
        raise _Destroyed
    row = ctx.tx.get(Content, content_id)
    if row is None:
        raise KeyError("its content is missing")
    size = sum(map(len, content.chunks(row.id, row.inline, key)))
    if size != row.size:
        raise KeyError(f"it has {size} octets, not {row.size}")


def _each(ctx: Context, table: type[Row]) -> Iterator[Row]:
    """Every row with a wrapped key."""
    after = 0
    while rows := ctx.tx.find(table, id__gt=after, wrapped_key__ne=None, limit=AT_A_TIME):
        yield from rows
        after = rows[-1].id


def _said(error: Exception) -> str:
    return f"its file is missing ({error.args[0]})" if isinstance(error, KeyError) else str(error)


@dataclass(frozen=True, slots=True)
class BackedUpContent:
    """Content as it lies in a backup: read through the recovery key, where it was encrypted."""

    folder: Path
    manifest: Manifest
    identity: Any
    damaged: Collection[str] = ()

    def chunks(self, content_id: str, inline: bytes | None, data_key: bytes) -> Iterator[bytes]:
        if inline is not None:
            yield from opened_chunks(content_id, data_key, io.BytesIO(inline))
            return
        file = content_file(self.folder, self.manifest, content_id)
        if content_id in self.damaged or not file.exists():
            raise KeyError(content_id)
        with file.open("rb") as source, tempfile.SpooledTemporaryFile(IN_MEMORY) as sealed:
            decrypt(source, sealed, self.identity, file.name)
            sealed.seek(0)
            yield from opened_chunks(content_id, data_key, cast("BinaryIO", sealed))
