"""`gateway serve --workers 2` as processes: what they share, what only one does, and how they come and go."""

import contextlib
import os
import signal
import smtplib
import socket
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

ADA, PAT = "ada@riverside.example", "pat@home.example"
MAILS = 20


@pytest.fixture
def served(tmp_path, smtp_sink):
    gateway = Served(tmp_path / "gateway", smtp_sink.port, "--workers", "2")
    assert gateway.start().startswith("gateway ready smtp=127.0.0.1:")
    yield gateway
    gateway.end()


def alive(pid):
    """Whether the process runs: one that nobody has waited for yet is over too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def sockets_of(pid):
    """How many sockets a process has open."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed while we were looking
            count += link.readlink().name.startswith("socket:")
    return count


def subjects(sink):
    return sorted(taken.message["Subject"] for taken in sink.messages())


def test_mail_through_both_arrives_once(served, smtp_sink):
    idle = {pid: sockets_of(pid) for pid in served.workers}
    with contextlib.ExitStack() as stack:
        clients = []
        while len(clients) < MAILS or any(sockets_of(pid) <= idle[pid] for pid in served.workers):
            assert len(clients) < 10 * MAILS, "one worker takes everybody"
            clients.append(stack.enter_context(smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20)))
        for number, client in enumerate(clients):
            client.sendmail(ADA, PAT, f"From: {ADA}\r\nTo: {PAT}\r\nSubject: {number:03}\r\n\r\nHello.\r\n")
    everything = [f"{number:03}" for number in range(len(clients))]
    wait_for(lambda: len(subjects(smtp_sink)) >= len(clients), 30)
    assert served.end() == 0
    assert subjects(smtp_sink) == everything


def test_a_worker_that_dies_comes_back(served, smtp_sink):
    first, second = served.workers
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(served.workers) == 2 and first not in served.workers)
    assert second in served.workers
    served.send(ADA, PAT, "After it", "Hello.")
    wait_for(lambda: subjects(smtp_sink) == ["After it"])
    served.end()
    assert "a worker has ended" in (served.folder / "log").read_text()


def test_what_a_worker_had_in_hand_is_sent_as_soon_as_it_is_back(tmp_path, hop):
    """It was killed while the hop kept it waiting: the mails it had claimed were another's only after half an hour."""
    may_go_on = threading.Event()

    def script(step, *_):
        if step == "MAIL":
            may_go_on.wait(60)
        return ""

    hop.script = script
    gateway = Served(tmp_path / "gateway", hop.port, "--workers", "2")
    gateway.start()
    try:
        for number in range(30):
            gateway.send(ADA, f"pat{number}@home.example", "passes", "Hello.")
        claimed = "SELECT count(*), group_concat(DISTINCT claimed_by) FROM delivery WHERE lease_until IS NOT NULL"
        wait_for(lambda: gateway.rows(claimed)[0][0] == 30)
        for worker in gateway.workers:
            os.kill(worker, signal.SIGKILL)
        may_go_on.set()
        wait_for(lambda: len({to for to in hop.recipients() if to.startswith("pat")}) == 30, 30)
    finally:
        may_go_on.set()
        gateway.end()


def test_sigterm_ends_all_of_them_cleanly(served):
    workers = served.workers
    assert len(workers) == 2
    assert served.end() == 0
    assert not any(map(alive, workers))


def test_a_killed_parent_leaves_nobody(served):
    workers = served.workers
    served.end(signal.SIGKILL)
    wait_for(lambda: not any(map(alive, workers)))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.smtp_port), 5)


def test_it_starts_again_while_the_last_ones_end(served, smtp_sink):
    served.kill()
    served.send(ADA, PAT, "After it", "Hello.")
    wait_for(lambda: subjects(smtp_sink) == ["After it"])


def test_each_reminder_comes_once_though_a_worker_is_killed(served, smtp_sink):
    mail = Mailboxes(smtp_sink)
    for number in range(5):
        served.send(ADA, f"pat{number}@home.example", "[secure patient 1980-02-03] Results", "Fine.")
        mail.next("invitation", f"pat{number}@home.example")
    for victim, days in enumerate((3, 12, 15)):
        wait_for(lambda: len(served.workers) == 2)  # the last victim is back
        os.kill(served.workers[victim % 2], signal.SIGKILL)
        served.turn(days=days)
        for number in range(5):
            mail.next("reminder", f"pat{number}@home.example")
        # One who is killed between the hop's 250 and our record of it has the same mail sent again.
        wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE state = 'queued'") == [(0,)])
    served.end()
    kinds = [taken.message["X-Gateway-Notice"] for taken in smtp_sink.messages()]
    assert kinds.count("reminder") == 15


def portal_answers(served, seconds=20):
    """What the portal says first to somebody new. Raises TimeoutError."""
    host, _, port = served.portal.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), seconds) as client:
        client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        return client.recv(100)


def test_the_portal_is_there_after_the_first_worker_has_died(served):
    os.kill(served.workers[0], signal.SIGKILL)
    assert portal_answers(served).startswith(b"HTTP/1.1 200")


def test_the_portal_is_served_by_the_first_worker_alone(served):
    """So that tries to sign in are counted in one place."""
    first = served.workers[0]
    os.kill(first, signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            portal_answers(served, 2)
    finally:
        os.kill(first, signal.SIGCONT)
    assert portal_answers(served).startswith(b"HTTP/1.1 200")


def test_figures_can_be_had_of_the_first_worker(served):
    with urllib.request.urlopen(f"http://{served.metrics}/metrics", timeout=20) as answer:
        figures = answer.read().decode()
    assert "gateway_up 1.0" in figures
    assert "gateway_deliveries_queued 0.0" in figures
    assert "gateway_loop_stall_seconds " in figures
    assert "process_resident_memory_bytes " in figures
