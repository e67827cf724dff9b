"""Clients that mean harm, or are just large: honest mail gets in, and memory stays flat."""

import contextlib
import re
import resource
import signal
import smtplib
import socket
import statistics
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.peers.client import Client
from tests.peers.hop import Hop
from tests.peers.ledger import ADA, drained
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

MIB = 1 << 20
SLOW, IDLE, HONEST = 500, 1000, 20
HONEST_P95 = 10
"""Seconds: generous, since the machine that runs the tests may be slow; the figure itself is printed (pytest -s)."""
PEAK = 300 * MIB


@pytest.fixture
def hop():
    """One that keeps sizes and digests, not what is large."""
    hop = Hop(keep=False)
    hop.start()
    yield hop
    hop.stop()


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port, NEXT_HOP__TLS="none", SMTP__MAX_MESSAGE_SIZE="50MB")
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


@pytest.fixture
def by_command(served):
    """The same, started by its command: all its memory is its own."""
    served.end(signal.SIGKILL)
    served.by_command = True
    served.start()
    return served


@contextlib.contextmanager
def descriptors(count: int):
    """Let this process, and what it starts, open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (-1, resource.RLIM_INFINITY) and hard < count:
        pytest.fail(f"This test opens {count} connections: raise the limit with ulimit -Hn {count}", pytrace=False)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -------------------------------------------------------------------------------------------------- slow, idle, many


class Crowd:
    """Clients of many addresses: some say nothing, the others send a mail by one octet a second."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._dribble)
        self.greeted = 0

    def __enter__(self) -> "Crowd":
        for number in range(SLOW + IDLE):
            mine = (f"127.0.{1 + number % 100}.{2 + number // 100}", 0)  # fifteen of each of a hundred networks
            client = socket.create_connection(("127.0.0.1", self._port), 30, mine)
            self._sockets.append(client)
            self.greeted += client.recv(512).startswith(b"220")
            client.setblocking(False)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for client in self._sockets:
            client.close()

    def _dribble(self) -> None:
        begin = f"EHLO slow.example\r\nMAIL FROM:<{ADA}>\r\nRCPT TO:<pat@home.example>\r\nDATA\r\n".encode()
        first = True
        while not self._stop.wait(1):
            for client in self._sockets[:SLOW]:
                with contextlib.suppress(OSError):
                    client.send(begin if first else b"x")
            first = False


def open_files(served: Served) -> int:
    return len(list(Path(f"/proc/{served.pid}/fd").iterdir()))


def test_an_honest_client_is_served_among_slow_and_idle_ones(tmp_path, hop):
    with descriptors(4096):
        served = Served(tmp_path / "gateway", hop.port, NEXT_HOP__TLS="none")
        served.start()
        try:
            before = open_files(served)
            with Crowd(served.smtp_port) as crowd:
                time.sleep(2)  # the slow ones are within their data by now
                took = sorted(honest(served, number) for number in range(HONEST))
            p95 = statistics.quantiles(took, n=20)[-1]
            print(f"{crowd.greeted} of {SLOW + IDLE} greeted; an honest client's p50 {took[10]:.3f} s, p95 {p95:.3f} s")
            assert p95 < HONEST_P95
            wait_for(lambda: drained(served), 20)
            assert Counter(hop.recipients()) == {f"honest{number}@home.example": 1 for number in range(HONEST)}
            wait_for(lambda: open_files(served) <= before + 20, 20)
        finally:
            served.end(signal.SIGKILL)


def honest(served: Served, number: int) -> float:
    """Seconds that one mail takes over a connection of its own; it tries again when it is told to."""
    begun = time.monotonic()
    while True:
        with (
            contextlib.suppress(smtplib.SMTPException, OSError),
            smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=30) as client,
        ):
            client.sendmail(ADA, [f"honest{number}@home.example"], b"Subject: honest\r\n\r\nHello\r\n")
            return time.monotonic() - begun
        assert time.monotonic() < begun + 60
        time.sleep(0.1)


def test_clients_that_hang_up_at_once_leave_nothing_behind(served):
    before = open_files(served)
    for _ in range(300):
        socket.create_connection(("127.0.0.1", served.smtp_port), 30).close()
    assert honest(served, 0) < HONEST_P95
    wait_for(lambda: open_files(served) <= before + 20, 20)


def test_one_address_has_so_many_sessions_and_no_more(served):
    """421 beyond the cap (RFC 5321 §3.8), while somebody else is served."""
    with contextlib.ExitStack() as stack, descriptors(4096):
        answers = [stack.enter_context(Client(served.smtp_port, "127.0.0.9")).heard()[:3] for _ in range(1000)]
        assert answers[:10] == ["220"] * 10
        assert set(answers[10:]) == {"220", "421"}
        assert honest(served, 0) < HONEST_P95


