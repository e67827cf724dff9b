"""Every shape that costs a reader time, handed in from twenty clients at once, and what others see meanwhile."""

import contextlib
import itertools
import smtplib
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.domain.vocabulary import Purpose
from gateway.store.sealing import load_keys
from tests.peers.client import Client
from tests.peers.ledger import ADA
from tests.peers.served import Served
from tests.peers.shapes import SHAPES

SITE = "secure.riverside.example"
PRACTICE, ELSEWHERE = "127.0.0.1", "127.0.3."
CLIENTS = 20
SECONDS = 8.0
"""How long they keep it up."""
TRUSTING_THE_PRACTICE = {
    "NEXT_HOP__TLS": "none",
    "SMTP__TRUSTED_NETWORKS": f'["{PRACTICE}/32"]',
    "MAILBOX__AUTHSERV_ID": "mx.riverside.example",
}
"""The settings of the gateway that is besieged."""


BYSTANDER = """
import sys, threading, time
over, worst = threading.Event(), 0.0
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.is_set():
    asleep = time.monotonic()
    time.sleep(0.01)
    worst = max(worst, time.monotonic() - asleep - 0.01)
print(worst)
"""


@contextlib.contextmanager
def bystander() -> Iterator[list[float]]:
    """How late a process that does nothing wakes meanwhile, at worst: so late the machine makes everybody."""
    late: list[float] = []
    process = subprocess.Popen(
        [sys.executable, "-c", BYSTANDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield late
    finally:
        late.append(float(process.communicate("")[0]))


@dataclass
class Siege:
    """What was heard while it lasted: by those who besiege it, by an honest client, and of /healthz."""

    served: Served
    replies: Counter[str] = field(default_factory=Counter)
    honest: list[float] = field(default_factory=list)
    commands: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    stall: float = 0.0
    late: float = 0.0
    """Seconds by which a process that does nothing woke too late, at worst."""

    @property
    def told(self) -> str:
        """What was seen, in a line."""
        most = [f"{what} {max(times):.3f} s" for what, times in self.waited.items()]
        return f"stall {self.stall:.3f} s, {', '.join(most)} at most; a process that does nothing {self.late:.3f} s"

    @property
    def waited(self) -> dict[str, list[float]]:
        return {"an honest mail": self.honest, "a command": self.commands, "/healthz": self.health}

    def run(self, jobs: list[tuple[str, list[tuple[str, bytes]]]]) -> None:
        """Each job is the address that a client comes from, and its mails with the recipient of each."""
        besiegers = [threading.Thread(target=self._besiege, args=job, daemon=True) for job in jobs]
        others = [threading.Thread(target=self._kept, args=(one,)) for one in (self._write, self._ask, self._look)]
        for thread in besiegers + others:
            thread.start()
        time.sleep(SECONDS)
        self.over.set()
        for thread in others:
            thread.join()

    def _kept(self, one) -> None:
        while not self.over.wait(0.05):
            try:
                one()
            except Exception as error:
                self.faults.append(error)

    def _besiege(self, address: str, mails: list[tuple[str, bytes]]) -> None:
        for to, octets in itertools.cycle(mails):
            if self.over.is_set():
                return
            with contextlib.suppress(OSError), Client(self.served.smtp_port, address) as client:
                self.replies[hand_in(client, to, octets)] += 1

    def _write(self) -> None:
        self.honest.append(self._send("pat@home.example"))

    def _ask(self) -> None:
        self.commands.append(self._send(f"bot@{SITE}"))

    def _send(self, to: str) -> float:
        """A mail from the practice; how long it took."""
        begun = time.monotonic()
        with smtplib.SMTP(PRACTICE, self.served.smtp_port, timeout=30) as client:
            client.sendmail(ADA, [to], f"From: {ADA}\r\nSubject: hello\r\n\r\nLIST\r\n".encode())
        return time.monotonic() - begun

    def _look(self) -> None:
        begun = time.monotonic()
        with urllib.request.urlopen(f"{self.served.portal}/healthz", timeout=30) as answer:  # noqa: S310
            assert answer.status == 200
        self.health.append(time.monotonic() - begun)


def hand_in(client: Client, to: str, octets: bytes) -> str:
    """The code and status of the last word."""
    if not (greeting := client.heard()).startswith("220"):
        return greeting[:9]
    for said in ("EHLO mx.example", "MAIL FROM:<>", f"RCPT TO:<{to}>", "DATA"):
        reply = client.say(f"{said}\r\n".encode())
        if reply[:1] not in ("2", "3"):
            return f"{said.split()[0]} {reply[:9]}"
    return client.say(octets + b".\r\n")[:9]


def _targets(served: Served) -> Iterator[list[str]]:
    """Whom the clients write to, in turn: with tokens that are good, and with such as were made up."""
    keys = load_keys(served.folder / "gateway.keys")
    good = {
        "bounce": keys.token(Purpose.BOUNCE, 1),
        "reply": keys.token(Purpose.REPLY, 1),
        "bot": keys.token(Purpose.SENDER, 1),
    }
    for box, token in good.items():
        made_up = token[:-4] + ("aaaa" if token[-4:] != "aaaa" else "bbbb")
        yield [f"{box}+{token}@{SITE}", f"{box}+{made_up}@{SITE}"]
    yield [f"bot@{SITE}", f"postmaster@{SITE}"]


def besieged(served: Served) -> Siege:
    """Have twenty clients, half of them strangers, hand in each shape to each kind of address of the gateway's own."""
    served.send(ADA, "kim@home.example", "[secure] before", "Hello")
    mails = [make() for make in SHAPES.values()]
    targets = list(_targets(served))
    jobs = []
    for number in range(CLIENTS):
        boxes = targets[number // 2 % len(targets)]
        turned = mails[number % len(mails) :] + mails[: number % len(mails)]
        address = f"{ELSEWHERE}{number + 1}" if number % 2 else PRACTICE
        jobs.append((address, list(zip(itertools.cycle(boxes), turned, strict=False))))
    siege = Siege(served)
    with bystander() as late:
        siege.run(jobs)
    siege.late = late[0]
    siege.stall = served.figure("gateway_loop_stall_seconds")
    return siege
