"""The programs that are measured: each with a next hop of its own, in a folder of its own, on loopback alone."""

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Protocol

from gateway.config.settings import Settings
from gateway.config.toml_file import load
from gateway.domain.model import Account, Delivery
from gateway.domain.vocabulary import DeliveryState
from gateway.store.connections import open_database
from gateway.store.runner import read_once, write_once
from tests.bench.interpreter import Interpreter
from tests.bench.sink import CountingSink
from tests.peers.ports import reserve
from tests.peers.postfix import Postfix
from tests.peers.process import end, wait_until_listening

SENDER = "ada@riverside.example"
REGISTERED = "pat@patients.example"
LARGEST = "50000000"
"""Octets: the largest mail that the contenders take, where they ask."""
PYTHON = Interpreter.best()
GATEWAY = (PYTHON.path, "-m", "gateway")


class Contender(Protocol):
    """One program under test. `name` stands in the tables."""

    name: str
    port: int
    sink: CountingSink

    @property
    def pid(self) -> int:
        """The head of its process tree."""
        ...

    def start(self) -> None: ...

    def close(self) -> None: ...

    def queued(self) -> int:
        """How many mails it still has to hand on."""
        ...


class PythonContender:
    """A program in Python: one process, or the head of several."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.port = reserve(self)
        self.sink = CountingSink(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def close(self) -> None:
        if self._process:
            end(self._process)
        self.sink.close()


class GatewayContender(PythonContender):
    """`gateway serve` as `gateway init` sets it up, with one registered person; one worker is the default."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        super().__init__(folder)
        self.name = "gateway" if workers == 1 else f"gateway, {workers} workers"
        self._folder = folder / "site"
        self._workers = () if workers == 1 else ("--workers", str(workers))

    def start(self) -> None:
        if not self.sink.is_running:
            self.sink.start()
        self._init()
        self._register()
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*GATEWAY, "serve", "--config", str(self._folder / "gateway.toml"), *self._workers],
                env={**PYTHON.environment, **self._listeners()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout
        ready = self._process.stdout.readline()
        if not ready.startswith(b"gateway ready"):
            raise RuntimeError(f"the gateway did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def queued(self) -> int:
        database = open_database(self._settings.database_path)
        due = {"state": DeliveryState.QUEUED, "due_at__le": datetime.now(UTC)}  # a digest is not: it still gathers
        return read_once(database, lambda tx: tx.count(Delivery, **due))

    @cached_property
    def _settings(self) -> Settings:
        return load(self._folder / "gateway.toml")

    def _init(self) -> None:
        options = {
            "--domain": "secure.riverside.example",
            "--practice": "Riverside Family Practice",
            "--practice-domain": "riverside.example",
            "--next-hop": f"127.0.0.1:{self.sink.port}",
            "--portal-url": "https://secure.riverside.example",
        }
        words = (word for pair in options.items() for word in pair)
        _say("init", str(self._folder), *words)

    def _register(self) -> None:
        """Put one account in, through the gateway's own store."""
        write_once(open_database(self._settings.database_path), lambda tx: tx.add(self.account()))

    def account(self) -> Account:
        """Of the person who is registered."""
        return Account(
            address=REGISTERED, typed=REGISTERED, name="Pat", password_hash="none", created_at=datetime.now(UTC)
        )

    def _listeners(self) -> dict[str, str]:
        ports = {"SMTP": self.port, "PORTAL": 0, "METRICS": 0}
        return {f"GATEWAY_{part}__LISTEN": f"127.0.0.1:{port}" for part, port in ports.items()}


class PostfixContender:
    """Postfix as Debian ships it, relaying everything to its sink."""

    name = "Postfix"

    def __init__(self, folder: Path) -> None:
        self.sink = CountingSink(folder)
        self._postfix = Postfix(self.sink.port, inside=folder)
        self.port = self._postfix.port

    @property
    def pid(self) -> int:
        return self._postfix.pid

    def start(self) -> None:
        self.sink.start()
        self._postfix.start()

    def close(self) -> None:
        self._postfix.close()
        self.sink.close()

    def queued(self) -> int:
        queues = [self._postfix.folder / "queue" / name for name in ("incoming", "active", "deferred", "maildrop")]
        return sum(len(files) for queue in queues for _, _, files in os.walk(queue))


class AiosmtpdContender(PythonContender):
    """aiosmtpd's own command with its own handler that keeps nothing, on asyncio's own loop; its sink gets nothing."""

    name = "bare aiosmtpd"

    def start(self) -> None:
        self.sink.start()
        options = ("-n", "-s", LARGEST, "-l", f"127.0.0.1:{self.port}", "-c", "aiosmtpd.handlers.Sink")
        self._process = subprocess.Popen(
            [PYTHON.path, "-m", "aiosmtpd", *options], env=PYTHON.environment, stdin=subprocess.DEVNULL
        )
        wait_until_listening(self._process, self.port)

    def queued(self) -> int:
        return 0


@cache
def can_have_workers() -> bool:
    """Whether this gateway can serve with several processes."""
    return re.search(r"--workers\b", _say("serve", "--help")) is not None


def _say(*words: str) -> str:
    """What the gateway's command line answers."""
    done = subprocess.run(
        [*GATEWAY, *words],
        env=PYTHON.environment,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return done.stdout


def contenders(folder: Path) -> list[Contender]:
    """Everybody, each in a folder of its own: the gateway with two workers as well, where it can."""
    makers: list[Callable[[Path], Contender]] = [PostfixContender, GatewayContender, AiosmtpdContender]
    if can_have_workers():
        makers.insert(2, lambda room: GatewayContender(room, workers=2))
    return [make(room(folder, str(number))) for number, make in enumerate(makers)]


def room(folder: Path, name: str) -> Path:
    """A folder within another, for one contender or one kind of work."""
    room = folder / name
    room.mkdir()
    room.chmod(0o755)  # Postfix's daemons are other users
    return room


@contextlib.contextmanager
def running(*contenders: Contender) -> Iterator[None]:
    """All of them started, and ended whatever happens."""
    with contextlib.ExitStack() as stack:
        for contender in contenders:
            stack.callback(contender.close)
            contender.start()
        yield
