"""Nobody can stop the gateway by mail: every shape that costs a reader time, from twenty clients at once."""

import contextlib
import signal
import socket
import threading
import time
from collections import Counter, deque

import pytest

from tests.peers.client import Client
from tests.peers.process import wait_for
from tests.peers.served import Served
from tests.peers.shapes import SHAPES
from tests.peers.siege import TRUSTING_THE_PRACTICE, besieged, hand_in
from tests.peers.test_hostile_smtp import descriptors

pytestmark = pytest.mark.peer

SECONDS = 4.0
"""How long honest mail is sent."""
HELD_UP = 2.0
"""Seconds: several times what is promised, and far less than what a mail that holds the loop up takes."""


@pytest.fixture
def served(tmp_path, hop):
    """It trusts the practice's mail server alone."""
    gateway = Served(tmp_path / "gateway", hop.port, **TRUSTING_THE_PRACTICE)
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


class Flood:
    """So many short sessions a second, from many addresses that are not trusted; what they were greeted with."""

    A_SECOND, ADDRESSES, LIVES = 1500, 100, 1.2
    TURN = 0.01

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._open: deque[tuple[float, socket.socket]] = deque()
        self.begun = 0
        self.greetings: Counter[str] = Counter()

    def __enter__(self) -> "Flood":
        self._since = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        while self._open:
            self._end(self._open.popleft()[1])

    @property
    def rate(self) -> float:
        return self.begun / (time.monotonic() - self._since)

    def _run(self) -> None:
        while not self._over.wait(self.TURN):
            now = time.monotonic()
            while self.begun < (now - self._since) * self.A_SECOND:
                self._begin(now)
            while self._open and self._open[0][0] < now - self.LIVES:
                self._end(self._open.popleft()[1])

    def _begin(self, now: float) -> None:
        client = socket.socket()
        client.setblocking(False)
        client.bind((f"127.0.2.{1 + self.begun % self.ADDRESSES}", 0))
        client.connect_ex(("127.0.0.1", self._port))
        self._open.append((now, client))
        self.begun += 1

    def _end(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.greetings[client.recv(3).decode()] += 1
        client.close()


ENOUGH = 10
"""Honest mails at least, however busy the machine is."""


def test_many_short_sessions_from_elsewhere_never_keep_the_trusted_server_out(served):
    refusals: list[str] = []
    sent = 0
    with descriptors(8192), Flood(served.smtp_port) as flood:
        wait_for(lambda: flood.begun > flood.A_SECOND * 2)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or sent <= ENOUGH:
            with Client(served.smtp_port) as client:
                reply = hand_in(client, "pat@home.example", b"Subject: hello\r\n\r\nHello\r\n")
                sent += 1
            if not reply.startswith("250"):
                refusals.append(reply)
        rate = flood.rate
    print(f"{rate:.0f} sessions a second, greeted {dict(flood.greetings)}; {sent} honest mails")
    assert refusals == []
    assert flood.greetings["421"] > 100  # there were more of them than are let in


def test_all_hostile_shapes_at_once_hold_nobody_up(served):
    """Nobody waits for as long as one such mail, read in the loop, would hold up all the others: that is many seconds.

    How far the promised times are kept (a stall under 0.2 s, an honest 250 within 1 s, /healthz within 0.2 s) is
    measured by `python -m tests.bench.siege`, since here other tests run beside it.
    """
    siege = besieged(served)
    print(siege.told)
    assert siege.faults == []
    assert siege.stall < HELD_UP + siege.late, siege.told
    assert max(siege.honest + siege.commands) < 2 * HELD_UP + siege.late, siege.told
    assert max(siege.health) < HELD_UP + siege.late, siege.told
    assert sum(siege.replies.values()) > len(SHAPES)
    assert not [reply for reply in siege.replies if reply.startswith("4")]
    wait_for(lambda: served.figure("gateway_deliveries_queued") >= 0)
