"""A vacation responder that marks its mail in no way, and answers everything that we write to its owner."""

import signal
import smtplib
from email.message import EmailMessage

import pytest

from tests.peers.process import wait_for
from tests.peers.served import Served

pytestmark = pytest.mark.peer

ADA = "ada@riverside.example"
THREADS = 30


@pytest.fixture
def served(tmp_path, hop):
    gateway = Served(tmp_path / "gateway", hop.port)
    gateway.start()
    yield gateway
    gateway.end(signal.SIGKILL)


def notices(hop, kind):
    return {one.message["Message-ID"]: one.message for one in hop.messages() if one.message["X-Gateway-Notice"] == kind}


def answer(served, messages):
    """What the responder writes: the same note to each, in the thread of each."""
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=60) as client:
        for message in messages:
            note = EmailMessage()
            note["From"], note["To"], note["Subject"] = ADA, message["Reply-To"], f"Re: {message['Subject']}"
            note["Message-ID"] = f"<away-{message['Message-ID'].strip('<>')}>"
            note["In-Reply-To"] = message["Message-ID"]
            note.set_content("Back on Monday: no mail is read here till then.\n")  # not in the words that we know
            client.send_message(note)


def test_a_responder_is_answered_at_most_once_in_each_thread(served, hop):
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=60) as client:
        for number in range(THREADS):
            message = EmailMessage()
            message["From"], message["To"] = ADA, f"p{number}@home.example"
            message["Subject"], message["Message-ID"] = "[secure] results", f"<{number}@riverside.example>"
            message.set_content("All is well.")
            client.send_message(message)
            served.turn(minutes=2)  # else they were a run, which has one digest
            wait_for(lambda: len(notices(hop, "receipt")) == number + 1)  # noqa: B023 - it is asked at once
    answer(served, notices(hop, "receipt").values())
    wait_for(lambda: len(notices(hop, "transcript")) == THREADS, 120)
    answer(served, notices(hop, "transcript").values())
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE state = 'queued'") == [(0,)], 60)
    assert len(notices(hop, "transcript")) == THREADS
    assert served.rows("SELECT count(*) FROM delivery WHERE notice = 'transcript'") == [(THREADS,)]
