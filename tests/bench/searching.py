"""How long a search takes among 10,000 messages, and reading them for the index: `python -m tests.bench.searching`.

The messages are as long as clinics' are: a few lines to a few pages, every fifth as HTML alone. What was searched
before the index was there, subjects alone, is timed in the same run.
"""

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from gateway.domain.model import Account
from gateway.flow.inbox import lines, search
from gateway.portal.mail.indexing import index_messages
from gateway.store.connections import open_database
from gateway.store.content import SpooledContent
from gateway.store.migrations import migrate
from gateway.store.runner import SqliteStore
from gateway.testing import FakeRandom
from tests.practice import World

MESSAGES = 10_000
ROUNDS = 5
RARE = "sphenopalatine"
SEED = 15


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await measured(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES)


async def measured(folder: Path, messages: int) -> None:
    database = open_database(folder / "gateway.db")
    migrate(database)
    content = SpooledContent(folder / "spool")
    world = World(store=SqliteStore(database, content), content=content)
    account = await world.registered()
    for number, raw in enumerate(texts(messages)):
        await world.written(account, raw, f"Message {number}")
    start = time.perf_counter()
    await index_messages(world.desk, content, FakeRandom())
    print(f"read for the index: {(time.perf_counter() - start) / messages * 1000:.2f} ms a message")
    print(
        f"on the disk: {sum(len(raw) for raw in texts(messages)) / 1e6:.0f} MB of mail, index and all rows of it "
        f"{(folder / 'gateway.db').stat().st_size / 1e6:.0f} MB"
    )
    for what, words in (("one word of one message", RARE), ("a word of them all", "patient"), ("none", "xyzzy")):
        await timed(f"search, {what}", lambda words=words: searched(world, account, words))
    await timed("subjects alone, as before", lambda: subjects(world, account, messages))


async def searched(world: World, account: Account, words: str) -> int:
    return (await world.desk.ask(search.search, account, words, search.Among.ALL, limit=50)).count


async def subjects(world: World, account: Account, messages: int) -> int:
    return len(await world.desk.ask(lines.inbox, account, limit=messages))


async def timed(what: str, work) -> None:
    took, found = [], 0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = await work()
        took.append(time.perf_counter() - start)
    print(f"{what}: {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms, {found} found", flush=True)


def texts(messages: int):
    """Mails of made-up words; one of them has the rare word."""
    chance = random.Random(SEED)  # noqa: S311 - they are to be the same each time
    words = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz\u00e9\u00fc", k=chance.randint(2, 12))) for _ in range(8_000)
    ]
    for number in range(messages):
        said = chance.choices(words, k=chance.choice((30, 120, 120, 300, 900)))
        said.insert(len(said) // 2, "patient")
        if number == messages // 3:
            said.append(RARE)
        html = number % 5 == 0
        body = (
            "<p>" + "</p><p>".join(" ".join(said[i : i + 40]) for i in range(0, len(said), 40)) + "</p>"
            if html
            else " ".join(said)
        )
        kind = "html" if html else "plain"
        yield f"Subject: x\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{body}\r\n".encode()


if __name__ == "__main__":
    asyncio.run(main())
