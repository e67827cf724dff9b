"""Mail that is perhaps secure, in a process that is killed between any two steps: it waits, whole, for its answer."""

import signal
import smtplib

import pytest

from tests.peers.process import wait_for
from tests.peers.served import Mailboxes, Served

pytestmark = pytest.mark.peer

ADA, PAT, KIM = "ada@riverside.example", "pat@home.example", "kim@home.example"
FILE = "0123456789abcdef" * 4 + "\r\n"
OCTETS = (
    f"From: Dr Ada <{ADA}>\r\nTo: {PAT}, {KIM}\r\nSubject: (secure) Results\r\n"
    "Message-ID: <x@riverside.example>\r\n\r\n" + FILE * 3000
).encode()
"""So large that its content lies in files."""


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port)
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


def asked(served, hop):
    """The mail is handed in, and the gateway killed; the question about it."""
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20) as client:
        client.sendmail(ADA, [PAT, KIM], OCTETS)
    served.kill()
    question = Mailboxes(hop).next("near-miss", ADA)
    served.kill()
    return question


def passed(hop):
    return [one for one in hop.messages() if one.message["X-Gateway-Notice"] is None]


def files(served):
    spool = served.database.with_name("gateway.db.spool")
    return sorted(file.name for file in spool.iterdir() if file.stat().st_size)


@pytest.mark.parametrize(
    ("answer", "copies", "left"), [("YES", {"held"}, 1), ("PLAIN", {"passed"}, 0), ("CANCEL", {"destroyed"}, 0)]
)
def test_what_is_asked_about_is_kept_whole_and_nothing_is_left_over(served, hop, answer, copies, left):
    question = asked(served, hop)
    assert passed(hop) == []
    assert len(files(served)) == 2  # as it came, and as secure mail

    served.send(ADA, question["Reply-To"], "Re: x", answer)
    served.kill()
    Mailboxes(hop).next("transcript", ADA)
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE state = 'queued'") == [(0,)], 20)

    assert {state for (state,) in served.rows("SELECT state FROM copy")} == copies
    taken = passed(hop)
    assert {to for one in taken for to in one.recipients} == ({PAT, KIM} if answer == "PLAIN" else set())
    assert all(one.octets.endswith(OCTETS) for one in taken)
    wait_for(lambda: len(files(served)) == left)
    assert served.rows("SELECT count(*) FROM content") == [(left,)]
    if answer == "YES":
        receipt = Mailboxes(hop).next("receipt", ADA)
        assert all(name in receipt.get_body(("plain",)).get_content() for name in (PAT, KIM))
