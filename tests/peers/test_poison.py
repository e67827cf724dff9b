"""A mail that cannot be prepared for sending: the others flow, and everybody who has to know hears of it."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.peers.process import wait_for
from tests.peers.served import Mailboxes

pytestmark = pytest.mark.peer

ADA = "ada@riverside.example"


def test_poison_at_the_head_of_the_queue_is_set_aside_and_told(served, hop):
    usual, hop.script = hop.script, lambda step, *_: "421 4.3.2 Later" if step == "banner" else ""
    served.settings["SITE__TIMEZONE"] = "Europe/London"
    served.start()
    for number in range(4):
        served.send(ADA, f"p{number}@home.example", "passes", "Hello.")
    wait_for(lambda: served.rows("SELECT count(*) FROM delivery WHERE attempts = 1 AND lease_until IS NULL") == [(4,)])
    with closing(sqlite3.connect(served.database)) as database, database:
        database.execute("UPDATE delivery SET wrapped_key = zeroblob(61) WHERE id = 1")  # nothing opens it any more
    hop.script = usual
    served.turn(minutes=10)
    wait_for(lambda: {f"p{number}@home.example" for number in (1, 2, 3)} <= set(hop.recipients()))
    for _ in range(3):
        served.turn(hours=1)
        served.catch_up()
    wait_for(lambda: served.rows("SELECT state FROM delivery WHERE id = 1") == [("quarantined",)])
    report = wait_for(lambda: next((one for one in hop.messages() if one.recipients == (ADA,)), None))
    assert report.message.get_content_type() == "multipart/report"
    wait_for(lambda: served.figure("gateway_deliveries_set_aside") == 1, 30)
    assert "FAULT    queue: 1 mails" in served.command("check").stdout
    [line] = served.command("queue", "list", "--set-aside", "--json").stdout.splitlines()
    assert (json.loads(line)["number"], json.loads(line)["to"]) == (1, "p0@home.example")

    served.turn(days=1)
    served.catch_up()
    reports = served.rows("SELECT count(*) FROM delivery WHERE notice = 'attention'")
    told = Mailboxes(hop).next("attention", "postmaster@riverside.example")
    assert "p0@home.example" in told.get_body(("plain",)).get_content()
    assert served.command("queue", "drop", 1).stdout == "1: dropped\n"
    served.turn(days=1)
    served.catch_up()
    assert served.rows("SELECT count(*) FROM delivery WHERE notice = 'attention'") == reports
    assert served.rows("SELECT count(*) FROM content") == [(0,)]
