"""`gateway leave` beside a gateway that serves: what is held is with its sender again, and the way out is printed."""

import re
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.peers.ledger import drained
from tests.peers.process import wait_for
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

ROOT = Path(__file__).parents[2]
ADA, PAT = "ada@riverside.example", "pat@home.example"


@pytest.fixture
def holding(served, hop):
    served.start()
    mail = Mailboxes(hop)
    served.send(ADA, PAT, "[secure patient 1980-02-03] Results", "Your haemoglobin is fine.\n" * 4000)  # in a file
    mail.next("invitation", PAT)
    served.send("bea@riverside.example", "una@home.example", "[secure] Results", "Una is well.")
    wait_for(lambda: drained(served))
    return served


def test_everything_goes_back_and_the_steps_are_printed(holding, hop):
    shown = holding.command("leave", "--dry-run")
    assert shown.returncode == 0
    assert "2 held mails for 2 recipients go back to their senders" in shown.stdout
    assert holding.rows("SELECT count(*) FROM copy WHERE state = 'held'") == [(2,)]

    unasked = holding.command("leave")
    assert (unasked.returncode, "add --yes" in unasked.stderr) == (1, True)
    assert holding.rows("SELECT count(*) FROM copy WHERE state = 'held'") == [(2,)]

    done = holding.command("leave", "--yes")
    assert done.returncode == 0, done.stderr
    assert re.search(r"1\. Tell your clinicians first", done.stdout)
    recipe = [line.strip() for line in (ROOT / "config/postfix.md").read_text().splitlines()]
    taken_out = re.findall(r"^ +(-o \S+)$", done.stdout, re.MULTILINE)
    assert [line.partition("=")[0] for line in taken_out] == ["-o content_filter", "-o receive_override_options"]
    assert [line for line in taken_out if line not in recipe] == []
    mail = Mailboxes(hop)
    back = mail.next("returned", ADA)
    [attached] = back.iter_attachments()
    assert attached.get_content().get_content().splitlines() == ["Your haemoglobin is fine."] * 4000
    assert "Una is well." in str(mail.next("returned", "bea@riverside.example"))
    assert "is over" in mail.next("closing", PAT)["Subject"]
    wait_for(lambda: drained(holding))
    assert not [one for one in hop.messages() if one.message["X-Gateway-Notice"] == "closing" and "una" in str(one)]
    assert holding.rows("SELECT count(*) FROM copy WHERE wrapped_key IS NOT NULL") == [(0,)]
    kept = "SELECT kind, state FROM delivery WHERE wrapped_key IS NOT NULL"  # for a week: it may come back
    assert holding.rows(kept) == [("return", "sent")] * 2

    again = holding.command("leave", "--yes")
    assert (again.returncode, "no mail is held" in again.stdout) == (0, True)
    assert holding.command("audit", "verify").returncode == 0


def test_what_travels_back_is_the_mail_as_it_was_held(holding, hop):
    assert holding.command("leave", "--yes").returncode == 0
    Mailboxes(hop).next("returned", ADA)
    [handed] = [one for one in hop.messages() if b"X-Gateway-Notice: returned" in one.octets and ADA in one.recipients]
    parsed = message_from_bytes(handed.octets, policy=policy.default)
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["multipart/alternative", "message/rfc822"]