@pytest.mark.parametrize("command", [b"NOOP", b"RSET", b"VRFY pat", b"WHAT", b"RCPT TO:<>"])
def test_nobody_talks_for_ever_without_sending_mail(served, command):
    """A session that goes on with empty talk is ended (421), well before 3,000 commands."""
    with Client(served.smtp_port) as client:
        assert client.heard().startswith("220")
        client.say(b"EHLO client.example\r\n")
        answers = (client.say(command + b"\r\n") for _ in range(3000))
        assert any(said[:3] in ("421", "") for said in answers)


# --------------------------------------------------------------------------------------------------------------- large


class Peak:
    """The most memory that a process holds while one looks: its proportional set size, in octets."""

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/smaps_rollup")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.octets = 0

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            found = re.search(r"^Pss: +(\d+) kB", self._file.read_text(), re.MULTILINE)
            self.octets = max(self.octets, int(found[1]) * 1024 if found else 0)


def test_larger_than_the_limit_is_552_be_it_announced_or_not(by_command, hop):
    """RFC 1870 §6.1; and the session goes on after either."""
    served, line = by_command, b"x" * 998 + b"\r\n"
    with Client(served.smtp_port) as client, Peak(served.pid) as peak:
        assert client.heard().startswith("220")
        assert "SIZE 50000000" in client.say(b"EHLO client.example\r\n")
        assert client.say(f"MAIL FROM:<{ADA}> SIZE=100000000\r\n".encode()).startswith("552")
        assert client.say(f"MAIL FROM:<{ADA}>\r\n".encode()).startswith("250")
        assert client.say(b"RCPT TO:<pat@home.example>\r\n").startswith("250")
        assert client.say(b"DATA\r\n").startswith("354")
        for _ in range(1000):
            client.socket.sendall(line * 100)
        assert client.say(b"\r\n.\r\n").startswith("552")
        assert client.say(f"MAIL FROM:<{ADA}>\r\n".encode()).startswith("250")
        assert client.say(b"RCPT TO:<pat@home.example>\r\n").startswith("250")
        assert client.say(b"DATA\r\n").startswith("354")
        assert client.say(b"Subject: small\r\n\r\nHello\r\n.\r\n").startswith("250")
    assert peak.octets < PEAK
    wait_for(lambda: hop.recipients() == ["pat@home.example"])


@pytest.mark.timeout(300)
def test_twenty_clients_send_32_mib_of_empty_lines_at_once(by_command, hop):
    """Half of it passes, half of it is held; memory stays flat until the last of it has left."""
    served = by_command
    body = b"\r\n" * (16 * MIB)
    answers: list[str] = []

    def send(number: int) -> None:
        subject = "[secure] empty" if number % 2 else "empty"
        head = f"From: <{ADA}>\r\nSubject: {subject}\r\nMessage-ID: <{number}.empty@riverside.example>\r\n\r\n"
        with Client(served.smtp_port) as client:
            client.socket.settimeout(150)
            assert client.begin(f"p{number}@home.example").startswith("354")
            client.socket.sendall(head.encode())
            client.socket.sendall(body)
            answers.append(client.say(b".\r\n")[:3])

    clients = [threading.Thread(target=send, args=(number,)) for number in range(20)]
    with Peak(served.pid) as peak:
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert answers == ["250"] * 20
        wait_for(lambda: drained(served), 90)
    print(f"20 x 32 MiB of empty lines: Pss at most {peak.octets / MIB:.0f} MiB")
    assert [handed.size > len(body) for handed in hop.messages() if handed.mail_from == ADA] == [True] * 10
    assert served.rows("SELECT count(*) FROM copy WHERE state = 'held'") == [(10,)]
    assert peak.octets < PEAK


# ------------------------------------------------------------------------------------------------------ many recipients

CAP = 100


def test_a_thousand_recipients_are_split_rightly_and_a_retry_doubles_nothing(served, hop):
    everyone = [f"r{number}@home.example" for number in range(1000)]
    registered = everyone[::5]
    served.enrol(*registered)
    mail = f"From: <{ADA}>\r\nSubject: [secure] to all\r\nMessage-ID: <all@riverside.example>\r\n\r\nHello\r\n".encode()

    def offer() -> list[str]:
        """Offer it to all; who was taken."""
        with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=60) as client:
            client.ehlo()
            client.mail(ADA)
            codes = {to: client.rcpt(to)[0] for to in everyone}
            assert set(codes.values()) <= {250, 452}  # RFC 5321 §4.5.3.1.10
            assert client.data(mail)[0] == 250
        return [to for to, code in codes.items() if code == 250]

    taken = offer()
    assert len(taken) >= CAP
    assert taken == everyone[: len(taken)]
    expected = {to: "inbox" if to in set(registered) else "held" for to in taken}
    assert dict(served.rows("SELECT typed, state FROM copy")) == expected
    assert offer() == taken
    wait_for(lambda: drained(served), 60)
    assert len(served.rows("SELECT id FROM copy")) == len(taken)
    notices = Counter((handed.message["X-Gateway-Notice"], *handed.recipients) for handed in hop.messages())
    assert notices == {
        ("receipt", ADA): 1,
        **{("new-message", to): 1 for to in taken if to in set(registered)},
    }
