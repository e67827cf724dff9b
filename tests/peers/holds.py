"""A gateway's folder with much mail that is held, made as quickly as can be; and all of it opened again."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from gateway.config.toml_file import load
from gateway.domain.model import Content, Copy, Message
from gateway.flow import copies
from gateway.flow.context import Context
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.runner import SqliteStore, read_once
from gateway.store.sealing import load_keys
from tests.practice import PATIENT, World

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BODY, SUBJECT, BIRTHDATE = b"zebras among violets", b"Your results", b"1980-02-03"
RESULTS = (
    b"From: Dr Ada <ada@riverside.example>\r\nTo: pat@home.example\r\nSubject: %s\r\n"
    b"Message-ID: <results@riverside.example>\r\n\r\nNumber %d: %s.\r\n"
)


def octets(number: int) -> bytes:
    return RESULTS % (SUBJECT, number, BODY)


def hold(folder: Path, count: int) -> None:
    """So much mail is held for strangers, as if it had come in; a tenth of them are invited by their birthdate."""
    asyncio.run(_hold(folder, count))


async def _hold(folder: Path, count: int) -> None:
    settings = load(folder / "gateway.toml")
    content = SpooledContent(settings.spool_path)
    store = SqliteStore(open_database(settings.database_path), content)
    keys = load_keys(folder / "gateway.keys")
    world = World(site=settings.policy(), store=store, content=content, keys=keys)
    details = [PATIENT if number % 10 == 0 else None for number in range(count)]
    await asyncio.gather(
        *(world.invited(of, f"held{number}@home.example", octets(number)) for number, of in enumerate(details))
    )
    await store.close()


def opened(folder: Path) -> list[bytes]:
    """All copies that are kept, opened with what the key file says: their octets, and how often each is there."""
    settings = load(folder / "gateway.toml")
    keys, content = load_keys(folder / "gateway.keys"), SpooledContent(settings.spool_path)

    def look(tx):
        ctx, found = Context(tx, settings.policy(), keys, NOW), []
        for copy in tx.find(Copy, wrapped_key__ne=None):
            message = tx.get(Message, copy.message_id)
            row, key = tx.get(Content, message.content_id), copies.data_key(ctx, copy, message)
            assert keys.open_under(key, message.subject)
            found.append(content.get(row.id, row.inline, key))
        return found

    return read_once(open_database(settings.database_path), look)
