"""What an administrator asks of a gateway that serves: trace, queue, invitations, status, doctor; with exit codes."""

import json
import os
import smtplib
from pathlib import Path

import pytest

from tests.peers.process import wait_for
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

ADA = "ada@riverside.example"
SECRET = "The secret result is 42."


def handed_in(served, to: str, subject: str, body: str = SECRET) -> str:
    """Hand a mail in; its queue id, as the client hears it."""
    text = f"From: Dr Ada <{ADA}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{to}>\r\n\r\n{body}\r\n"
    with smtplib.SMTP("127.0.0.1", served.smtp_port, timeout=20) as client:
        client.ehlo()
        client.mail(ADA)
        client.rcpt(to)
        code, said = client.data(text)
    assert code == 250
    return said.decode().rpartition(" ")[2]


def asked(served, *words: object, code: int = 0) -> list[dict]:
    done = served.command(*words, "--json")
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert SECRET not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_id_follows_a_mail_from_its_250_through_log_queue_and_trace(served, hop):
    served.start()
    passing = handed_in(served, "omar@hillside.example", "Lunch?")
    secure = handed_in(served, "pat@home.example", "[secure patient 1980-02-03] Results")
    Mailboxes(hop).next("invitation", "pat@home.example")
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE state = 'queued'") == [(0,)])
    [arrived] = [one for one in hop.messages() if one.recipients == ("omar@hillside.example",)]
    assert f" id {passing}" in arrived.message["Received"].replace("\n", " ").replace("\t", " ")
    wait_for(lambda: "event=sent" in lines_of(served, passing))
    assert "mail taken" in lines_of(served, passing)
    told = [step["what"] for step in asked(served, "trace", passing)]
    assert told == ["taken in", "passes", "queued: pass", "sent: pass"]
    told = [step["what"] for step in asked(served, "trace", secure)]
    assert told[:2] == ["taken in", "held"]
    assert "sent: invitation" in told
    assert asked(served, "trace", "<pat@home.example>") == asked(served, "trace", secure)
    assert asked(served, "trace", "omar@hillside.example")[0]["queue_id"] == passing
    assert served.command("trace", "000000000000").returncode == 1


def lines_of(served, queue_id: str) -> str:
    log = Path(served.folder / "log").read_text()
    return "\n".join(line for line in log.splitlines() if f"queue_id={queue_id}" in line)


def test_an_administrator_pauses_releases_and_cancels_beside_a_gateway_that_serves(served, hop):
    usual, hop.script = hop.script, lambda step, *_: "421 4.3.2 Later" if step == "banner" else ""
    served.start()
    handed_in(served, "omar@hillside.example", "Lunch?")
    handed_in(served, "pat@home.example", "[secure] Results")
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE attempts > 0 AND lease_until IS NULL") == [(2,)])
    assert served.command("queue", "hold", "--all").returncode == 1  # nobody was asked
    assert "2 mails: paused, until released or dropped\n" in served.command("queue", "hold", "--all", "--yes").stdout
    assert [one["state"] for one in asked(served, "queue", "list", "--state", "paused")] == ["paused"] * 2
    hop.script = usual
    served.turn(days=10)
    served.catch_up()
    assert "omar@hillside.example" not in hop.recipients()
    assert (
        "2 mails: released, and tried at once\n"
        in served.command("queue", "release", "--hop", "next_hop", "--yes").stdout
    )
    wait_for(lambda: "omar@hillside.example" in hop.recipients())
    [shown] = asked(served, "queue", "show", 1)
    assert (shown["state"], len(shown["done_to_it"])) == ("sent", 2)

    [one] = asked(served, "invitations", "list", "--state", "lapsed")
    assert (one["address"], one["held"]) == ("pat@home.example", 0)
    handed_in(served, "pat@home.example", "[secure patient 1980-02-03] Results", "Once more.")
    [one] = asked(served, "invitations", "list")
    assert "1980" not in str(asked(served, "invitations", "show", one["number"]))
    assert served.command("invitations", "cancel", "pat@home.example", "--yes").returncode == 0
    assert "administrator" in Mailboxes(hop).next("cancelled", ADA).get_body(("plain",)).get_content()
    assert served.command("invitations", "remind", one["number"]).returncode == 1


def test_the_doctor_and_the_status_look_beside_a_gateway_that_serves(served, hop):
    served.start()
    handed_in(served, "pat@home.example", "[secure] Results", SECRET * 5000)
    Mailboxes(hop).next("receipt", ADA)
    *found, whole = asked(served, "doctor")
    assert (found, whole["whole"]["messages"], whole["damaged"]) == ([], 1, False)
    [status] = asked(served, "status", code=1)  # the settings' own ports are not those of the test
    assert status["serves"]
    assert {need.partition(":")[0] for need in status["needs"]} <= {"listener"}
    [file] = (served.folder / "gateway.db.spool").iterdir()
    os.truncate(file, file.stat().st_size - 1)
    [lost, whole] = asked(served, "doctor", code=os.EX_DATAERR)
    assert (lost["harm"], lost["whose"], whole["lost"]) == ("lost", ["pat@home.example"], {"content-altered": 1})
    assert "cannot read message 1" in served.command("doctor").stdout
