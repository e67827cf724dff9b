"""SIGTERM drains: what is under way ends, so that a restart loses no mail, cuts nobody off and sends nothing twice."""

import random
import signal
import smtplib
import threading
import time

import pytest

from tests.peers.ledger import REGISTERED, Load, books, drained, lost
from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

RESTARTS = 6


@pytest.mark.timeout(240)
@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two workers"])
def test_restarts_under_load_lose_nothing_and_send_nothing_twice(tmp_path, hop, options):
    served = Served(tmp_path / "gateway", hop.port, *options)
    served.start()
    try:
        served.enrol(REGISTERED)
        with Load(served.smtp_port) as load:
            for _ in range(RESTARTS):
                enough = len(load.ledger.told) + random.randint(3, 15)  # noqa: S311 - instants, not secrets
                wait_for(lambda enough=enough: len(load.ledger.told) >= enough, 60)
                assert served.end() == 0
                served.start()
        wait_for(lambda: drained(served), 60)
        ledger, found = load.ledger, books(served, hop)
        assert lost(ledger, found) == []
        assert not ledger.unheard  # whoever was handing in a mail got an answer
        assert set(found.delivered.values()) <= {1}
        assert set(found.copies.values()) <= {1}
        assert {len(ids) for ids in found.announced.values()} <= {1}
        assert "level=error" not in (served.folder / "log").read_text()
    finally:
        served.end(signal.SIGKILL)


def test_a_mail_that_is_being_handed_in_is_taken_before_the_end(served, hop):
    served.start()
    client = smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20)
    try:
        client.ehlo()
        client.mail("ada@riverside.example")
        client.rcpt("pat@home.example")
        assert client.docmd("DATA")[0] == 354
        client.send("From: ada@riverside.example\r\nSubject: begun\r\n\r\n")
        ended = threading.Thread(target=served.end)
        ended.start()
        time.sleep(0.5)
        client.send("Hello.\r\n.\r\n")
        assert client.getreply()[0] == 250
        ended.join()
    finally:
        client.close()
    served.start()
    wait_for(lambda: "pat@home.example" in hop.recipients())


def test_what_a_slow_hop_is_being_handed_is_recorded_before_the_end(served, hop):
    begun, may_go_on = threading.Event(), threading.Event()

    def script(step, *_):
        if step == "DATA":
            begun.set()
            may_go_on.wait(60)
        return ""

    hop.script = script
    served.start()
    served.send("ada@riverside.example", "pat@home.example", "passes", "Hello.")
    assert begun.wait(20)
    ended = threading.Thread(target=served.end)
    ended.start()
    time.sleep(0.5)
    may_go_on.set()
    ended.join()
    assert served.rows("SELECT state FROM delivery") == [("sent",)]
    assert hop.recipients().count("pat@home.example") == 1
