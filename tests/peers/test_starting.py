"""Starting in trouble: what passes is waited for in one plain line, what does not is said with an exit code."""

import os
import signal
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from tests.peers.node import Node
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer


def said(served):
    log = served.folder / "log"
    return log.read_text() if log.exists() else ""


@contextmanager
def starting(served):
    """It starts beside us; by the end it has."""
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(served.start)
        wait_for(lambda: "waiting to start" in said(served), 20)
        yield
        assert ready.result(30).startswith("gateway ready")


def refuses(served):
    """Nobody who connects is let in and cut off."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.smtp_port), 5)


def mail_flows(served, hop):
    served.send("ada@riverside.example", "pat@home.example", "passes", "Hello.")
    wait_for(lambda: "pat@home.example" in hop.recipients())


def test_a_database_that_is_locked_is_waited_for(served, hop):
    with closing(locked(served)) as other, starting(served):
        refuses(served)
        other.execute("ROLLBACK")
    assert said(served).count("waiting to start") == 1
    mail_flows(served, hop)


def locked(served):
    """A connection that keeps it for itself."""
    other = sqlite3.connect(served.database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


def test_why_a_server_cannot_be_used_is_said_and_it_is_waited_for(tmp_path, hop, postgres_server):
    postgres_server.say("DROP DATABASE IF EXISTS later")
    served = Served(tmp_path / "gateway", hop.port, DATABASE__URL=postgres_server.of("later"))
    try:
        with starting(served):
            reason = said(served)
            postgres_server.say("CREATE DATABASE later")
        assert "does not exist" in reason
        assert said(served).count("waiting to start") == 1
    finally:
        served.end(signal.SIGKILL)


def test_a_full_disk_is_waited_for(tmp_path, hop, small_disk):
    served = Served(tmp_path / "gateway", hop.port, DATABASE__URL=f"sqlite:///{small_disk.folder}/gateway.db")
    try:
        small_disk.fill()
        with starting(served):
            refuses(served)
            small_disk.empty()
        assert said(served).count("waiting to start") == 1
        assert "Traceback" not in said(served)
        mail_flows(served, hop)
    finally:
        served.end(signal.SIGKILL)


def used(served):
    served.start()
    served.send("ada@riverside.example", "pat@home.example", "[secure] Results", "Hello.")
    served.end()


def test_a_damaged_database_is_named_and_nothing_is_served(served):
    used(served)
    octets = bytearray(served.database.read_bytes())
    octets[4096:] = bytes(len(octets) - 4096)
    served.database.write_bytes(octets)
    done = served.command("serve")
    assert (done.returncode, "is damaged" in done.stderr) == (os.EX_IOERR, True)
    assert "Traceback" not in done.stderr
    assert "FAULT    database.url: " in served.command("check").stdout


def test_one_damaged_page_is_found_by_check(served):
    used(served)
    with closing(sqlite3.connect(served.database)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'invitation_address'").fetchone()
    octets = bytearray(served.database.read_bytes())
    octets[(root - 1) * 4096 : root * 4096] = os.urandom(4096)
    served.database.write_bytes(octets)
    found = served.command("check").stdout
    assert "is damaged" in found
    assert "restore it from a backup" in found


def test_keys_that_are_missing_are_to_be_restored_and_not_made_anew(served):
    used(served)
    (served.folder / "gateway.keys").unlink()
    for words in (["serve"], ["check"]):
        done = served.command(*words)
        assert "restore it from its copy" in done.stdout + done.stderr
        assert "gateway init" not in done.stdout + done.stderr
    assert served.command("serve").returncode == os.EX_CONFIG


def test_a_disk_that_is_nearly_full_is_a_fault(small_disk, hop):
    assert "FAULT    disk: only " in Served(small_disk.folder / "gateway", hop.port).command("check").stdout


def test_the_service_manager_hears_when_it_is_ready_and_what_it_waits_for(served, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            with closing(locked(served)) as other, starting(served):
                assert manager.recv(1000) == b"STATUS=waiting: the database cannot be used now: database is locked"
                other.execute("ROLLBACK")
            assert manager.recv(1000).startswith(b"READY=1\nSTATUS=listens: smtp=127.0.0.1:")
        finally:
            del os.environ["NOTIFY_SOCKET"]


def test_an_empty_server_beside_a_ledger_that_tells_of_mail_is_not_served(tmp_path, hop, postgres):
    node = Node(tmp_path / "node", hop.port, postgres)
    (node.folder / "gateway.ledger").write_text("a line\n")
    done = node.command("serve")
    assert done.returncode == os.EX_CONFIG
    assert "copy the one of before into it (gateway migrate --to)" in done.stderr
    assert "gateway restore" not in done.stderr
