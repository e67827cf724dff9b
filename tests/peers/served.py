"""`gateway serve` as a process of its own, set up as `gateway init` does it, with a clock file to turn."""

import os
import re
import signal
import smtplib
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from gateway.setup import Answers, set_up
from tests.peers import preloaded
from tests.peers.ports import reserve
from tests.peers.process import wait_for

GATEWAY = str(Path(sys.executable).with_name("gateway"))
START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ACCOUNT = """
INSERT INTO account (address, typed, name, password_hash, delivery, practice_name, practice_phone, practice_address,
language, created_at, reset_generation) VALUES (?, ?, '', '', 'portal', '', '', '', 'en', 0, 1)
"""


class Served:
    """One gateway in one folder; it can be killed at any moment and started again.

    `options` are those of `gateway serve`, such as `--workers 2`; `settings` are environment variables without their
    `GATEWAY_`; `through` is the module that is run, and what it is told before the gateway's own words.
    With `by_command` it is started as an administrator does it, which takes a second or two.
    """

    by_command = False

    def __init__(self, folder: Path, next_hop: int, *options: str, **settings: str) -> None:
        self.folder = folder
        self._options = options
        self.settings = settings
        self.through: tuple[str, ...] = ("gateway",)
        self.database = folder / "gateway.db"
        self.portal = f"http://127.0.0.1:{reserve(self)}"
        self.metrics = ""
        self.now = START
        self._process: subprocess.Popen[str] | preloaded.Started | None = None
        self._ports = {"SMTP": reserve(self), "METRICS": 0}
        answers = Answers(
            domain="secure.riverside.example",
            practice="Riverside Family Practice",
            practice_domain="riverside.example",
            next_hop=f"127.0.0.1:{next_hop}",
            portal_url=self.portal,
        )
        set_up(folder, answers)
        self.turn()

    @property
    def smtp_port(self) -> int:
        return self._ports["SMTP"]

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers, if there are several."""
        return [int(child) for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def turn(self, **by: float) -> None:
        """Turn the clock."""
        self.now += timedelta(**by)
        (self.folder / "now").write_text(self.now.isoformat())

    def catch_up(self) -> None:
        """Wait until it has done all that is due by the clock as it stands."""
        wait_for(lambda: self.figure("gateway_timed_work_until_seconds") == self.now.timestamp())

    def said(self, line: str, times: int = 1) -> None:
        """Wait until its log says so often what we look for: lines are written soon after what they tell of."""
        wait_for(lambda: (self.folder / "log").read_text().count(line) == times)

    def figure(self, name: str) -> float:
        """One of the figures that it shows to Prometheus."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=20) as answer:
            [found] = re.findall(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(found)

    def start(self) -> str:
        """Start it; the line that says it is ready."""
        environment = {
            **os.environ,
            "GATEWAY_CLOCK_FILE": str(self.folder / "now"),
            "GATEWAY_PORTAL__LISTEN": self.portal.removeprefix("http://"),
            **{f"GATEWAY_{part}__LISTEN": f"127.0.0.1:{port}" for part, port in self._ports.items()},
            **{f"GATEWAY_{name}": value for name, value in self.settings.items()},
        }
        words = ("serve", "--config", str(self.folder / "gateway.toml"), *self._options)
        with (self.folder / "log").open("a") as log:
            if self.by_command:
                self._process = subprocess.Popen(
                    [GATEWAY, *words],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            else:
                module, *first = self.through
                self._process = preloaded.start(module, [*first, *words], environment, log)
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, (self.folder / "log").read_text()
        self.metrics = line.split("metrics=")[1].strip()
        return line

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        assert self._process
        assert self._process.stdout
        code = self._process.wait(60)
        self._process.stdout.close()
        self._process = None
        return code

    def command(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run another command of `gateway` on its settings, by its clock."""
        environment = {"PATH": "/usr/bin:/bin", "NO_COLOR": "1", "GATEWAY_CLOCK_FILE": str(self.folder / "now")}
        config = ("--config", str(self.folder / "gateway.toml"))
        return preloaded.run("gateway", [*map(str, words), *config], environment)

    def kill(self) -> None:
        """`kill -9`, and up again."""
        self.end(signal.SIGKILL)
        self.start()

    def send(self, sender: str, to: str, subject: str, body: str, **headers: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Message-ID"] = f"<{os.urandom(8).hex()}@riverside.example>"
        for name, value in headers.items():
            message[name] = value
        message.set_content(body)
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=20) as client:
            client.send_message(message)

    def rows(self, query: str, *values: object) -> list[tuple]:
        """Ask its database, whether it runs or not."""
        with closing(sqlite3.connect(self.database, timeout=20)) as database:
            return database.execute(query, values).fetchall()

    def contents(self) -> set[str]:
        """The names of what lies outside of its row."""
        return {file.name for file in self.database.with_name("gateway.db.spool").iterdir() if file.stat().st_size}

    def enrol(self, *addresses: str) -> None:
        """Make accounts for people, as if they had registered."""
        with closing(sqlite3.connect(self.database, timeout=20)) as database, database:
            database.executemany(ACCOUNT, [(address, address) for address in addresses])

    def on_disk(self) -> bytes:
        """Everything that the gateway has written."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


class Mailboxes:
    """What has reached the world beyond the next hop, mail by mail."""

    def __init__(self, sink) -> None:
        self._sink = sink
        self._read: set[tuple[str, ...]] = set()

    def next(self, notice: str, to: str):
        """Wait for the next mail of a kind to somebody; it is taken once."""

        def look():
            for taken in self._sink.messages():
                name = (taken.message["Message-ID"], *taken.recipients)
                if taken.message["X-Gateway-Notice"] == notice and to in taken.recipients and name not in self._read:
                    self._read.add(name)
                    return taken.message
            return None

        return wait_for(look, 20)

    def link(self, message) -> str:
        """The invitation's link, from the text part."""
        found = re.search(r"https?://\S+/invite/\w+", message.get_body(("plain",)).get_content())
        assert found
        return found[0]
