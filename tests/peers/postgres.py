"""A private PostgreSQL server: unpacked, not installed; everything of its own in one folder, loopback only."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tests.peers import fetch
from tests.peers.ports import reserve
from tests.peers.process import wait_for

NOBODY = 65534
"""The server refuses to run as root."""


class Postgres:
    """One server on one port, whether it runs or not; `durable` syncs as a real one does, else it is only fast.

    One that is made `of` another that runs is its streaming replica, until it is promoted.
    """

    def __init__(self, *, durable: bool = False, options: Sequence[str] = (), of: "Postgres | None" = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._owner = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._owner:
            os.chown(self.folder, NOBODY, NOBODY)
        self.port = reserve(self)
        self._durable = durable
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        new = ("initdb", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        copy = ("pg_basebackup", "-R", "-c", "fast", "-h", "127.0.0.1", "-p", str(of.port)) if of else ()
        made = self._run(*(copy or new), "-D", str(self.data), "-U", "gateway")
        assert made.returncode == 0, made.stderr.decode()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The head of its process tree."""
        assert self._process
        return self._process.pid

    @property
    def url(self) -> str:
        return self.of("postgres")

    def of(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://gateway@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """A new, empty database; its URL."""
        self.say(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.say(f'CREATE DATABASE "{name}"')
        return self.of(name)

    def say(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run one statement as an administrator does; what comes of it."""
        with psycopg.connect(self.of(database), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def start(self) -> None:
        options = ["-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1", *self._options]
        if not self._durable:
            options += ["-F", "-c", "full_page_writes=off"]
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [*self._command("postgres"), "-D", str(self.data), *options],
                env=fetch.environment(fetch.POSTGRES_ROOT),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                **self._owner,
            )
        wait_for(self._answers, 30)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.folder / "said").read_text()
        with contextlib.suppress(psycopg.OperationalError):
            return bool(self.say("SELECT 1"))
        return False

    def follow_each_commit(self) -> None:
        """From now on a commit is only told once a replica has it on its disk, too."""
        self.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.say("SELECT pg_reload_conf()")
        wait_for(lambda: self.say("SELECT sync_state FROM pg_stat_replication") == [("sync",)], 30)

    def promote(self) -> None:
        """The primary is gone: this one takes its place, and waits for no replica."""
        self.say("ALTER SYSTEM RESET synchronous_standby_names")
        self.say("SELECT pg_promote()")

    def stop(self) -> None:
        """End it as an administrator does who waits for nobody."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """It is gone at once, and has written down nothing more."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(how)
            self._process.wait()
        self._process = None

    def _run(self, name: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        environment = fetch.environment(fetch.POSTGRES_ROOT)
        command = [*self._command(name), *words]
        return subprocess.run(
            command, env=environment, cwd=self.folder, capture_output=True, check=False, **self._owner
        )

    def _command(self, name: str) -> list[str]:
        return [str(fetch.postgres(name))]
